//! A login between its two factors: what is remembered of it, and the token its client holds.

use chrono::{DateTime, TimeDelta, Utc};

use super::FirstFactor;
use crate::{
    id::UserId,
    port::{BoxError, SecretBox, StoredChallenge},
    secret::{Digest, Sealed, opaque_tokens},
    tenant::TenantId,
    token::AuthMethod,
};

/// How long a client may take for the second factor (ASVS 6.5.5).
pub(super) const LIFE: TimeDelta = TimeDelta::minutes(5);
/// How many codes it may try.
pub(super) const TRIES: u32 = 5;
/// Where the payload lives.
const CONTEXT: &str = "login_challenges|payload";

opaque_tokens! {
    /// Stands for a login whose password was right. Good for one thing: sending the second factor.
    MfaToken = "mt_";
}

/// A login whose first factor was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) first: FirstFactor,
}

impl Challenge {
    /// Seals the challenge for the store.
    ///
    /// # Errors
    /// [`BoxError`] when the box refuses.
    pub(super) fn seal(
        &self,
        secret_box: &dyn SecretBox,
        now: DateTime<Utc>,
    ) -> Result<StoredChallenge, BoxError> {
        let at = self.first.at().timestamp_micros();
        let failures = u8::from(self.first.came_after_failures());
        let (tenant, user) = (&self.tenant, self.user);
        let head = if self.first.is_by_provider() {
            let passed = self.first.passed().map_or("", AuthMethod::as_str);
            format!("2|{tenant}|{user}|{at}|{failures}|{passed}|")
        } else {
            format!("1|{tenant}|{user}|{at}|{failures}|")
        };
        let mut payload = head.into_bytes();
        payload.extend(self.first.credential().as_bytes());
        let sealed = secret_box.seal(CONTEXT, &payload)?;
        // A tenant's name has 63 characters at most: far from too long.
        StoredChallenge::new(sealed, TRIES, now + LIFE).map_err(|_| BoxError)
    }

    /// Reads what [`seal`](Self::seal) wrote.
    pub(super) fn open(sealed: &Sealed, secret_box: &dyn SecretBox) -> Option<Self> {
        let plain = secret_box.open(CONTEXT, sealed).ok()?;
        let (head, credential) = plain.split_last_chunk::<32>()?;
        let mut parts = std::str::from_utf8(head).ok()?.split('|');
        let mut next = || parts.next();
        let version = next().filter(|version| matches!(*version, "1" | "2"))?;
        let tenant = TenantId::parse(next()?).ok()?;
        let user = next()?.parse().ok()?;
        let at = DateTime::from_timestamp_micros(next()?.parse().ok()?)?;
        let after_failures = next()? == "1";
        let mut first = FirstFactor::restore(at, after_failures, Digest::from_bytes(*credential));
        if version == "2" {
            first = first.restore_provider(passed(next()?)?);
        }
        Some(Self { tenant, user, first })
    }
}

/// The second factor of a provider; `None` for a name that is none.
#[expect(clippy::option_option, reason = "the inner one is whether there was a factor")]
fn passed(name: &str) -> Option<Option<AuthMethod>> {
    if name.is_empty() { Some(None) } else { name.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::secret::SealLabel;

    /// Seals nothing, but keeps contexts apart.
    struct Glass;

    impl SecretBox for Glass {
        fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed, BoxError> {
            Ok(Sealed::from_bytes([context.as_bytes(), plain].concat()))
        }

        fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, BoxError> {
            let plain = sealed.as_bytes().strip_prefix(context.as_bytes()).ok_or(BoxError)?;
            Ok(Zeroizing::new(plain.to_vec()))
        }

        fn labels(&self) -> Vec<SealLabel> {
            Vec::new()
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        let now = DateTime::from_timestamp_micros(1_782_907_200_123_456).unwrap();
        // A digest may hold any byte, the separator included.
        let first = FirstFactor::restore(now, true, Digest::from_bytes([b'|'; 32]));
        let providers = [None, Some(AuthMethod::Totp)].map(|passed| first.restore_provider(passed));
        for first in [first, providers[0], providers[1]] {
            let challenge = Challenge { tenant: TenantId::default(), user: UserId::from_i64(7), first };
            let stored = challenge.seal(&Glass, now).unwrap();
            assert_eq!((stored.tries(), stored.expires_at()), (5, now + TimeDelta::minutes(5)));
            assert_eq!(Challenge::open(stored.payload(), &Glass), Some(challenge));
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "1|default|7|0|0|", "3|default|7|0|0|00000000000000000000000000000000"] {
            let sealed = Sealed::from_bytes([CONTEXT, text].concat().into_bytes());
            assert_eq!(Challenge::open(&sealed, &Glass), None, "{text}");
        }
    }
}
