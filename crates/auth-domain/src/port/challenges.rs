//! Logins that wait for their second factor.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::secret::{Digest, Sealed};

/// A login that waits for its second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChallenge {
    payload: Sealed,
    tries: u32,
    expires_at: DateTime<Utc>,
}

impl StoredChallenge {
    /// How many bytes a payload has at most. A store in memory holds one for each login under way, so
    /// the size is bounded where it is made.
    pub const MAX_PAYLOAD: usize = 4096;

    /// A challenge that lives until `expires_at` and allows as many tries.
    ///
    /// # Errors
    /// [`PayloadTooLong`] above [`MAX_PAYLOAD`](Self::MAX_PAYLOAD) bytes.
    pub fn new(payload: Sealed, tries: u32, expires_at: DateTime<Utc>) -> Result<Self, PayloadTooLong> {
        if payload.as_bytes().len() > Self::MAX_PAYLOAD {
            return Err(PayloadTooLong);
        }
        Ok(Self { payload, tries, expires_at })
    }

    /// What the login needs to go on, sealed by the domain.
    pub const fn payload(&self) -> &Sealed {
        &self.payload
    }

    /// How many attempts are allowed.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// From when on it is no longer accepted.
    pub const fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// The payload of a challenge is larger than stores have to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload of a login challenge is too long")]
pub struct PayloadTooLong;

/// Keeps login challenges for a few minutes, under the digest of the token their client holds.
///
/// An implementor must count an attempt before it hands the payload out, in one step (of any number
/// of parallel attempts no more succeed than there are tries), must let exactly one of any number of
/// parallel calls consume a challenge, must still let the last attempt consume it, must answer alike
/// for used, expired, exhausted and unknown challenges, must decide by `now` and by no clock of its
/// own, must hand the payload out as it came in, and must bound its memory without forgetting a
/// challenge before it expires. Nothing that must survive a restart lives here.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ChallengeStore: Send + Sync {
    /// Keeps a challenge. One without tries or already expired is as good as unknown.
    ///
    /// # Errors
    /// [`ChallengeStoreError`] when the challenges cannot be reached.
    async fn open(
        &self,
        token: &Digest,
        challenge: &StoredChallenge,
        now: DateTime<Utc>,
    ) -> Result<(), ChallengeStoreError>;

    /// Counts an attempt and gives the payload; `None` when there is no challenge or no try left.
    ///
    /// # Errors
    /// [`ChallengeStoreError`] when the challenges cannot be reached.
    async fn attempt(
        &self,
        token: &Digest,
        now: DateTime<Utc>,
    ) -> Result<Option<Sealed>, ChallengeStoreError>;

    /// Uses a challenge up after an attempt that was right. Only the one call that is told `true` may
    /// finish the login.
    ///
    /// # Errors
    /// [`ChallengeStoreError`] when the challenges cannot be reached.
    async fn consume(&self, token: &Digest, now: DateTime<Utc>) -> Result<bool, ChallengeStoreError>;
}

/// The challenges cannot be reached. What needs them must be refused for now: a login whose challenge
/// cannot be used up is not finished.
#[derive(Debug, thiserror::Error)]
#[error("the login challenges cannot be reached")]
pub struct ChallengeStoreError {
    /// What the adapter met.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(length: usize) -> Result<StoredChallenge, PayloadTooLong> {
        StoredChallenge::new(Sealed::from_bytes(vec![7; length]), 5, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn bounds_the_payload() {
        assert!(challenge(StoredChallenge::MAX_PAYLOAD).is_ok());
        assert_eq!(challenge(StoredChallenge::MAX_PAYLOAD + 1), Err(PayloadTooLong));
    }

    #[test]
    fn shows_no_payload() {
        let shown = format!("{:?}", challenge(3));
        assert!(shown.contains("payload: Sealed,"), "{shown}");
    }
}
