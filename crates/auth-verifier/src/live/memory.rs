//! Answers that are believed for a moment.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// The digest of a token: memory holds no token.
pub(super) type Digest = [u8; 32];

/// What the server said lately, of a bounded number of tokens.
#[derive(Debug)]
pub(super) struct Memory {
    life: Duration,
    most: usize,
    answers: HashMap<Digest, (bool, Instant)>,
}

impl Memory {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, answers: HashMap::new() }
    }

    pub(super) fn recall(&self, token: &Digest, now: Instant) -> Option<bool> {
        let (live, since) = self.answers.get(token)?;
        (now.saturating_duration_since(*since) < self.life).then_some(*live)
    }

    /// Remembers an answer from the time when it was asked for.
    pub(super) fn note(&mut self, token: Digest, live: bool, asked: Instant) {
        if self.answers.len() >= self.most && !self.answers.contains_key(&token) {
            let believed = self.life;
            self.answers.retain(|_, (_, since)| asked.saturating_duration_since(*since) < believed);
        }
        if self.answers.len() >= self.most {
            // Too many at once: forgetting costs a question each, and nothing else.
            self.answers.clear();
        }
        self.answers.insert(token, (live, asked));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(5);

    #[test]
    fn an_answer_is_believed_for_its_life_and_no_longer() {
        let now = Instant::now();
        let mut memory = Memory::new(LIFE, 10);
        memory.note([1; 32], true, now);
        memory.note([2; 32], false, now);
        let just_before = now + LIFE.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(memory.recall(&[1; 32], just_before), Some(true));
        assert_eq!(memory.recall(&[2; 32], just_before), Some(false));
        assert_eq!((memory.recall(&[1; 32], now + LIFE), memory.recall(&[3; 32], now)), (None, None));
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_old_first() {
        let now = Instant::now();
        let mut memory = Memory::new(LIFE, 3);
        memory.note([1; 32], true, now);
        for number in 2..=4 {
            memory.note([number; 32], true, now + LIFE);
        }
        assert_eq!(memory.answers.len(), 3);
        assert_eq!(memory.recall(&[2; 32], now + LIFE), Some(true), "the old one gave way");
        memory.note([5; 32], true, now + LIFE);
        assert_eq!(memory.answers.len(), 1);
    }
}
