//! Short-lived state kept in the process: rate limits.
//!
//! | Module | What it holds |
//! |---|---|
//! | `limiter` | [`MemoryLimiter`], the limiter port on sharded maps |
//! | `shard` | the counters of one shard, and when they are swept |
//!
//! Nothing here outlives the process, and nothing is shared between processes: a restart forgets all
//! counts, and two servers side by side admit twice as much.
#![warn(missing_docs)]

mod limiter;
mod shard;

pub use limiter::MemoryLimiter;
