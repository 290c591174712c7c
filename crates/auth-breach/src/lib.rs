//! Passwords known from breaches: asked of a service that speaks the range API of "Have I Been Pwned", or
//! looked up in a file of its hashes.
//!
//! * The service learns the first 20 bits of a SHA-1, which thousands of passwords share, and answers
//!   with all it knows that begin so. It is asked for padding, so that the length of its answer does not
//!   tell which range it was ([`RangeApi`]).
//! * The file lies on this machine and serves installations that reach no service ([`BreachFile`]).
//!
//! Neither is waited for longer than a moment, and a service that does not answer is left alone for a
//! while. What is looked for is in no log and in no error.
#![warn(missing_docs)]

mod digest;
mod file;
mod range;

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{
    port::{BreachError, BreachedPasswords},
    user::Password,
};

pub use file::{BreachFile, BreachFileError};
pub use range::{RangeApi, RangeConfig, RangeConfigError};

/// Several sources, asked one after the other: whoever knows the password settles it.
pub struct BreachSources(Vec<Arc<dyn BreachedPasswords>>);

impl BreachSources {
    /// Puts sources together, the nearest first. `None` of none.
    pub fn of(sources: Vec<Arc<dyn BreachedPasswords>>) -> Option<Self> {
        (!sources.is_empty()).then_some(Self(sources))
    }
}

#[async_trait]
impl BreachedPasswords for BreachSources {
    async fn contains(&self, password: &Password) -> Result<bool, BreachError> {
        let mut failure = None;
        for source in &self.0 {
            match source.contains(password).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(false), Err)
    }
}
