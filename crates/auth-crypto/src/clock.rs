//! The machine's clock.

use auth_domain::port::Clock;
use chrono::{DateTime, SubsecRound, Utc};

/// Tells the machine's time, cut to microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        // The one place that may ask the machine: everything else takes `now` from this port.
        Utc::now().trunc_subsecs(6)
    }
}
