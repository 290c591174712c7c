//! Rows, and the way from a row to an entity. A row that makes no entity is
//! [`StoreError::Corrupt`](auth_domain::port::StoreError::Corrupt).
#![expect(clippy::option_option, reason = "the outer one is about the row, the inner one about the column")]

mod api_key;
mod audit;
mod chain;
mod device;
mod factor;
mod identity;
mod key;
mod known_device;
mod link;
mod lock;
mod outbox;
mod session;
mod user;

use std::net::IpAddr;

use auth_domain::{
    client::{Client, UserAgent},
    secret::Digest,
    user::Email,
};
use chrono::{DateTime, Utc};
use diesel::pg::data_types::PgTimestamp;

use crate::statement::Value;

pub(crate) use api_key::{ApiKeyRow, api_key_values};
pub(crate) use audit::{AuditRow, audit_values, entry_values};
pub(crate) use chain::{
    ChainRow, CheckpointRow, StoredAuditRow, chain_values, chained, checkpoint_values, links_values,
};
pub(crate) use device::{DeviceRow, device_values};
pub(crate) use factor::{RecoveryCodeRow, TotpRow, recovery_code_values, totp_values};
pub(crate) use identity::{IdentityRow, grant_value, identity_values};
pub(crate) use key::{KeyRow, key_values};
pub(crate) use known_device::{KnownDeviceRow, known_device_values};
pub(crate) use link::{LinkRow, link_values};
pub(crate) use lock::{LockRow, lock_values};
pub(crate) use outbox::{EntryRow, OutboxRow, outbox_entry, outbox_values};
pub(crate) use session::{GenerationRow, SessionRow, generation_values, methods_text, session_values};
pub(crate) use user::{UserRow, user_values};

/// PostgreSQL counts from 1 January 2000.
const EPOCH: i64 = 946_684_800_000_000;

/// A time as PostgreSQL keeps it: to the microsecond.
pub(crate) const fn timestamp(at: DateTime<Utc>) -> PgTimestamp {
    PgTimestamp(at.timestamp_micros() - EPOCH)
}

pub(crate) fn time(at: PgTimestamp) -> Option<DateTime<Utc>> {
    at.0.checked_add(EPOCH).and_then(DateTime::from_timestamp_micros)
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

/// An address is stored in canonical form; anything else was not written by this server.
fn email(text: &str) -> Option<Email> {
    Email::parse(text).ok().filter(|email| email.as_str() == text)
}

fn ip_value(ip: Option<IpAddr>) -> Value {
    ip.map(|ip| ip.to_string()).into()
}

fn agent_value(agent: Option<&UserAgent>) -> Value {
    agent.map(|agent| agent.as_str().to_owned()).into()
}

/// Turns a column that may be NULL around: `None` if it holds something that cannot be.
fn nullable<C, T>(column: Option<C>, read: impl FnOnce(C) -> Option<T>) -> Option<Option<T>> {
    match column {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

fn ip(text: Option<String>) -> Option<Option<IpAddr>> {
    nullable(text, |text| text.parse().ok())
}

fn agent(text: Option<String>) -> Option<Option<UserAgent>> {
    nullable(text, |text| UserAgent::new(&text))
}

fn client(ip_text: Option<String>, agent_text: Option<String>, request_id: Option<String>) -> Option<Client> {
    Some(Client { ip: ip(ip_text)?, user_agent: agent(agent_text)?, request_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_change_of_epoch() {
        for micros in [0, 1, EPOCH - 1, EPOCH, 1_782_907_200_123_456, -1] {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            assert_eq!(time(timestamp(at)), Some(at));
        }
        assert_eq!(timestamp(DateTime::from_timestamp(946_684_800, 0).unwrap()), PgTimestamp(0));
        // What PostgreSQL calls infinity is no moment.
        assert_eq!((time(PgTimestamp(i64::MAX)), time(PgTimestamp(i64::MIN))), (None, None));
    }
}
