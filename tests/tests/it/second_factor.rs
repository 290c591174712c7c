//! One code, fifty who use it at once, over every adapter: one gets in. And guessing that moves from
//! challenge to challenge and from replica to replica: it stops where the lock rule says.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

use std::sync::Arc;

use auth_domain::{
    client::Client,
    factor::{DeviceTraits, TotpSecret},
    guard::lockout::LockPolicy,
    port::{ChallengeStore, Clock as _, CodeStore, SmsLedger, Store},
    tenant::TenantId,
    usecase::{
        Caller, ChallengeLogin, ChallengeLoginError, CreateUser, FactorChange, Fault, LoginError,
        PasswordLogin, Policy, Ports, SendCode,
    },
    user::{Email, Password, PhoneNumber, Roles},
};
use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger};
use auth_postgres::{PostgresConfig, PostgresStore};
use auth_redis::{RedisConfig, RedisState};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{FakeCipher, NoticeKind, SeededEntropy, TestEngine};
use chrono::TimeDelta;
use tempfile::TempDir;

use crate::harness::parts::{CLUSTER, REDIS, database};

const CONTENDERS: usize = 50;

/// Two replicas of one installation.
pub(crate) struct Installation {
    pub(crate) name: &'static str,
    pub(crate) replicas: [Arc<TestEngine>; 2],
    _directory: Option<TempDir>,
}

/// Short-lived state as one replica sees it.
#[derive(Clone)]
struct State {
    codes: Arc<dyn CodeStore>,
    challenges: Arc<dyn ChallengeStore>,
    ledger: Arc<dyn SmsLedger>,
}

impl State {
    fn memory() -> Self {
        let (codes, challenges) = (Arc::new(MemoryCodes::new()), Arc::new(MemoryChallenges::new()));
        Self { codes, challenges, ledger: Arc::new(MemoryLedger::new()) }
    }

    fn redis(urls: &str) -> Self {
        let config = RedisConfig::parse(urls).unwrap();
        let redis = Arc::new(RedisState::new(&config, Arc::new(FakeCipher::default())).unwrap());
        Self { codes: redis.clone(), challenges: redis.clone(), ledger: redis }
    }

    /// With chance of its own: two replicas do not roll the same dice.
    fn adapt(self, ports: Ports, seed: u64) -> Ports {
        let entropy = Arc::new(SeededEntropy::new(seed));
        Ports { codes: self.codes, challenges: self.challenges, sms_ledger: self.ledger, entropy, ..ports }
    }
}

impl Installation {
    fn new(
        name: &'static str,
        policy: &Policy,
        replicas: [(Arc<dyn Store>, State); 2],
        directory: Option<TempDir>,
    ) -> Self {
        let mut seed = 0;
        let replicas = replicas.map(|(store, state)| {
            seed += 1;
            Arc::new(TestEngine::adapted(store, policy.clone(), |ports| state.adapt(ports, seed)))
        });
        Self { name, replicas, _directory: directory }
    }

    pub(crate) async fn all(policy: &Policy) -> Vec<Self> {
        let directory = TempDir::new().unwrap();
        let file = SqliteStore::open(SqliteConfig::file(directory.path().join("a.sqlite3"))).unwrap();
        let memory = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
        let mut all = Vec::new();
        for (name, store, directory) in
            [("SQLite file, memory", file, Some(directory)), ("SQLite memory, memory", memory, None)]
        {
            store.migrate().await.unwrap();
            let (store, state): (Arc<dyn Store>, _) = (Arc::new(store), State::memory());
            all.push(Self::new(name, policy, [(store.clone(), state.clone()), (store, state)], directory));
        }
        let (redis, cluster) = (REDIS.url(), CLUSTER.urls());
        for (name, urls) in [("PostgreSQL, Redis", &redis), ("PostgreSQL, Redis Cluster", &cluster)] {
            let config = PostgresConfig::from_url(&database()).unwrap();
            let (one, other) = (PostgresStore::open(&config).unwrap(), PostgresStore::open(&config).unwrap());
            one.migrate().await.unwrap();
            let replicas = [
                (Arc::new(one) as Arc<dyn Store>, State::redis(urls)),
                (Arc::new(other) as Arc<dyn Store>, State::redis(urls)),
            ];
            all.push(Self::new(name, policy, replicas, None));
        }
        all
    }

