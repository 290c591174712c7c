//! Computing adapters: the system's clock and entropy, a pool for slow password hashing, keys derived
//! from the server's secret, signed access tokens, API keys that are minted outside, signatures over the audit
//! log, and the codes of authenticator apps.
//!
//! Nothing here keeps state that matters, touches the network or knows HTTP.
#![warn(missing_docs)]

mod checkpoint;
mod clock;
mod entropy;
mod hasher;
mod jwt;
mod keyring;
mod totp;

pub use checkpoint::{AuditKeys, Ed25519};
pub use clock::SystemClock;
pub use entropy::OsEntropy;
pub use hasher::{Argon2Cost, Argon2Hasher, BudgetTooSmall, HashLoad, HasherConfig, StartError, UnsafeCost};
pub use jwt::{InvalidJwtConfig, JwtConfig, JwtKeys, OutsideKeys, OutsideKeysConfig, UnfitPublicKey};
pub use keyring::Keys;
pub use totp::Rfc6238;
