//! The time.

use chrono::{DateTime, Utc};

/// Tells the time.
///
/// An implementor must cut the time to microseconds, which is what stores and clients keep, and must
/// not go backwards further than the clocks of the machine do. Use cases read it once and pass `now`
/// down.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> DateTime<Utc>;
}