    /// The replica that request `number` meets.
    pub(crate) fn replica(&self, number: usize) -> &Arc<TestEngine> {
        &self.replicas[number % 2]
    }
}

/// One person of an installation, with every second factor.
struct Person {
    email: Email,
    number: PhoneNumber,
    password: String,
    app: TotpSecret,
    recovery: Vec<String>,
}

fn client() -> Client {
    Client { ip: Some([192, 0, 2, 7].into()), ..Client::default() }
}

fn change() -> FactorChange {
    FactorChange { client: client(), ..FactorChange::default() }
}

impl Person {
    async fn enrolled(at: &Installation, name: &str, number: &str) -> Self {
        let test = at.replica(0);
        test.engine.keys.ensure().await.unwrap();
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let request = CreateUser {
            tenant: TenantId::default(),
            email: email.clone(),
            full_name: None,
            roles: Roles::default(),
        };
        let created = test.engine.operators.create_user(&request).await.unwrap();
        let password = created.password.expose_secret().to_owned();
        let number = PhoneNumber::parse(number).unwrap();
        let login = login(&email, &password, None);
        let signed_in = test.engine.login.with_password(&login).await.unwrap();
        let token = signed_in.access.expose_secret();
        let first = caller(test, token).await;
        let factors = &test.engine.factors;
        let app = factors.set_up_totp(&first, &change()).await.unwrap().secret;
        let code = test.app.shows(&app, test.clock.now()).into();
        let recovery = factors.activate_totp(&first, &code, &change()).await.unwrap();
        let recovery = recovery.iter().map(|code| code.expose_secret().to_owned()).collect();
        factors.set_up_sms(&caller(test, token).await, &number, &change()).await.unwrap();
        let code = test.sms.code(&number).unwrap().into();
        factors.verify_sms(&caller(test, token).await, &code, &change()).await.unwrap();
        factors.enable_email(&caller(test, token).await, &change()).await.unwrap();
        test.engine.delivery.run(50).await.unwrap();
        for replica in &at.replicas {
            replica.clock.advance(TimeDelta::minutes(1));
        }
        Self { email, number, password, app, recovery }
    }

    fn login(&self, code: Option<&str>) -> PasswordLogin {
        login(&self.email, &self.password, code)
    }

