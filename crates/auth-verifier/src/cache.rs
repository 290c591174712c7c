//! The keys that are known, and when to ask for them again.

use std::time::{Duration, Instant};

use crate::{key::Key, source::KeysUnavailable};

/// When keys are fetched anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// From this age on they are fetched behind the callers' backs.
    pub(crate) fresh: Duration,
    /// From this age on callers wait for the fetch.
    pub(crate) stale: Duration,
    /// From this age on they are not believed, even if the server is away.
    pub(crate) life: Duration,
    /// Between two fetches there is this much at least, whatever tokens name.
    pub(crate) pause: Duration,
}

/// As many keys as one answer may hold, and no more.
#[derive(Debug)]
pub(crate) struct Cache {
    ages: Ages,
    keys: Vec<Key>,
    /// When the keys came.
    since: Option<Instant>,
    /// When they were last asked for.
    asked: Option<Instant>,
    /// Whether the last fetch failed.
    in_trouble: bool,
}

/// What is known of a key.
#[derive(Debug)]
pub(crate) enum Found {
    /// Use it.
    Fresh(Key),
    /// Use it, and ask.
    Stale(Key),
    /// Ask first; use it if there is no answer.
    Old(Key),
    /// Ask.
    Nothing,
}

impl Cache {
    pub(crate) const fn new(ages: Ages) -> Self {
        Self { ages, keys: Vec::new(), since: None, asked: None, in_trouble: false }
    }

    pub(crate) fn look_up(&self, id: &str, now: Instant) -> Found {
        let key = self.keys.iter().find(|key| key.id() == id).cloned();
        let age = self.since.map(|since| now.saturating_duration_since(since));
        match (key, age) {
            (Some(key), Some(age)) if age < self.ages.fresh => Found::Fresh(key),
            (Some(key), Some(age)) if age < self.ages.stale => Found::Stale(key),
            (Some(key), Some(age)) if age < self.ages.life => Found::Old(key),
            _ => Found::Nothing,
        }
    }

    /// Whether to fetch now; if so, that is remembered.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        let due = self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= self.ages.pause);
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// Takes what a fetch brought. A failed one changes no key.
    pub(crate) fn end(&mut self, fetched: Option<Vec<Key>>, now: Instant) {
        self.in_trouble = fetched.is_none();
        if let Some(keys) = fetched {
            self.keys = keys;
            self.since = Some(now);
        }
    }

    /// What to say of a key that was not found: nobody can tell a forged key from a new one while the server
    /// is away.
    pub(crate) const fn missing(&self) -> Result<Option<Key>, KeysUnavailable> {
        if self.in_trouble || self.since.is_none() { Err(KeysUnavailable) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: Ages = Ages {
        fresh: Duration::from_mins(5),
        stale: Duration::from_mins(10),
        life: Duration::from_hours(24),
        pause: Duration::from_secs(10),
    };

    fn key(id: &str) -> Key {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwk = format!(r#"{{"kid":"{id}","kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{x}"}}"#);
        Key::read_set(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap().remove(0)
    }

    fn filled(at: Instant) -> Cache {
        let mut cache = Cache::new(AGES);
        assert!(cache.begin(at));
        cache.end(Some(vec![key("a")]), at);
        cache
    }

    #[test]
    fn asks_at_most_once_per_pause() {
        let now = Instant::now();
        let mut cache = Cache::new(AGES);
        assert!(cache.begin(now) && !cache.begin(now));
        assert!(!cache.begin(now + Duration::from_millis(9_999)));
        cache.end(None, now);
        assert!(!cache.begin(now + AGES.pause / 2), "a failed fetch is no reason to ask sooner");
        assert!(cache.begin(now + AGES.pause) && !cache.begin(now + AGES.pause));
    }

    #[test]
    fn keys_age_from_fresh_to_nothing() {
        let now = Instant::now();
        let cache = filled(now);
        let second = Duration::from_secs(1);
        let at = |age| cache.look_up("a", now + age);
        assert!(matches!(at(AGES.fresh.checked_sub(second).unwrap()), Found::Fresh(_)));
        assert!(matches!(at(AGES.fresh), Found::Stale(_)));
        assert!(matches!(at(AGES.stale), Found::Old(_)));
        assert!(matches!(at(AGES.life.checked_sub(second).unwrap()), Found::Old(_)));
        assert!(matches!(at(AGES.life), Found::Nothing));
        assert!(matches!(cache.look_up("b", now), Found::Nothing));
    }

    #[test]
    fn a_missing_key_is_unknown_only_while_the_server_answers() {
        let now = Instant::now();
        assert_eq!(Cache::new(AGES).missing().err(), Some(KeysUnavailable));
        let mut cache = filled(now);
        assert!(cache.missing().unwrap().is_none());
        cache.end(None, now + AGES.pause);
        assert_eq!(cache.missing().err(), Some(KeysUnavailable));
        assert!(
            matches!(cache.look_up("a", now + AGES.pause), Found::Fresh(_)),
            "a failed fetch changes no key"
        );
    }

    #[test]
    fn keys_that_the_server_dropped_are_dropped() {
        let now = Instant::now();
        let mut cache = filled(now);
        cache.end(Some(vec![key("b")]), now + AGES.pause);
        assert!(matches!(cache.look_up("a", now + AGES.pause), Found::Nothing));
        assert!(matches!(cache.look_up("b", now + AGES.pause), Found::Fresh(_)));
    }
}
