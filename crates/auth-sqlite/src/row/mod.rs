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

pub(crate) use api_key::ApiKeyRow;
pub(crate) use audit::{AuditRow, NewAuditRow};
pub(crate) use chain::{CheckpointRow, LinkRow as ChainLinkRow, LinkedRow, StoredAuditRow, chained};
pub(crate) use device::DeviceRow;
pub(crate) use factor::{RecoveryCodeRow, TotpRow};
pub(crate) use identity::IdentityRow;
pub(crate) use key::KeyRow;
pub(crate) use known_device::KnownDeviceRow;
pub(crate) use link::LinkRow;
pub(crate) use lock::LockRow;
pub(crate) use outbox::{EntryRow, OutboxRow};
pub(crate) use session::{GenerationRow, SessionRow, methods_text};
pub(crate) use user::UserRow;

/// A time as it is stored: microseconds since 1970.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

pub(crate) fn time(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

/// An address is stored in canonical form; anything else was not written by this server.
fn email(text: &str) -> Option<Email> {
    Email::parse(text).ok().filter(|email| email.as_str() == text)
}

fn ip_text(ip: Option<IpAddr>) -> Option<String> {
    ip.map(|ip| ip.to_string())
}

fn agent_text(agent: Option<&UserAgent>) -> Option<String> {
    agent.map(|agent| agent.as_str().to_owned())
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
