//! The contracts of the computing ports. HS256 has no ring and so no contract of rings: see `shared`.

use auth_crypto::{Argon2Hasher, HasherConfig, JwtKeys, Keys};
use auth_domain::token::JwtAlgorithm;

mod hasher {
    use super::{Argon2Hasher, HasherConfig};

    fn make() -> Argon2Hasher {
        Argon2Hasher::start(HasherConfig::insecure_for_tests()).unwrap()
    }
    auth_testkit::hasher_contract!(make);
}

mod eddsa {
    use super::{JwtAlgorithm, JwtKeys};

    fn make() -> JwtKeys {
        crate::ring(JwtAlgorithm::EdDsa)
    }
    auth_testkit::tokens_contract!(make);
}

mod es256 {
    use super::{JwtAlgorithm, JwtKeys};

    fn make() -> JwtKeys {
        crate::ring(JwtAlgorithm::Es256)
    }
    auth_testkit::tokens_contract!(make);
}

mod rs256 {
    use super::{JwtAlgorithm, JwtKeys};

    fn make() -> JwtKeys {
        crate::ring(JwtAlgorithm::Rs256)
    }
    auth_testkit::tokens_contract!(make);
}

mod cipher {
    use super::Keys;

    fn make() -> Keys {
        Keys::derive(&crate::secret())
    }
    auth_testkit::cipher_contract!(make);
}

mod totp {
    auth_testkit::totp_contract!(auth_crypto::Rfc6238::default);
}
