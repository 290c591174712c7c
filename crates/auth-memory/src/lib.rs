//! Short-lived state kept in the process: one-time codes, login challenges, rate limits, counts of messages.
//!
//! | Module | What it holds |
//! |---|---|
//! | `codes` | [`MemoryCodes`], the port of one-time codes |
//! | `challenges` | [`MemoryChallenges`], the port of login challenges |
//! | `ledger` | [`MemoryLedger`], the counts of text messages |
//! | `expiring` | the sharded map under the first two, and when it is swept |
//! | `limiter` | [`MemoryLimiter`], the limiter port on sharded maps |
//! | `shard` | the counters of one shard, and when they are swept |
//!
//! Nothing here outlives the process, and nothing is shared between processes: a restart forgets all
//! codes, challenges and counts; of two servers side by side one does not know the codes of the other,
//! and together they admit twice as much.
#![warn(missing_docs)]

mod challenges;
mod codes;
mod expiring;
mod ledger;
mod limiter;
mod shard;

pub use challenges::MemoryChallenges;
pub use codes::MemoryCodes;
pub use ledger::MemoryLedger;
pub use limiter::MemoryLimiter;
