//! Chance that can be repeated.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use auth_domain::port::{Entropy, EntropyError};

use super::digest_of;

/// A SHA-256 counter generator: the same seed gives the same bytes. Clones share the counter.
#[derive(Clone, Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: Arc<AtomicU64>,
    broken: Arc<AtomicBool>,
}

impl SeededEntropy {
    /// A generator that begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Arc::default(), broken: Arc::default() }
    }

    /// Makes every later call fail, or work again.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

impl Default for SeededEntropy {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(EntropyError);
        }
        for chunk in buf.chunks_mut(32) {
            let block = self.counter.fetch_add(1, Ordering::SeqCst);
            let bytes = digest_of(&[&self.seed.to_be_bytes(), &block.to_be_bytes()]);
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |entropy: &SeededEntropy| {
            let mut bytes = [0u8; 40];
            entropy.fill(&mut bytes).map(|()| bytes)
        };
        let (one, same, other) = (SeededEntropy::new(1), SeededEntropy::new(1), SeededEntropy::new(2));
        let first = draw(&one);
        assert_eq!(first, draw(&same));
        assert_ne!(first, draw(&one));
        assert_ne!(first, draw(&other));
        one.set_broken(true);
        assert_eq!(draw(&one.clone()), Err(EntropyError));
    }
}
