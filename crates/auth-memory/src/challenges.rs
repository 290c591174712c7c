//! The port of login challenges on maps in memory.

use std::fmt;

use async_trait::async_trait;
use auth_domain::{
    port::{ChallengeStore, ChallengeStoreError, StoredChallenge},
    secret::{Digest, Sealed},
};
use chrono::{DateTime, Utc};

use crate::expiring::{Expiring, Fate};

/// Keeps login challenges in this process.
///
/// Exact: a challenge is looked at and changed under one lock. There is one for each login that waits
/// for its second factor, of at most [`StoredChallenge::MAX_PAYLOAD`] bytes; each took a right
/// password. Expired ones are swept.
pub struct MemoryChallenges {
    challenges: Expiring<[u8; 32], Waiting>,
}

struct Waiting {
    payload: Sealed,
    tries: u32,
}

impl MemoryChallenges {
    /// A store without challenges.
    pub fn new() -> Self {
        Self { challenges: Expiring::new() }
    }
}

impl Default for MemoryChallenges {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryChallenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryChallenges").finish_non_exhaustive()
    }
}

#[async_trait]
impl ChallengeStore for MemoryChallenges {
    async fn open(
        &self,
        token: &Digest,
        challenge: &StoredChallenge,
        now: DateTime<Utc>,
    ) -> Result<(), ChallengeStoreError> {
        if challenge.tries() == 0 {
            self.challenges.remove(token.as_bytes());
        } else {
            let waiting = Waiting { payload: challenge.payload().clone(), tries: challenge.tries() };
            self.challenges.put(*token.as_bytes(), waiting, challenge.expires_at(), now);
        }
        Ok(())
    }

    async fn attempt(
        &self,
        token: &Digest,
        now: DateTime<Utc>,
    ) -> Result<Option<Sealed>, ChallengeStoreError> {
        Ok(self.challenges.look(token.as_bytes(), now, |waiting| (try_once(waiting), Fate::Kept)).flatten())
    }

    async fn consume(&self, token: &Digest, now: DateTime<Utc>) -> Result<bool, ChallengeStoreError> {
        Ok(self.challenges.look(token.as_bytes(), now, |_| ((), Fate::Gone)).is_some())
    }
}

/// Counts an attempt. Without a try left the challenge stays, for the last attempt to consume.
fn try_once(waiting: &mut Waiting) -> Option<Sealed> {
    waiting.tries = waiting.tries.checked_sub(1)?;
    Some(waiting.payload.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_challenges() {
        assert_eq!(format!("{:?}", MemoryChallenges::new()), "MemoryChallenges { .. }");
    }
}
