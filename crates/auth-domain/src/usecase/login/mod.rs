//! Login.
//!
//! The path from a password to a session is typed: [`FirstFactor`] can only be made by proving one,
//! [`Authenticated`] only from a first factor and every further factor the account needs, and a
//! session only from [`Authenticated`]. No shorter path compiles (invariant I3).

mod authenticated;
mod issue;
mod password;

pub(super) use authenticated::Authenticated;
use authenticated::FirstFactor;
pub use issue::SignedIn;
pub use password::{Login, LoginError, PasswordLogin};
