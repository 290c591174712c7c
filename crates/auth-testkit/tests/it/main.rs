//! The fakes keep the contracts of their ports.

use auth_testkit::fake::{
    ExactLimiter, FakeApp, FakeChallenges, FakeCipher, FakeCodes, FakeLedger, FakeTokens, FastHasher,
    RecordingSms,
};

mod hasher {
    auth_testkit::hasher_contract!(super::FastHasher::default);
}

mod tokens {
    auth_testkit::tokens_contract!(super::FakeTokens::empty);
}

mod cipher {
    auth_testkit::cipher_contract!(super::FakeCipher::default);
}

mod totp {
    auth_testkit::totp_contract!(super::FakeApp::default);
}

mod limiter {
    auth_testkit::limiter_contract!(super::ExactLimiter::default);
}

mod codes {
    auth_testkit::codes_contract!(super::FakeCodes::default);
}

mod challenges {
    auth_testkit::challenges_contract!(super::FakeChallenges::default);
}

mod sms {
    auth_testkit::sms_contract!(super::RecordingSms::default);
}

mod ledger {
    auth_testkit::ledger_contract!(super::FakeLedger::default);
}
