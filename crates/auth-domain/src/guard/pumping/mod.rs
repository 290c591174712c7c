//! Defences against SMS pumping: having a service send text messages that earn the attacker a share of
//! their price (artificially inflated traffic, toll fraud).
//!
//! | defence | what it stops |
//! |---|---|
//! | country allow-list, [`destination`] | numbers where messages are dear and nobody has an account |
//! | number type, [`destination`] | premium, shared cost, satellite, internet, personal and other odd numbers |
//! | velocity per user, number, prefix and network, [`SmsGuard::admit`] | ranges of numbers dialled through |
//! | distinct numbers per user, [`SmsGuard::admit_number`] | one account for many numbers |
//! | owners per number, [`SmsGuard::admit_owner`] | many accounts for one number |
//! | conversion, [`converts`] | prefixes whose codes nobody ever types in |
//! | daily cap, [`SmsPolicy::per_day`]; zero is the kill switch | the bill |
//!
//! Codes that complete a login of a proved number are counted apart from those that are to prove one
//! ([`Recipient`]): what strangers have sent must not keep an owner out.
//!
//! The rules are pure functions; [`SmsGuard`] asks them in order and keeps the counts. It fails closed:
//! where the counts cannot be reached nothing is sent.

mod conversion;
mod number;
mod service;

use std::time::Duration;

pub use conversion::{ConversionPolicy, converts};
pub use number::{Destination, NumberKind, RefusedNumber, destination, is_country};
pub use service::{Recipient, SmsGuard, SmsRefused, Velocity};

use crate::port::Quota;

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);
pub(super) const MONTH: Duration = Duration::from_hours(24 * 30);

/// Numbers of the defences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsPolicy {
    /// Countries (ISO 3166 alpha-2) whose numbers get messages. An empty list sends nothing at all.
    pub countries: Vec<String>,
    /// Messages in an hour for one user, and for one number.
    pub per_hour: u32,
    /// Messages in a day for one user, and for one number.
    pub per_day_each: u32,
    /// Messages in an hour for all numbers with the same first seven digits.
    pub per_prefix_and_hour: u32,
    /// Messages in an hour asked for from one network (an IPv4 address or an IPv6 /64).
    pub per_network_and_hour: u32,
    /// Different numbers one user may have messages sent to, and users for one number, in 30 days.
    pub pairs: u32,
    /// How many codes must come back.
    pub conversion: ConversionPolicy,
    /// Messages in a day over all. Zero switches sending off.
    pub per_day: u32,
}

impl Default for SmsPolicy {
    /// `US` and `CA`; 10 in an hour and 30 in a day for a user and for a number; 60 in an hour for a
    /// prefix and for a network; 3 numbers per user and users per number; 10,000 in a day over all.
    fn default() -> Self {
        Self {
            countries: vec!["US".to_owned(), "CA".to_owned()],
            per_hour: 10,
            per_day_each: 30,
            per_prefix_and_hour: 60,
            per_network_and_hour: 60,
            pairs: 3,
            conversion: ConversionPolicy::default(),
            per_day: 10_000,
        }
    }
}

const fn quota(limit: u32, window: Duration) -> Quota {
    Quota { limit, window }
}
