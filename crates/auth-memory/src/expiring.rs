//! Values that expire, in sharded maps.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// How many maps share the keys: enough that a sweep of one seldom keeps another call waiting.
const SHARDS: usize = 32;

/// How long an expired value may stay: calls take their time before they come here, so one that took
/// it before the end may arrive after a later one swept.
const GRACE: TimeDelta = TimeDelta::minutes(1);

/// What becomes of a value after it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Gone,
}

/// A map whose values expire.
///
/// Whoever looks at a value has it alone, so looking and changing are one step. Sweeps are paid for
/// by the calls that put something in: a shard is swept when it has doubled since the last sweep. So
/// it holds at most twice as many values as were alive at once, and never less than room for a few
/// thousand.
pub(crate) struct Expiring<K, V> {
    hasher: RandomState,
    shards: [Mutex<Shard<K, V>>; SHARDS],
}

impl<K: Eq + Hash, V> Expiring<K, V> {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Puts a value in place of what was there. One that has expired already is not kept.
    pub(crate) fn put(&self, key: K, value: V, expires_at: DateTime<Utc>, now: DateTime<Utc>) {
        let mut shard = self.shard(&key);
        if expires_at <= now {
            shard.entries.remove(&key);
            return;
        }
        if shard.entries.len() >= shard.sweep_at && !shard.entries.contains_key(&key) {
            shard.sweep(now);
        }
        shard.entries.insert(key, Entry { value, expires_at });
    }

    /// Looks at a value that has not expired; one that has is removed.
    pub(crate) fn look<T>(
        &self,
        key: &K,
        now: DateTime<Utc>,
        look: impl FnOnce(&mut V) -> (T, Fate),
    ) -> Option<T> {
        let mut shard = self.shard(key);
        let entry = shard.entries.get_mut(key)?;
        let alive = now < entry.expires_at;
        let (seen, fate) = if alive {
            let (seen, fate) = look(&mut entry.value);
            (Some(seen), fate)
        } else {
            (None, Fate::Gone)
        };
        if fate == Fate::Gone {
            shard.entries.remove(key);
        }
        seen
    }

    /// Removes a value.
    pub(crate) fn remove(&self, key: &K) {
        self.shard(key).entries.remove(key);
    }

    /// How many values there are, expired ones that were not swept yet among them.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum()
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        // The remainder is below `SHARDS`, which fits every integer. The state differs from those of
        // the maps, so keys of one shard still spread within its map.
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        // A shard is whole between any two of its statements, so a panic elsewhere does not spoil it.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry<V> {
    value: V,
    expires_at: DateTime<Utc>,
}

struct Shard<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// At how many values to sweep next.
    sweep_at: usize,
}

/// How many values a shard keeps before it is swept for the first time.
const ROOM: usize = 128;

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), sweep_at: ROOM }
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    /// Forgets what expired a while ago. The next sweep comes when as many were added as are left now,
    /// so each call pays for a constant number of values on average.
    fn sweep(&mut self, now: DateTime<Utc>) {
        self.entries.retain(|_, entry| now - entry.expires_at < GRACE);
        self.sweep_at = (self.entries.len() * 2).max(ROOM);
        // Gives the room of a burst back; a map at its usual size stays as it is.
        if self.entries.capacity() > self.sweep_at * 4 {
            self.entries.shrink_to(self.sweep_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(number)
    }

    fn get(map: &Expiring<i64, i64>, key: i64, now: i64) -> Option<i64> {
        map.look(&key, second(now), |value| (*value, Fate::Kept))
    }

    #[test]
    fn a_value_lives_until_it_expires() {
        let map = Expiring::new();
        map.put(1, 7, second(300), second(0));
        assert_eq!(get(&map, 1, 299), Some(7));
        assert_eq!(get(&map, 1, 300), None);
        assert_eq!(map.len(), 0);
        map.put(1, 7, second(300), second(300));
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn keeps_few_values_of_many() {
        let map = Expiring::new();
        for number in 0..100_000 {
            map.put(number, number, second(number + 300), second(number));
            assert_eq!(get(&map, number - 299, number), (number >= 299).then_some(number - 299));
        }
        // Some 360 are alive or in grace at a time, so every shard stays at its smallest room.
        assert!(map.len() <= SHARDS * ROOM, "{}", map.len());
    }

    #[test]
    fn gives_the_room_of_a_burst_back() {
        let mut shard = Shard::default();
        for number in 0..10_000 {
            shard.entries.insert(number, Entry { value: (), expires_at: second(300) });
        }
        shard.sweep(second(359));
        assert_eq!((shard.entries.len(), shard.sweep_at), (10_000, 20_000));
        shard.sweep(second(360));
        assert_eq!(shard.entries.len(), 0);
        assert!(shard.entries.capacity() < 1000);
    }

    #[test]
    fn a_late_call_still_finds_what_lived_at_its_time() {
        let map = Expiring::new();
        map.put(0, 7, second(10), second(0));
        for number in 1..100_000 {
            map.put(number, 0, second(100), second(60));
        }
        assert_eq!(get(&map, 0, 9), Some(7));
    }
}
