//! What waits for a second factor: one-time codes and logins, on plain maps.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use auth_domain::{
    port::{
        ChallengeStore, ChallengeStoreError, CodeMac, CodeSlot, CodeStore, CodeStoreError, Redemption,
        StoredChallenge, StoredCode,
    },
    secret::{Digest, Sealed},
};
use chrono::{DateTime, Utc};

use super::lock;

/// Keeps one-time codes until they expire, are used or run out of tries. Clones share the codes.
#[derive(Clone, Debug, Default)]
pub struct FakeCodes {
    codes: Arc<Mutex<HashMap<CodeSlot, StoredCode>>>,
    broken: Arc<Mutex<bool>>,
}

impl FakeCodes {
    /// Makes every later call fail, or work again.
    pub fn set_broken(&self, broken: bool) {
        *lock(&self.broken) = broken;
    }

    /// Whether a code waits in `slot`, expired or not.
    pub fn holds(&self, slot: CodeSlot) -> bool {
        lock(&self.codes).contains_key(&slot)
    }

    fn check(&self) -> Result<(), CodeStoreError> {
        if *lock(&self.broken) { Err(CodeStoreError { source: "broken by the test".into() }) } else { Ok(()) }
    }
}

#[async_trait]
impl CodeStore for FakeCodes {
    async fn put(&self, slot: CodeSlot, code: &StoredCode, now: DateTime<Utc>) -> Result<(), CodeStoreError> {
        self.check()?;
        let mut codes = lock(&self.codes);
        if code.tries > 0 && code.expires_at > now {
            codes.insert(slot, *code);
        } else {
            codes.remove(&slot);
        }
        Ok(())
    }

    async fn redeem(
        &self,
        slot: CodeSlot,
        answer: &CodeMac,
        now: DateTime<Utc>,
    ) -> Result<Redemption, CodeStoreError> {
        self.check()?;
        let mut codes = lock(&self.codes);
        let Some(mut code) = codes.remove(&slot).filter(|code| code.expires_at > now) else {
            return Ok(Redemption::Absent);
        };
        if code.mac == *answer {
            return Ok(Redemption::Accepted);
        }
        code.tries -= 1; // `put` keeps none without
        if code.tries > 0 {
            codes.insert(slot, code);
        }
        Ok(Redemption::Wrong { tries_left: code.tries })
    }

    async fn discard(&self, slot: CodeSlot) -> Result<(), CodeStoreError> {
        self.check()?;
        lock(&self.codes).remove(&slot);
        Ok(())
    }
}

/// Keeps login challenges until they expire or are used. Clones share the challenges.
#[derive(Clone, Debug, Default)]
pub struct FakeChallenges {
    challenges: Arc<Mutex<HashMap<[u8; 32], Waiting>>>,
    broken: Arc<Mutex<bool>>,
}

#[derive(Debug)]
struct Waiting {
    payload: Sealed,
    tries: u32,
    expires_at: DateTime<Utc>,
}

impl FakeChallenges {
    /// Makes every later call fail, or work again.
    pub fn set_broken(&self, broken: bool) {
        *lock(&self.broken) = broken;
    }

    fn check(&self) -> Result<(), ChallengeStoreError> {
        let broken = || ChallengeStoreError { source: "broken by the test".into() };
        if *lock(&self.broken) { Err(broken()) } else { Ok(()) }
    }

    /// Looks at a challenge, and removes it if it has expired.
    fn look<T>(&self, token: &Digest, now: DateTime<Utc>, look: impl FnOnce(&mut Waiting) -> T) -> Option<T> {
        let mut challenges = lock(&self.challenges);
        if challenges.get(token.as_bytes())?.expires_at <= now {
            challenges.remove(token.as_bytes());
        }
        challenges.get_mut(token.as_bytes()).map(look)
    }
}

#[async_trait]
impl ChallengeStore for FakeChallenges {
    async fn open(
        &self,
        token: &Digest,
        challenge: &StoredChallenge,
        now: DateTime<Utc>,
    ) -> Result<(), ChallengeStoreError> {
        self.check()?;
        let mut challenges = lock(&self.challenges);
        if challenge.tries() == 0 || challenge.expires_at() <= now {
            challenges.remove(token.as_bytes());
        } else {
            let (tries, expires_at) = (challenge.tries(), challenge.expires_at());
            let waiting = Waiting { payload: challenge.payload().clone(), tries, expires_at };
            challenges.insert(*token.as_bytes(), waiting);
        }
        Ok(())
    }

    async fn attempt(
        &self,
        token: &Digest,
        now: DateTime<Utc>,
    ) -> Result<Option<Sealed>, ChallengeStoreError> {
        self.check()?;
        let attempt = |waiting: &mut Waiting| {
            waiting.tries = waiting.tries.checked_sub(1)?;
            Some(waiting.payload.clone())
        };
        Ok(self.look(token, now, attempt).flatten())
    }

    async fn consume(&self, token: &Digest, now: DateTime<Utc>) -> Result<bool, ChallengeStoreError> {
        self.check()?;
        let mut challenges = lock(&self.challenges);
        Ok(challenges.remove(token.as_bytes()).is_some_and(|waiting| waiting.expires_at > now))
    }
}
