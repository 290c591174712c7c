//! Login.
//!
//! The path from a password to a session is typed: [`FirstFactor`] can only be made by proving one,
//! [`Authenticated`] only from a first factor and a second one wherever the account demands it, and a
//! session only from [`Authenticated`]. No shorter path compiles (invariant I3).
//!
//! ```text
//! password ──▶ FirstFactor ──┬─ nothing demanded, known device ───────────────────▶ Authenticated ──▶ session
//!                            ├─ code came along ──▶ SecondFactor ────────────────▶ Authenticated ──▶ session
//!                            └─ else: Challenge ──▶ code, mfa_token ──▶ SecondFactor ──▶ …
//! ```
//!
//! A provider's word takes the place of the password, and of nothing else.

mod authenticated;
mod challenge;
mod enter;
mod issue;
mod known_device;
mod password;
mod provider;
mod provider_step;
mod second;
mod sending;

use authenticated::FirstFactor;
pub(super) use authenticated::{Authenticated, fingerprint};
pub use challenge::MfaToken;
pub use issue::SignedIn;
pub use password::{Login, LoginError, PasswordLogin};
pub use provider::{ProviderChallengeLogin, ProviderChallengeRequired, ProviderLoginError};
pub use second::{ChallengeLogin, ChallengeLoginError, SecondFactorRequired};
pub use sending::{SendCode, SendCodeError};
