//! The port of login challenges.

use async_trait::async_trait;
use auth_domain::{
    port::{ChallengeStore, ChallengeStoreError, StoredChallenge},
    secret::{Digest, Sealed},
};
use chrono::{DateTime, Utc};

use crate::{
    error::RedisFailure,
    script::Arg,
    state::{RedisState, micros, ttl_millis},
};

impl RedisState {
    /// The name of a challenge; what is hashed again here is a digest already.
    fn name_of_challenge(&self, token: &Digest) -> String {
        self.name("challenge", &[token.as_bytes()])
    }
}

#[async_trait]
impl ChallengeStore for RedisState {
    async fn open(
        &self,
        token: &Digest,
        challenge: &StoredChallenge,
        now: DateTime<Utc>,
    ) -> Result<(), ChallengeStoreError> {
        let name = self.name_of_challenge(token);
        let stored = if challenge.tries() == 0 || challenge.expires_at() <= now {
            self.run::<i64>(&self.scripts.remove, &name, &[]).await
        } else {
            let (end, now) = (micros(challenge.expires_at()), micros(now));
            let args = [
                Arg::Bytes(challenge.payload().as_bytes()),
                Arg::Number(challenge.tries().into()),
                Arg::Number(end),
                Arg::Number(ttl_millis(i128::from(end) - i128::from(now))),
            ];
            self.run::<i64>(&self.scripts.open_challenge, &name, &args).await
        };
        stored.map(drop).map_err(unavailable)
    }

    async fn attempt(
        &self,
        token: &Digest,
        now: DateTime<Utc>,
    ) -> Result<Option<Sealed>, ChallengeStoreError> {
        let args = [Arg::Number(micros(now))];
        self.run::<Option<Vec<u8>>>(&self.scripts.attempt_challenge, &self.name_of_challenge(token), &args)
            .await
            .map(|payload| payload.map(Sealed::from_bytes))
            .map_err(unavailable)
    }

    async fn consume(&self, token: &Digest, now: DateTime<Utc>) -> Result<bool, ChallengeStoreError> {
        let args = [Arg::Number(micros(now))];
        self.run::<i64>(&self.scripts.consume_challenge, &self.name_of_challenge(token), &args)
            .await
            .map(|consumed| consumed == 1)
            .map_err(unavailable)
    }
}

fn unavailable(failure: RedisFailure) -> ChallengeStoreError {
    ChallengeStoreError { source: failure.into() }
}
