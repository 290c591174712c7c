//! The keys that are known, and when to ask for them again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_domain::{port::IdentityError, token::TokenRejected};

use super::key::Key;

/// From this age on keys are fetched anew, while the known ones go on working.
const FRESH: Duration = Duration::from_hours(1);

/// The pool's keys; as many as one answer may hold, and no more.
#[derive(Debug)]
pub(super) struct Cache {
    pause: Duration,
    life: Duration,
    keys: Vec<Arc<Key>>,
    /// When the keys came.
    since: Option<Instant>,
    /// When they were last asked for.
    asked: Option<Instant>,
    /// Why the last fetch failed.
    trouble: Option<String>,
}

/// What is known of a key.
#[derive(Debug)]
pub(super) enum Found {
    Fresh(Arc<Key>),
    /// Known, but it is time to ask.
    Stale(Arc<Key>),
    /// Unknown, or from too long ago.
    Nothing,
}

impl Cache {
    pub(super) const fn new(pause: Duration, life: Duration) -> Self {
        Self { pause, life, keys: Vec::new(), since: None, asked: None, trouble: None }
    }

    pub(super) fn look_up(&self, id: &str, now: Instant) -> Found {
        let age = self.since.map(|since| now.saturating_duration_since(since));
        let key = self.keys.iter().find(|key| key.id() == id);
        match (key, age) {
            (Some(_), Some(age)) if age >= self.life => Found::Nothing,
            (Some(key), Some(age)) if age < FRESH || !self.is_due(now) => Found::Fresh(Arc::clone(key)),
            (Some(key), Some(_)) => Found::Stale(Arc::clone(key)),
            _ => Found::Nothing,
        }
    }

    /// Whether to fetch now; if so, that is remembered.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let due = self.is_due(now);
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// Takes what a fetch brought. A failed one changes no key.
    pub(super) fn end(&mut self, fetched: Result<Vec<Key>, String>, now: Instant) {
        match fetched {
            Ok(keys) => {
                self.keys = keys.into_iter().map(Arc::new).collect();
                self.since = Some(now);
                self.trouble = None;
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// What to say of a key that was not found: nobody can tell a forged key from a new one while the
    /// provider is away.
    pub(super) fn missing(&self) -> IdentityError {
        match &self.trouble {
            Some(why) => IdentityError::Unavailable(why.clone().into()),
            None => IdentityError::Rejected(TokenRejected::UnknownKey),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const LIFE: Duration = Duration::from_hours(24);

    fn filled(at: Instant) -> Cache {
        let mut cache = Cache::new(PAUSE, LIFE);
        assert!(cache.begin(at));
        cache.end(Ok(vec![Key::of_test("a")]), at);
        cache
    }

    fn failed(mut cache: Cache, at: Instant) -> Cache {
        assert!(cache.begin(at));
        cache.end(Err("down".to_owned()), at);
        cache
    }

    #[test]
    fn asks_at_most_once_per_pause() {
        let now = Instant::now();
        let mut cache = Cache::new(PAUSE, LIFE);
        assert!(cache.begin(now) && !cache.begin(now));
        assert!(!cache.begin(now + Duration::from_millis(9_999)));
        assert!(cache.begin(now + PAUSE) && !cache.begin(now + PAUSE));
    }

    #[test]
    fn a_failed_fetch_is_no_reason_to_ask_sooner() {
        let now = Instant::now();
        let mut cache = failed(Cache::new(PAUSE, LIFE), now);
        assert!(!cache.begin(now + PAUSE / 2));
        assert!(matches!(cache.missing(), IdentityError::Unavailable(_)));
    }

    #[test]
    fn old_keys_work_while_they_are_fetched_anew() {
        let now = Instant::now();
        let cache = filled(now);
        assert!(matches!(cache.look_up("a", now + FRESH / 2), Found::Fresh(_)));
        assert!(matches!(cache.look_up("a", now + FRESH), Found::Stale(_)));
        assert!(matches!(cache.look_up("b", now), Found::Nothing));
        assert!(matches!(cache.missing(), IdentityError::Rejected(TokenRejected::UnknownKey)));
    }

    #[test]
    fn while_the_pool_is_away_keys_work_for_a_day_and_no_longer() {
        let now = Instant::now();
        let cache = failed(filled(now), now + FRESH);
        assert!(matches!(cache.look_up("a", now + FRESH + PAUSE / 2), Found::Fresh(_)));
        assert!(matches!(cache.look_up("a", now + LIFE * 9 / 10), Found::Stale(_)));
        assert!(matches!(cache.look_up("a", now + LIFE), Found::Nothing));
        assert!(matches!(cache.missing(), IdentityError::Unavailable(_)));
    }

    #[test]
    fn keys_the_pool_has_dropped_are_dropped() {
        let now = Instant::now();
        let mut cache = filled(now);
        assert!(cache.begin(now + PAUSE));
        cache.end(Ok(vec![Key::of_test("b")]), now + PAUSE);
        assert!(matches!(cache.look_up("a", now + PAUSE), Found::Nothing));
        assert!(matches!(cache.look_up("b", now + PAUSE), Found::Fresh(_)));
    }
}
