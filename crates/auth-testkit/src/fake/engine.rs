//! A whole engine on fakes, around a real store.

use std::sync::Arc;

use auth_domain::{
    port::Store,
    usecase::{Engine, Policy, Ports},
};

use super::{ExactLimiter, FakeCipher, FakeClock, FakeTokens, FastHasher, RecordingMailer, SeededEntropy};

/// An engine whose time, chance, hashing, mail and limits a test controls.
pub struct TestEngine {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: FakeClock,
    /// Its hasher.
    pub hasher: Arc<FastHasher>,
    /// Its mailer.
    pub mailer: Arc<RecordingMailer>,
    /// Its limiter.
    pub limiter: Arc<ExactLimiter>,
}

impl TestEngine {
    /// An engine on `store` with the numbers of `policy`.
    pub fn new(store: Arc<dyn Store>, policy: Policy) -> Self {
        let (clock, tokens, cipher) =
            (FakeClock::default(), Arc::new(FakeTokens::default()), FakeCipher::default());
        let (hasher, mailer) = (Arc::new(FastHasher::default()), Arc::new(RecordingMailer::default()));
        let limiter = Arc::new(ExactLimiter::default());
        let ports = Ports {
            store,
            hasher: hasher.clone(),
            signer: tokens.clone(),
            verifier: tokens.clone(),
            key_ring: tokens.clone(),
            key_factory: tokens,
            keyed_hash: Arc::new(cipher),
            limiter: limiter.clone(),
            mailer: mailer.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::default()),
        };
        Self { engine: Engine::new(ports, policy), clock, hasher, mailer, limiter }
    }
}
