//! The fakes keep the contracts of their ports.

use auth_testkit::fake::{ExactLimiter, FakeCipher, FakeTokens, FastHasher};

mod hasher {
    auth_testkit::hasher_contract!(super::FastHasher::default);
}

mod tokens {
    auth_testkit::tokens_contract!(super::FakeTokens::empty);
}

mod cipher {
    auth_testkit::cipher_contract!(super::FakeCipher::default);
}

mod limiter {
    auth_testkit::limiter_contract!(super::ExactLimiter::default);
}
