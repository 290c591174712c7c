//! The defences in order, with their counts.

use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{DAY, HOUR, MONTH, RefusedNumber, SmsPolicy, converts, destination, quota};
use crate::{
    id::UserId,
    port::{Admission, LedgerError, LimiterError, Quota, RateLimiter, SmsLedger},
    secret::Digest,
    user::PhoneNumber,
};

/// What was asked for too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Velocity {
    /// By one user.
    User,
    /// For one number.
    Number,
    /// For numbers with the same first digits.
    Prefix,
    /// From one network.
    Network,
    /// Over all: the daily cap.
    Everybody,
}

/// Whose number a message goes to. The two are counted apart: what strangers have sent to a number must not
/// keep its owner from signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The user's, who proved it: the message completes a login.
    Owner,
    /// Perhaps the user's: the message is to prove it.
    Anybody,
}

impl Recipient {
    const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Anybody => "anybody",
        }
    }
}

/// No message may be sent.
#[derive(Debug, thiserror::Error)]
pub enum SmsRefused {
    /// Sending is switched off.
    #[error("text messages are switched off")]
    Off,
    /// The number gets none.
    #[error(transparent)]
    Number(#[from] RefusedNumber),
    /// Too often.
    #[error("too many text messages")]
    TooOften {
        /// What was asked for too often.
        what: Velocity,
        /// How often is allowed, for the answer.
        quota: Quota,
        /// When to come back.
        retry_after: Duration,
    },
    /// The user had messages sent to too many numbers, or the number to too many users.
    #[error("too many numbers for a user, or users for a number")]
    TooManyPairs,
    /// Codes sent to this range do not come back; somebody should be told.
    #[error("codes sent to this range of numbers do not come back")]
    Conversion,
    /// Limits cannot be counted, so nothing is sent.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// Messages cannot be counted, so nothing is sent.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Decides whether a text message may be sent.
#[derive(Clone)]
pub struct SmsGuard {
    policy: SmsPolicy,
    limiter: Arc<dyn RateLimiter>,
    ledger: Arc<dyn SmsLedger>,
}

impl SmsGuard {
    /// Guards with these numbers and counts.
    pub fn new(policy: SmsPolicy, limiter: Arc<dyn RateLimiter>, ledger: Arc<dyn SmsLedger>) -> Self {
        Self { policy, limiter, ledger }
    }

    /// Whether `user` may set up `number` as a factor. Comes before [`admit`](Self::admit); a pair once
    /// admitted stays so for the rest of its 30 days.
    ///
    /// # Errors
    /// [`SmsRefused`] says why not.
    pub async fn admit_number(
        &self,
        user: UserId,
        number: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<(), SmsRefused> {
        destination(number, &self.policy.countries)?;
        let pair = format!("sms:pair:{user}:{}", hidden(number));
        self.admit_pair(&pair, &format!("sms:numbers:{user}"), now).await
    }

    /// Whether `number` may become a factor of `user`, who proved it. Counted only now: who merely has
    /// messages sent to a number must not use up what its owner needs.
    ///
    /// # Errors
    /// [`SmsRefused`] says why not.
    pub async fn admit_owner(
        &self,
        user: UserId,
        number: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<(), SmsRefused> {
        let number = hidden(number);
        let pair = format!("sms:owner:{user}:{number}");
        self.admit_pair(&pair, &format!("sms:users:{number}"), now).await
    }

    /// Counts a pair once in 30 days.
    async fn admit_pair(&self, pair: &str, key: &str, now: DateTime<Utc>) -> Result<(), SmsRefused> {
        if self.ledger.add(pair, 0, MONTH, now).await? > 0 {
            return Ok(());
        }
        match self.limiter.admit(key, quota(self.policy.pairs, MONTH), now).await? {
            Admission::Admitted => {
                self.ledger.add(pair, 1, MONTH, now).await?;
                Ok(())
            }
            Admission::Refused { .. } => Err(SmsRefused::TooManyPairs),
        }
    }

    /// Whether a message may go to `number` now, and counts it. The caller must have proved who `user`
    /// is, and must take the number from the store.
    ///
    /// # Errors
    /// [`SmsRefused`] says why not.
    pub async fn admit(
        &self,
        user: UserId,
        number: &PhoneNumber,
        recipient: Recipient,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), SmsRefused> {
        if self.policy.per_day == 0 {
            return Err(SmsRefused::Off);
        }
        let prefix = destination(number, &self.policy.countries)?.prefix;
        if recipient == Recipient::Anybody {
            self.check_conversion(&prefix, now).await?;
        }
        for (what, key, quota) in self.velocities(user, number, &prefix, recipient, from) {
            match self.limiter.admit(&key, quota, now).await? {
                Admission::Admitted => {}
                Admission::Refused { retry_after } => {
                    return Err(SmsRefused::TooOften { what, quota, retry_after });
                }
            }
        }
        if recipient == Recipient::Anybody {
            self.ledger.add(&sent_key(&prefix), 1, DAY, now).await?;
        }
        Ok(())
    }

    /// Counts a code that came back from a number that was to be proved.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be counted. The verification itself need not fail over that.
    pub async fn verified(&self, number: &PhoneNumber, now: DateTime<Utc>) -> Result<(), LedgerError> {
        // A number that is refused by now still had its message.
        let Ok(to) = destination(number, &self.policy.countries) else { return Ok(()) };
        let sent = self.ledger.add(&sent_key(&to.prefix), 0, DAY, now).await?;
        let batch = self.policy.conversion.running_batch(sent);
        self.ledger.add(&verified_key(&to.prefix, batch), 1, DAY, now).await?;
        Ok(())
    }

    async fn check_conversion(&self, prefix: &str, now: DateTime<Utc>) -> Result<(), SmsRefused> {
        let sent = self.ledger.add(&sent_key(prefix), 0, DAY, now).await?;
        let Some(batch) = self.policy.conversion.judged_batch(sent) else { return Ok(()) };
        let verified = self.ledger.add(&verified_key(prefix, batch), 0, DAY, now).await?;
        converts(sent, verified, self.policy.conversion).then_some(()).ok_or(SmsRefused::Conversion)
    }

    /// The quotas, the narrowest first: whoever runs into his own uses up nobody else's.
    fn velocities(
        &self,
        user: UserId,
        number: &PhoneNumber,
        prefix: &str,
        recipient: Recipient,
        from: Option<IpAddr>,
    ) -> Vec<(Velocity, String, Quota)> {
        let policy = &self.policy;
        let (number, whose) = (hidden(number), recipient.name());
        let mut all = vec![
            (Velocity::User, format!("sms:{whose}:user:{user}"), quota(policy.per_hour, HOUR)),
            (Velocity::User, format!("sms:{whose}:user:{user}"), quota(policy.per_day_each, DAY)),
            (Velocity::Number, format!("sms:{whose}:number:{number}"), quota(policy.per_hour, HOUR)),
            (Velocity::Number, format!("sms:{whose}:number:{number}"), quota(policy.per_day_each, DAY)),
        ];
        if let Some(ip) = from {
            let limit = quota(policy.per_network_and_hour, HOUR);
            all.push((Velocity::Network, format!("sms:{whose}:network:{}", network(ip)), limit));
        }
        let limit = quota(policy.per_prefix_and_hour, HOUR);
        all.push((Velocity::Prefix, format!("sms:{whose}:prefix:{prefix}"), limit));
        if recipient == Recipient::Anybody {
            // A fifth of the day's messages is kept for those who sign in.
            let limit = policy.per_day - policy.per_day / 5;
            all.push((Velocity::Everybody, "sms:anybody".to_owned(), quota(limit, DAY)));
        }
        all.push((Velocity::Everybody, "sms:everybody".to_owned(), quota(policy.per_day, DAY)));
        all
    }
}

/// An IPv4 address, or the /64 that one subscriber has of IPv6.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// A number as a key: counters may lie in a shared store, which need not know whom we write to.
fn hidden(number: &PhoneNumber) -> String {
    let digest = Digest::of(number.as_str().as_bytes());
    let half = digest.as_bytes().first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
    format!("{half:032x}")
}

fn sent_key(prefix: &str) -> String {
    format!("sms:sent:{prefix}")
}

fn verified_key(prefix: &str, batch: u32) -> String {
    format!("sms:verified:{prefix}:{batch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_64() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
    }

    #[test]
    fn keys_hide_the_number() {
        let number = PhoneNumber::parse("+12125550123").unwrap();
        assert!(!hidden(&number).contains("5550123"));
        assert_eq!(hidden(&number).len(), 32);
    }
}
