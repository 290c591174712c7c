//! The machine's clock.

use auth_domain::port::Clock;
use chrono::{DateTime, SubsecRound, Utc};

/// Tells the machine's time, cut to microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter everything else takes `now` from")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}
