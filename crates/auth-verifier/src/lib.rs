//! Verifies the access tokens of the authentication server in other services.
//!
//! ```text
//! token ─▶ shape ─▶ header ─▶ key ─▶ signature ─▶ claims ─▶ [live?] ─▶ Claims
//!                              │                               │
//!                        KeySource                          LiveCheck
//!                  RemoteKeys: GET …/jwks.json     Introspection: POST …/introspect
//! ```
//!
//! A token that passes was signed by the server for this service's audience, has not expired and is of a
//! tenant that the service knows. Whether its session still lives only the server can tell:
//! with an [`Introspection`](live::Introspection) it is asked, and the answer is believed for a few seconds.
//!
//! ```
//! use auth_verifier::{Expectations, StaticKeys, Trust, Verifier, VerifyError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In a service: `Trust::keys(RemoteKeys::new(RemoteKeysConfig::at("https://auth.example.com"))?)`. Here the
//! // keys do not come over the network.
//! let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","use":"sig","alg":"EdDSA",
//!                         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let keys = StaticKeys::from_jwks(jwks.as_bytes())?;
//! let verifier = Verifier::new(Expectations::new("https://auth.example.com", "orders"), Trust::keys(keys));
//!
//! let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";
//! assert_eq!(verifier.verify(unsigned).await.unwrap_err(), VerifyError::Malformed);
//! # Ok(()) }
//! ```
//!
//! With the feature `actix` a handler asks for `actix::Authenticated`, and gets the claims; see
//! `examples/orders.rs`. To test a service, give it [`StaticKeys`] of a key of your own, or a [`KeySource`] and a
//! [`LiveCheck`](live::LiveCheck) that you wrote.
//!
//! The crate knows no other crate of this workspace: what it checks is what the server promises in its API, not
//! what the server shares with it.
#![warn(missing_docs)]

#[cfg(feature = "actix")]
pub mod actix;
mod cache;
mod claims;
mod compact;
#[cfg(feature = "http")]
mod http;
mod key;
pub mod live;
#[cfg(feature = "http")]
mod remote;
mod source;
mod verifier;

pub use claims::Claims;
#[cfg(feature = "http")]
pub use http::{HttpConfig, HttpConfigError};
pub use key::{Algorithm, InvalidKeys, Key};
#[cfg(feature = "http")]
pub use remote::{RemoteKeys, RemoteKeysConfig};
pub use source::{KeySource, KeysUnavailable, StaticKeys};
pub use verifier::{Expectations, Tenants, Trust, Verifier, VerifyError, WeakSecret};
