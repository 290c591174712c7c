//! A whole engine on fakes, around a real store.

use std::sync::Arc;

use auth_domain::{
    port::Store,
    usecase::{Engine, Policy, Ports},
};

use super::{
    ExactLimiter, FakeApp, FakeChallenges, FakeCheckpoints, FakeCipher, FakeClock, FakeCodes, FakeLedger,
    FakeOutsideKeys, FakeTokens, FastHasher, RecordingMailer, RecordingSms, SeededEntropy,
};

/// An engine whose time, chance, hashing, messages and limits a test controls.
pub struct TestEngine {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: FakeClock,
    /// Its hasher.
    pub hasher: Arc<FastHasher>,
    /// Its mailer. [`RecordingMailer::code`] reads the code out of a letter.
    pub mailer: Arc<RecordingMailer>,
    /// Its sender of text messages. [`RecordingSms::code`] reads the code out of a message.
    pub sms: Arc<RecordingSms>,
    /// Its counts of text messages.
    pub sms_ledger: Arc<FakeLedger>,
    /// Its limiter.
    pub limiter: Arc<ExactLimiter>,
    /// Its one-time codes.
    pub codes: Arc<FakeCodes>,
    /// Its logins that wait for their second factor.
    pub challenges: Arc<FakeChallenges>,
    /// Its secret box, to look into what it stored.
    pub cipher: FakeCipher,
    /// An authenticator app that computes as the engine does.
    pub app: FakeApp,
}

impl TestEngine {
    /// An engine on `store` with the numbers of `policy`.
    pub fn new(store: Arc<dyn Store>, policy: Policy) -> Self {
        Self::adapted(store, policy, |ports| ports)
    }

    /// The same with adapters of the test's choice in the place of some fakes.
    pub fn adapted(store: Arc<dyn Store>, policy: Policy, adapt: impl FnOnce(Ports) -> Ports) -> Self {
        let (clock, tokens, cipher) =
            (FakeClock::default(), Arc::new(FakeTokens::default()), FakeCipher::default());
        let (hasher, limiter) = (Arc::new(FastHasher::default()), Arc::new(ExactLimiter::default()));
        let (mailer, sms) = (Arc::new(RecordingMailer::default()), Arc::new(RecordingSms::default()));
        let sms_ledger = Arc::new(FakeLedger::default());
        let (codes, challenges) = (Arc::new(FakeCodes::default()), Arc::new(FakeChallenges::default()));
        let ports = Ports {
            store,
            hasher: hasher.clone(),
            signer: tokens.clone(),
            verifier: tokens.clone(),
            key_ring: tokens.clone(),
            key_factory: tokens,
            outside_keys: Arc::new(FakeOutsideKeys),
            breached: None,
            keyed_hash: Arc::new(cipher.clone()),
            secret_box: Arc::new(cipher.clone()),
            checkpoint_signer: Arc::new(FakeCheckpoints::default()),
            checkpoint_verifier: Arc::new(FakeCheckpoints::default()),
            totp: Arc::new(FakeApp),
            codes: codes.clone(),
            challenges: challenges.clone(),
            limiter: limiter.clone(),
            mailer: mailer.clone(),
            sms: sms.clone(),
            sms_ledger: sms_ledger.clone(),
            provider: None,
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::default()),
        };
        let engine = Engine::new(adapt(ports), policy);
        let app = FakeApp;
        Self { engine, clock, hasher, mailer, sms, sms_ledger, limiter, codes, challenges, cipher, app }
    }
}
