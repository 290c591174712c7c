//! Integer identifiers: 53 bits, ordered by time, with random low bits.

use std::{fmt, num::ParseIntError, str::FromStr};

use chrono::{DateTime, Utc};

use crate::port::{Entropy, EntropyError};

/// Milliseconds of 2020-01-01T00:00:00Z, where identifiers begin to count.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
/// Random bits below the time: enough that a clash is rare, few enough that 41 bits of time (until
/// the year 2089) fit below 2^53, the largest integer a JavaScript client keeps exact.
const RANDOM_BITS: u32 = 12;

/// Makes the number behind an identifier from `now` and chance.
///
/// Two calls within one millisecond clash once in 4096; the primary key then refuses the second and
/// the use case runs again with a new number (see [`retry_conflicts`](crate::usecase)).
fn mint(now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<i64, EntropyError> {
    let mut random = [0u8; 2];
    entropy.fill(&mut random)?;
    let low = i64::from(u16::from_le_bytes(random) >> (16 - RANDOM_BITS));
    Ok(((now.timestamp_millis() - EPOCH_MILLIS).max(0) << RANDOM_BITS) | low)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// An integer below 2^53, ordered by the time of its making, never sequential and never a secret.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Makes a new identifier.
            ///
            /// # Errors
            /// [`EntropyError`] when the operating system gives no randomness.
            pub fn mint(now: DateTime<Utc>, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                mint(now, entropy).map(Self)
            }

            /// Wraps a number that a store or a client handed back.
            pub const fn from_i64(raw: i64) -> Self {
                Self(raw)
            }

            /// The number, as stores keep it and clients see it.
            pub const fn as_i64(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// Identifies a user within the whole installation.
    UserId;
    /// Identifies a session.
    SessionId;
    /// Identifies a device that proved a second factor.
    DeviceId;
    /// Identifies the link between an account and the account of a provider.
    IdentityId;
    /// Identifies an API key.
    ApiKeyId;
    /// Identifies a message waiting in the outbox; also the stable part of its Message-ID.
    OutboxId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    struct Ones;
    impl Entropy for Ones {
        fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
            buf.fill(0xff);
            Ok(())
        }
    }

    #[test]
    fn stays_exact_in_javascript_until_2089() {
        let last = Utc.with_ymd_and_hms(2089, 8, 1, 0, 0, 0).unwrap();
        assert!(UserId::mint(last, &Ones).unwrap().as_i64() < 1 << 53);
    }

    #[test]
    fn orders_by_time() {
        let early = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let later = early + chrono::TimeDelta::milliseconds(1);
        assert!(UserId::mint(early, &Ones).unwrap() < UserId::mint(later, &Ones).unwrap());
    }
}
