//! Tests of the computing adapters, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

mod argon2;
mod contract;
mod forged;
mod imported;
mod outside;
mod shared;

use std::sync::Arc;

use auth_crypto::{JwtConfig, JwtKeys, Keys};
use auth_domain::secret::ServerSecret;
use auth_domain::token::{JwtAlgorithm, TokenExpectations};
use chrono::TimeDelta;

/// A secret of the tests.
const SECRET: &str = "0f8fad5bd9cb469fa16570867728950e";

fn secret() -> ServerSecret {
    ServerSecret::parse(SECRET).unwrap()
}

/// An empty ring that makes keys of `algorithm`.
fn ring(algorithm: JwtAlgorithm) -> JwtKeys {
    let expectations = TokenExpectations {
        issuer: "https://auth.example.com".to_owned(),
        audience: "api".to_owned(),
        leeway: TokenExpectations::DEFAULT_LEEWAY,
    };
    let longest_life = TimeDelta::hours(1);
    let config = JwtConfig { algorithm, expectations, shared_secret: Some(secret()), longest_life };
    JwtKeys::new(config, Arc::new(Keys::derive(&secret()))).unwrap()
}