    /// Asks for the second factor at one replica; gives the token.
    async fn challenge(&self, test: &TestEngine) -> String {
        match test.engine.login.with_password(&self.login(None)).await {
            Err(LoginError::SecondFactorRequired(required)) => {
                required.token.unwrap().expose_secret().to_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    fn answer(token: &str, code: &str) -> ChallengeLogin {
        ChallengeLogin {
            tenant: TenantId::default(),
            token: token.to_owned().into(),
            code: code.to_owned().into(),
            device: DeviceTraits::default(),
            device_token: None,
            client: client(),
        }
    }
}

fn login(email: &Email, password: &str, code: Option<&str>) -> PasswordLogin {
    PasswordLogin {
        tenant: TenantId::default(),
        email: email.clone(),
        password: Password::new(password.to_owned()),
        code: code.map(|code| code.to_owned().into()),
        device: DeviceTraits::default(),
        device_token: None,
        client: client(),
    }
}

/// The caller as a request finds them now.
async fn caller(test: &TestEngine, token: &str) -> Caller {
    test.engine.bearer.authenticate(token, &TenantId::default()).await.unwrap()
}

/// How many of these logins succeed when all run at once, every other one at the other replica.
async fn winners(at: &Installation, logins: Vec<PasswordLogin>) -> usize {
    let tasks: Vec<_> = logins
        .into_iter()
        .enumerate()
        .map(|(number, login)| {
            let test = at.replica(number).clone();
            tokio::spawn(async move { test.engine.login.with_password(&login).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    won
}

/// The same for logins that continue.
async fn answered(at: &Installation, answers: Vec<ChallengeLogin>) -> usize {
    let tasks: Vec<_> = answers
        .into_iter()
        .enumerate()
        .map(|(number, login)| {
            let test = at.replica(number).clone();
            tokio::spawn(async move { test.engine.login.with_challenge(&login).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    won
}

/// Nobody is locked out, so that nothing but the codes themselves decides.
fn patient() -> Policy {
    let lock = LockPolicy { threshold: 10_000, ..LockPolicy::default() };
    Policy { lock, max_sessions: 1000, ..Policy::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_code_lets_one_in() {
    for at in Installation::all(&patient()).await {
        let ada = Person::enrolled(&at, "ada", "+12125550111").await;
        let test = at.replica(0);

        let app = test.app.shows(&ada.app, test.clock.now());
        let won = winners(&at, vec![ada.login(Some(&app)); CONTENDERS]).await;
        assert_eq!(won, 1, "app: {}", at.name);
        let won = winners(&at, vec![ada.login(Some(&ada.recovery[0])); CONTENDERS]).await;
        assert_eq!(won, 1, "recovery code: {}", at.name);

        let send = SendCode {
            tenant: TenantId::default(),
            email: ada.email.clone(),
            password: Password::new(ada.password.clone()),
            device_token: None,
            client: client(),
        };
        test.engine.login.send_sms_code(&send).await.unwrap();
        let sms = test.sms.code(&ada.number).unwrap();
        let won = winners(&at, vec![ada.login(Some(&sms)); CONTENDERS]).await;
        // Wrong answers would use the code up; these are all right, so one is accepted.
        assert_eq!(won, 1, "text message: {}", at.name);

        test.engine.login.send_email_code(&send).await.unwrap();
        test.engine.delivery.run(50).await.unwrap();
        let mail = test.mailer.code(NoticeKind::LoginCode, &ada.email).unwrap();
        let won = winners(&at, vec![ada.login(Some(&mail)); CONTENDERS]).await;
        assert_eq!(won, 1, "mail: {}", at.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_token_lets_one_in_whatever_the_codes() {
    for at in Installation::all(&Policy { mfa: strict(), ..patient() }).await {
        let bob = Person::enrolled(&at, "bob", "+12125550112").await;
        let test = at.replica(0);
        let token = bob.challenge(test).await;
        let code = test.app.shows(&bob.app, test.clock.now());
        let won = answered(&at, vec![Person::answer(&token, &code); CONTENDERS]).await;
        assert_eq!(won, 1, "one code: {}", at.name);

        // Five tries, five different codes that are all right.
        let token = bob.challenge(test).await;
        let answers = bob.recovery[..5].iter().map(|code| Person::answer(&token, code)).collect();
        let won = answered(&at, answers).await;
        assert_eq!(won, 1, "different codes: {}", at.name);
    }
}

/// No device does without.
fn strict() -> auth_domain::factor::MfaPolicy {
    auth_domain::factor::MfaPolicy { device_bypass: TimeDelta::zero(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guessing_stops_at_the_limit_across_challenges_and_replicas() {
    for at in Installation::all(&Policy { mfa: strict(), ..Policy::default() }).await {
        let eve = Person::enrolled(&at, "eve", "+12125550113").await;
        let mut tokens = Vec::new();
        for number in 0..4 {
            tokens.push(eve.challenge(at.replica(number)).await);
        }
        let tasks: Vec<_> = (0..CONTENDERS)
            .map(|number| {
                let (test, token) = (at.replica(number).clone(), tokens[number % tokens.len()].clone());
                tokio::spawn(async move {
                    let wrong = format!("{:06}", 100_000 + number);
                    test.engine.login.with_challenge(&Person::answer(&token, &wrong)).await
                })
            })
            .collect();
        let (mut looked_at, mut locked, mut faults) = (0, 0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Err(ChallengeLoginError::WrongCode) => looked_at += 1,
                Err(ChallengeLoginError::Locked(_)) => locked += 1,
                Err(ChallengeLoginError::InvalidToken) => {}
                // A busy machine may answer too late. Such a code was not looked at.
                Err(ChallengeLoginError::Fault(Fault::Codes(_) | Fault::Challenges(_))) => faults += 1,
                other => panic!("{}: {other:?}", at.name),
            }
        }
        assert!(looked_at == 5 || (faults > 0 && looked_at < 5), "{}: {looked_at}, {faults}", at.name);
        assert!(locked > 0, "{}", at.name);
        for number in 0..2 {
            let again = at.replica(number).engine.login.with_password(&eve.login(None)).await;
            assert!(matches!(again, Err(LoginError::Locked(_))), "{}: {again:?}", at.name);
        }
    }
}
