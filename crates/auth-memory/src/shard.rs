//! The counters of one shard.

use std::{collections::HashMap, time::Duration};

/// How long a window is remembered after its end, in microseconds: calls take their time before they
/// come here, so one that took it in the old window may arrive after the first of the new one.
const GRACE: i128 = 60_000_000;

/// A stretch of time, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    length: i128,
    end: i128,
}

impl Window {
    /// The window of this length that `now` lies in; a length of less than a microsecond is one.
    pub(crate) fn around(now: i128, length: Duration) -> Self {
        // The longest duration is 2^64 seconds, far below 2^127 microseconds.
        let length = i128::try_from(length.as_micros().max(1)).unwrap_or(i128::MAX);
        Self { length, end: now - now.rem_euclid(length) + length }
    }

    /// When the next one begins.
    pub(crate) fn end(self) -> i128 {
        self.end
    }

    pub(crate) fn is_over(self, now: i128) -> bool {
        self.end.saturating_add(GRACE) <= now
    }
}

#[derive(Debug)]
struct Counter {
    window: Window,
    count: u32,
}

/// Counters by key. A key has several when its windows have several lengths, or just turned over.
#[derive(Debug)]
pub(crate) struct Shard {
    counters: HashMap<Box<str>, Vec<Counter>>,
    /// How many counters there are, over all keys.
    len: usize,
    /// At how many counters to sweep next.
    sweep_at: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Self { counters: HashMap::new(), len: 0, sweep_at: Self::ROOM }
    }
}

impl Shard {
    /// How many counters a shard keeps before it is swept for the first time.
    pub(crate) const ROOM: usize = 128;

    /// Counts one event of `key` in `window`, unless `limit`, which is not zero, were counted already.
    pub(crate) fn count(&mut self, key: &str, window: Window, limit: u32, now: i128) -> bool {
        if let Some(counters) = self.counters.get_mut(key) {
            if let Some(counter) = counters.iter_mut().find(|counter| counter.window == window) {
                let admits = counter.count < limit;
                counter.count += u32::from(admits);
                return admits;
            }
            // A busy key cleans up after itself, and does not wait for the sweep.
            let before = counters.len();
            counters.retain(|counter| !counter.window.is_over(now));
            self.len -= before - counters.len();
        }
        if self.len >= self.sweep_at {
            self.sweep(now);
        }
        self.counters.entry(key.into()).or_default().push(Counter { window, count: 1 });
        self.len += 1;
        true
    }

    /// Forgets the windows that are over. The next sweep comes when as many were added as are left
    /// now, so each call pays for a constant number of counters on average.
    fn sweep(&mut self, now: i128) {
        self.counters.retain(|_, counters| {
            counters.retain(|counter| !counter.window.is_over(now));
            !counters.is_empty()
        });
        self.len = self.counters.values().map(Vec::len).sum();
        self.sweep_at = (self.len * 2).max(Self::ROOM);
        // Gives the room of a burst back; a map at its usual size stays as it is.
        if self.counters.capacity() > self.sweep_at * 4 {
            self.counters.shrink_to(self.sweep_at);
        }
    }

    /// How many counters there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(second: i128) -> (Window, i128) {
        let now = second * 1_000_000;
        (Window::around(now, MINUTE), now)
    }

    #[test]
    fn windows_are_aligned_to_the_clock() {
        for (now, end) in [(0, 60), (59, 60), (60, 120), (-1, 0), (-60, 0), (-61, -60)] {
            assert_eq!(at(now).0.end(), end * 1_000_000, "{now}");
        }
    }

    #[test]
    fn a_sweep_forgets_only_what_is_over() {
        let mut shard = Shard::default();
        let (window, now) = at(0);
        for number in 0..1000 {
            assert!(shard.count(&number.to_string(), window, 1, now));
        }
        assert_eq!(shard.len(), 1000);
        shard.sweep(at(119).1);
        assert_eq!(shard.len(), 1000);
        assert!(!shard.count("7", window, 1, at(119).1));
        shard.sweep(at(120).1);
        assert_eq!(shard.len(), 0);
        assert!(shard.counters.capacity() < 1000);
    }
}
