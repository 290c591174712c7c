//! Parts of the server alone: `cargo bench -p auth-benches`, or with a name behind it.

mod nobody;

use std::{num::NonZeroUsize, sync::Arc};

use actix_web::{
    dev::Service as _,
    test::{TestRequest, init_service},
};
use auth_crypto::{Argon2Hasher, HasherConfig, JwtConfig, JwtKeys, Keys};
use auth_domain::{
    port::{
        KeyFactory as _, KeyRing as _, PasswordHasher, Quota, RateLimiter as _, TokenSigner as _,
        TokenVerifier as _,
    },
    secret::{AccessToken, ServerSecret},
    token::{AccessClaims, JwtAlgorithm, TokenExpectations},
    user::Password,
};
use auth_http::{Api, Gate, Health, HttpSettings, Metrics, settings::Quotas};
use auth_memory::MemoryLimiter;
use auth_testkit::{
    contract::computing::tokens::{claims, noon},
    fake::{FakeClock, SeededEntropy},
};
use chrono::TimeDelta;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use self::nobody::Nobody;

criterion_group!(parts, hashing, tokens, limiter, router);
criterion_main!(parts);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// One login's hash, and a batch as large as the machine computes at once.
fn hashing(criterion: &mut Criterion) {
    let runtime = runtime();
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let hasher = Arc::new(Argon2Hasher::start(HasherConfig::new(cores)).expect("the pool starts"));
    let password = Password::new("Tr0ubadour&Zebra".to_owned());
    let mut group = criterion.benchmark_group("hashing pool");
    group.sample_size(20);
    group.bench_function("one password of nobody", |bencher| {
        bencher.iter(|| runtime.block_on(hasher.verify(&password, None)));
    });
    group.throughput(Throughput::Elements(cores.get() as u64));
    group.bench_function("one on each core", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let mut all = JoinSet::new();
                for _ in 0..cores.get() {
                    let (hasher, password) = (Arc::clone(&hasher), password.clone());
                    all.spawn(async move { hasher.verify(&password, None).await });
                }
                all.join_all().await
            })
        });
    });
    group.finish();
}

/// Signing an access token, and believing one.
fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("access tokens");
    for algorithm in [JwtAlgorithm::EdDsa, JwtAlgorithm::Es256] {
        let secret = ServerSecret::parse("0f8fad5bd9cb469fa16570867728950e").expect("a secret");
        let expectations = TokenExpectations {
            issuer: "https://auth.example.com".to_owned(),
            audience: "api".to_owned(),
            leeway: TokenExpectations::DEFAULT_LEEWAY,
        };
        let keys = Arc::new(Keys::derive(&secret));
        let config = JwtConfig {
            algorithm,
            expectations,
            shared_secret: Some(secret),
            longest_life: TimeDelta::hours(1),
        };
        let tokens = JwtKeys::new(config, keys).expect("a ring");
        let key = tokens.generate(noon(), noon()).expect("a key");
        tokens.install(&[key]).expect("a ring with a key");
        // Without an id of their own, each gets a new one, and so is a token of its own.
        let claims = AccessClaims { id: None, ..claims(noon()) };
        let signed = || tokens.sign(&claims, noon()).expect("a token");
        let token = signed();
        group.bench_function(format!("sign {algorithm:?}"), |bencher| {
            bencher.iter(|| tokens.sign(&claims, noon()));
        });
        group.bench_function(format!("verify {algorithm:?}, for the first time"), |bencher| {
            let verify = |token: AccessToken| tokens.verify(token.expose_secret(), noon());
            bencher.iter_batched(signed, verify, BatchSize::SmallInput);
        });
        group.bench_function(format!("verify {algorithm:?}, again"), |bencher| {
            bencher.iter(|| tokens.verify(token.expose_secret(), noon()));
        });
    }
    group.finish();
}

/// One call counted, of one client and of many.
fn limiter(criterion: &mut Criterion) {
    let runtime = runtime();
    let limiter = MemoryLimiter::new();
    let quota = Quota::per_minute(u32::MAX);
    let keys: Vec<String> = (0..10_000).map(|number| format!("login:client-{number}")).collect();
    let mut group = criterion.benchmark_group("rate limiter");
    group.bench_function("one client", |bencher| {
        bencher.iter(|| runtime.block_on(limiter.admit(&keys[0], quota, noon())));
    });
    let mut next = 0;
    group.bench_function("ten thousand clients", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % keys.len();
            runtime.block_on(limiter.admit(&keys[next], quota, noon()))
        });
    });
    group.finish();
}

/// Everything around a handler: gate, limits, routing, headers.
fn router(criterion: &mut Criterion) {
    let system = actix_web::rt::System::new();
    let nobody = Arc::new(Nobody);
    let clock = Arc::new(FakeClock::at(noon()));
    let settings = HttpSettings { quotas: Quotas::per_minute(1_000_000, 1, 1), ..HttpSettings::default() };
    let operations = auth_http::operations(&settings);
    let gate = Gate {
        settings,
        bearer: nobody.clone(),
        api_keys: nobody.clone(),
        admission: nobody.clone(),
        csrf: nobody.clone(),
        limiter: Arc::new(MemoryLimiter::new()),
        health: Health::new(nobody.clone(), None, clock.clone()),
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::default()),
        drain: auth_http::Drain::default(),
        metrics: Arc::new(Metrics::new(nobody, clock, "0")),
        tracer: None,
    };
    let api = Api::new(gate, operations);
    let app = system.block_on(init_service(api.app()));
    let mut group = criterion.benchmark_group("router");
    for path in ["/health/live", "/nowhere"] {
        group.bench_function(path, |bencher| {
            bencher.iter(|| {
                let peer = "127.0.0.1:4711".parse().expect("an address");
                let request = TestRequest::get().uri(path).peer_addr(peer).to_request();
                system.block_on(app.call(request)).expect("an answer")
            });
        });
    }
    group.finish();
}
