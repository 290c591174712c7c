//! How expensive a hash is, and how much of it may happen at once.

use std::{num::NonZeroUsize, time::Duration};

use super::stored::{MAX_ITERATIONS, MAX_LANES, MAX_MEMORY_KIB};

/// The least that is safe, as memory in KiB and passes; each row costs an attacker the same.
/// Source: OWASP Password Storage Cheat Sheet (2026), ASVS 5.0 appendix C.
const FLOORS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// What one Argon2id hash costs. A value of this type is safe to use, or says that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u32,
}

/// The cost is below what is safe, or beyond what a login can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeCost {
    /// Weaker than every approved row.
    #[error("weaker than every approved row (KiB/passes): 47104/1, 19456/2, 12288/3, 9216/4, 7168/5")]
    Weak,
    /// More than this server would verify.
    #[error("more than 262144 KiB, 16 passes or 16 lanes")]
    Excessive,
}

impl Argon2Cost {
    /// `memory_kib` KiB of memory, `iterations` passes over it, in `lanes` lanes.
    ///
    /// Lanes are computed one after another, so more than one buys nothing here.
    ///
    /// # Errors
    /// [`UnsafeCost`] below every approved row, or beyond the caps of verification.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, UnsafeCost> {
        if !FLOORS.iter().any(|&(memory, passes)| memory_kib >= memory && iterations >= passes) {
            Err(UnsafeCost::Weak)
        } else if memory_kib > MAX_MEMORY_KIB
            || iterations > MAX_ITERATIONS
            || !(1..=MAX_LANES).contains(&lanes)
        {
            Err(UnsafeCost::Excessive)
        } else {
            Ok(Self { memory_kib, iterations, lanes })
        }
    }

    /// 8 KiB and one pass: no protection at all, for tests that hash often.
    pub const fn insecure_for_tests() -> Self {
        Self { memory_kib: 8, iterations: 1, lanes: 1 }
    }
}

impl Default for Argon2Cost {
    /// 19 MiB, two passes, one lane: the cheapest approved row, about 13 ms on one core (measured
    /// 2026-08).
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, lanes: 1 }
    }
}

/// How the pool works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HasherConfig {
    /// Hashes computed at once. Each thread keeps memory for one: no more threads than cores.
    pub threads: NonZeroUsize,
    /// What one hash costs.
    pub cost: Argon2Cost,
    /// Jobs that may wait; one more is refused.
    pub queue_limit: usize,
    /// How long a job may wait before it is answered with "overloaded" instead of being done: the
    /// client has lost patience by then.
    pub queue_deadline: Duration,
}

impl HasherConfig {
    /// The defaults for a machine of `threads` cores: 64 may wait, for two seconds.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { threads, cost: Argon2Cost::default(), queue_limit: 64, queue_deadline: Duration::from_secs(2) }
    }

    /// One thread at [`Argon2Cost::insecure_for_tests`]. **Never for real passwords.**
    pub fn insecure_for_tests() -> Self {
        Self { cost: Argon2Cost::insecure_for_tests(), ..Self::new(NonZeroUsize::MIN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_approved_row_is_the_floor() {
        for (memory, passes) in FLOORS {
            assert!(Argon2Cost::new(memory, passes, 1).is_ok());
            assert_eq!(Argon2Cost::new(memory - 1, passes, 1), Err(UnsafeCost::Weak), "{memory}/{passes}");
        }
        assert_eq!(Argon2Cost::new(u32::MAX, 0, 1), Err(UnsafeCost::Weak));
        assert_eq!(Argon2Cost::new(262_145, 1, 1), Err(UnsafeCost::Excessive));
        assert_eq!(Argon2Cost::new(19_456, 17, 1), Err(UnsafeCost::Excessive));
        assert_eq!(Argon2Cost::new(19_456, 2, 0), Err(UnsafeCost::Excessive));
        assert_eq!(Argon2Cost::new(19_456, 2, 17), Err(UnsafeCost::Excessive));
        let default = Argon2Cost::default();
        assert_eq!(Argon2Cost::new(default.memory_kib, default.iterations, default.lanes), Ok(default));
    }
}
