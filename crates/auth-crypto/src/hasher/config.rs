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
    /// How much memory all hashes together may use, in KiB. Stored hashes that take more than this each
    /// are refused.
    pub memory_kib: u32,
    /// Jobs that may wait; one more is refused.
    pub queue_limit: usize,
    /// How long a job may wait before it is answered with "overloaded" instead of being done: the
    /// client has lost patience by then.
    pub queue_deadline: Duration,
}

impl HasherConfig {
    /// The defaults for a machine of `threads` cores: 64 may wait, for two seconds, and there is memory for
    /// all threads and for the dearest hash that is verified.
    pub fn new(threads: NonZeroUsize) -> Self {
        let cost = Argon2Cost::default();
        Self {
            threads,
            cost,
            memory_kib: Self::usual_memory_kib(threads),
            queue_limit: 64,
            queue_deadline: Duration::from_secs(2),
        }
    }

    /// The same within a budget of memory: fewer threads where it does not suffice for all of them.
    ///
    /// # Errors
    /// [`BudgetTooSmall`] when it does not suffice for one.
    pub fn within(threads: NonZeroUsize, memory_kib: u32) -> Result<Self, BudgetTooSmall> {
        let cost = Argon2Cost::default();
        let hashes = usize::try_from(memory_kib / cost.memory_kib).unwrap_or(usize::MAX);
        let hashes = NonZeroUsize::new(hashes).ok_or(BudgetTooSmall { needed_kib: cost.memory_kib })?;
        Ok(Self { memory_kib, ..Self::new(threads.min(hashes)) })
    }

    /// The memory that `threads` threads may use where nobody set a budget.
    pub fn usual_memory_kib(threads: NonZeroUsize) -> u32 {
        let threads = u32::try_from(threads.get()).unwrap_or(u32::MAX);
        Argon2Cost::default().memory_kib.saturating_mul(threads).max(MAX_MEMORY_KIB)
    }

    /// One thread at [`Argon2Cost::insecure_for_tests`]. **Never for real passwords.**
    pub fn insecure_for_tests() -> Self {
        Self { cost: Argon2Cost::insecure_for_tests(), ..Self::new(NonZeroUsize::MIN) }
    }
}

/// The budget of memory does not suffice for a single hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one hash takes {needed_kib} KiB")]
pub struct BudgetTooSmall {
    /// What one hash takes.
    pub needed_kib: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_decides_how_many_hashes_are_computed_at_once() {
        let four = NonZeroUsize::new(4).unwrap();
        for (memory_kib, threads) in [(19_456, 1), (2 * 19_456 - 1, 1), (2 * 19_456, 2), (1 << 20, 4)] {
            let config = HasherConfig::within(four, memory_kib).unwrap();
            assert_eq!((config.threads.get(), config.memory_kib), (threads, memory_kib));
        }
        assert_eq!(HasherConfig::within(four, 19_455), Err(BudgetTooSmall { needed_kib: 19_456 }));
    }

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
