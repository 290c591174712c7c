//! The port of one-time codes.

use async_trait::async_trait;
use auth_domain::port::{CodeMac, CodeSlot, CodeStore, CodeStoreError, Redemption, StoredCode};
use chrono::{DateTime, Utc};

use crate::{
    error::RedisFailure,
    script::Arg,
    state::{RedisState, micros, ttl_millis},
};

/// What the script says instead of a number of tries.
const ABSENT: i64 = -1;
const ACCEPTED: i64 = -2;

impl RedisState {
    fn name_of_slot(&self, slot: CodeSlot) -> String {
        self.name("code", &[slot.purpose.name().as_bytes(), &slot.user.as_i64().to_be_bytes()])
    }
}

#[async_trait]
impl CodeStore for RedisState {
    async fn put(&self, slot: CodeSlot, code: &StoredCode, now: DateTime<Utc>) -> Result<(), CodeStoreError> {
        if code.tries == 0 || code.expires_at <= now {
            return self.discard(slot).await;
        }
        let (end, now) = (micros(code.expires_at), micros(now));
        let args = [
            Arg::Bytes(code.mac.as_bytes()),
            Arg::Number(code.tries.into()),
            Arg::Number(end),
            Arg::Number(ttl_millis(i128::from(end) - i128::from(now))),
        ];
        self.run::<i64>(&self.scripts.put_code, &self.name_of_slot(slot), &args)
            .await
            .map(drop)
            .map_err(unavailable)
    }

    async fn redeem(
        &self,
        slot: CodeSlot,
        answer: &CodeMac,
        now: DateTime<Utc>,
    ) -> Result<Redemption, CodeStoreError> {
        let args = [Arg::Bytes(answer.as_bytes()), Arg::Number(micros(now))];
        let outcome: i64 = self
            .run(&self.scripts.redeem_code, &self.name_of_slot(slot), &args)
            .await
            .map_err(unavailable)?;
        match outcome {
            ABSENT => Ok(Redemption::Absent),
            ACCEPTED => Ok(Redemption::Accepted),
            left => match u32::try_from(left) {
                Ok(tries_left) => Ok(Redemption::Wrong { tries_left }),
                Err(_) => Err(unavailable(RedisFailure::Answer)),
            },
        }
    }

    async fn discard(&self, slot: CodeSlot) -> Result<(), CodeStoreError> {
        self.run::<i64>(&self.scripts.remove, &self.name_of_slot(slot), &[])
            .await
            .map(drop)
            .map_err(unavailable)
    }
}

fn unavailable(failure: RedisFailure) -> CodeStoreError {
    CodeStoreError { source: failure.into() }
}
