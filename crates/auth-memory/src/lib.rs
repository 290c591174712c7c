//! Short-lived state kept in the process: rate limits and counts.
//!
//! | Module | What it holds |
//! |---|---|
//! | `ledger` | [`MemoryLedger`], the counts of text messages |
//! | `limiter` | [`MemoryLimiter`], the limiter port on sharded maps |
//! | `shard` | the counters of one shard, and when they are swept |
//!
//! Nothing here outlives the process, and nothing is shared between processes: a restart forgets all
//! counts, and two servers side by side admit twice as much.
#![warn(missing_docs)]

mod ledger;
mod limiter;
mod shard;

pub use ledger::MemoryLedger;
pub use limiter::MemoryLimiter;
