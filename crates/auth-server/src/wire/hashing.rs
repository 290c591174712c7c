//! The pool that hashes passwords, within its budget.

use std::num::NonZeroUsize;

use anyhow::Context as _;
use auth_crypto::{Argon2Hasher, BudgetTooSmall, HasherConfig};

use crate::settings::Settings;

/// Starts the pool.
///
/// # Errors
/// When there is no thread, or no memory.
pub(super) fn hasher(settings: &Settings) -> anyhow::Result<Argon2Hasher> {
    let config = config(settings).context("HASH_MEMORY_MB is too small")?;
    if config.threads.get() < settings.hash_threads {
        tracing::info!(
            threads = config.threads,
            "HASH_MEMORY_MB suffices for fewer hashes than HASH_THREADS"
        );
    }
    Argon2Hasher::start(config).context("cannot start the hashing pool")
}

/// What is wrong with the budget, in one line.
pub(super) fn refusal(settings: &Settings) -> Option<String> {
    let BudgetTooSmall { needed_kib } = config(settings).err()?;
    Some(format!("not even one hash fits: set {} at least", needed_kib.div_ceil(1024)))
}

/// What so many threads may use where nobody set a budget.
pub(crate) fn usual_memory_kib(threads: usize) -> u32 {
    HasherConfig::usual_memory_kib(at_least_one(threads))
}

fn config(settings: &Settings) -> Result<HasherConfig, BudgetTooSmall> {
    HasherConfig::within(at_least_one(settings.hash_threads), settings.hash_memory_kib)
}

/// The table of settings admits no zero.
fn at_least_one(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)
}
