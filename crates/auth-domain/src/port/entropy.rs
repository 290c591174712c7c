//! Chance.

/// Gives random bytes.
///
/// An implementor must fill the whole buffer from a cryptographically secure source, and must fail
/// rather than give weak bytes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Entropy: Send + Sync {
    /// Fills `buf` with random bytes.
    ///
    /// # Errors
    /// [`EntropyError`] when the source fails.
    fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed. Nothing secret can be made until it works again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct EntropyError;
