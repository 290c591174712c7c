//! The ledger of text messages on a map in memory.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::port::{LedgerError, SmsLedger};
use chrono::{DateTime, Utc};

use crate::shard::Window;

/// How many counts are kept before the map is swept for the first time.
const ROOM: usize = 1024;

/// Counts text messages in windows aligned to the clock.
///
/// One map under one lock: text messages are rare. It is swept of windows that are over, and a minute
/// more, when it has doubled since the last sweep: it keeps at most twice as many as were alive at once.
#[derive(Default)]
pub struct MemoryLedger {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// By the window and the key, so that late calls count in their own window.
    running: HashMap<(Window, Box<str>), u32>,
    sweep_at: usize,
}

impl MemoryLedger {
    /// A ledger that has counted nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryLedger {
    /// Leaves the keys out: they hold users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLedger").finish_non_exhaustive()
    }
}

impl Counts {
    fn add(&mut self, key: &str, by: u32, length: Duration, now: i128) -> u32 {
        let key = (Window::around(now, length), Box::from(key));
        if by == 0 {
            return self.running.get(&key).copied().unwrap_or(0);
        }
        if self.running.len() >= self.sweep_at.max(ROOM) {
            self.running.retain(|(window, _), _| !window.is_over(now));
            self.sweep_at = self.running.len() * 2;
        }
        let count = self.running.entry(key).or_insert(0);
        *count = count.saturating_add(by);
        *count
    }
}

#[async_trait]
impl SmsLedger for MemoryLedger {
    async fn add(
        &self,
        key: &str,
        by: u32,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Result<u32, LedgerError> {
        // The counts are whole between any two statements, so a panic elsewhere does not spoil them.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(counts.add(key, by, window, i128::from(now.timestamp_micros())))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test]
    async fn keeps_few_windows_of_many() {
        let ledger = MemoryLedger::new();
        for second in 0..20_000 {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            ledger.add(&format!("key-{second}"), 1, Duration::from_mins(1), now).await.unwrap();
        }
        let kept = ledger.counts.lock().unwrap().running.len();
        assert!(kept <= ROOM, "{kept}");
    }
}
