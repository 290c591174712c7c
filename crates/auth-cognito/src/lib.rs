//! Sign-in, accounts, second factors and tokens through an AWS Cognito user pool.
//!
//! | Module | What it holds |
//! |---|---|
//! | `config` | [`CognitoConfig`]: pool, client, addresses, limits |
//! | `provider` | [`Cognito`] as [`IdentityProvider`](auth_domain::port::IdentityProvider): sign-in and what follows |
//! | `accounts` | [`Cognito`] as [`IdentityAccounts`](auth_domain::port::IdentityAccounts) and [`IdentityFactors`](auth_domain::port::IdentityFactors) |
//! | `pool` | one call: its limit, its one repetition, the client's secret |
//! | `answer` | Cognito's answers in the words of the port |
//! | `refusal` | Cognito's errors in the words of the port |
//! | `token` | [`CognitoTokens`]: access tokens that others present, verified with the pool's keys |
//!
//! All calls are those of a pool's own users, which AWS takes without credentials: none are looked for.
//! Users sign in with their address, so the pool takes addresses as user names (or has none but
//! addresses), and the client allows `USER_PASSWORD_AUTH` and `REFRESH_TOKEN_AUTH`.
#![warn(missing_docs)]

mod accounts;
mod answer;
mod config;
mod pool;
mod provider;
mod refusal;
mod token;

pub use config::{CognitoConfig, CognitoConfigError};
pub use provider::Cognito;
pub use token::CognitoTokens;
