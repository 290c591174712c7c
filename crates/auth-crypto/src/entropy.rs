//! The operating system's randomness.

use auth_domain::port::{Entropy, EntropyError};

/// Fills buffers from the operating system's generator (`getrandom`, and its like elsewhere).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter everything else takes chance from")]
    fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(buf).map_err(|_| EntropyError)
    }
}
