//! The hash chain over the audit log: each link covers its entry and, through the link before it, every entry
//! before that. Who keeps one hash can prove all that went before.
//!
//! What is hashed is text, each field after its length, so that a stranger can do it again in any language;
//! `docs/audit.md` says how. Version 1 never changes: what was chained would not fit any more.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest as _, Sha256};

use super::{AuditEntry, AuditEvent, AuditRecord};
use crate::{
    id::{SessionId, UserId},
    port::{Entropy, EntropyError},
};

/// Begins the text of an entry.
const ROW: &str = "auth-audit-row/1";
/// Begins the text of what the chain says about the client without naming it.
const CLIENT: &str = "auth-audit-client/1";

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotHex;

/// Declares 32 bytes that show as hexadecimal digits.
macro_rules! hex32 {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                unhex(text).map(Self).ok_or(NotHex)
            }
        }
    )*};
}

hex32! {
    /// A hash of the chain.
    ChainHash;
    /// A public key that checkpoints are signed with (Ed25519).
    AuditKey;
    /// What the chain says about the client of an entry: a hash of it with a random salt. With the salt it
    /// proves the address and the device; without, it tells nothing about them.
    ClientSeal;
}

impl ChainHash {
    /// What the first link is linked to.
    pub const GENESIS: Self = Self([0; 32]);
}

/// Writes bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads hexadecimal digits; `None` unless they make exactly `N` bytes.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// 128 random bits that keep a [`ClientSeal`] from being guessed. Erasing them erases the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; Self::BYTES]);

impl Salt {
    /// How long it is.
    pub const BYTES: usize = 16;

    /// Draws a salt.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; Self::BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Wraps what a store handed back.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// An entry as it is stored, taken as it is: it may have been tampered with, or be of another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Position in the log.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// In which tenant.
    pub tenant: String,
    /// What happened.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// Who did it.
    pub actor: Option<i64>,
    /// Whom it concerns.
    pub subject: Option<i64>,
    /// In which session.
    pub session: Option<i64>,
    /// From which address; after a time its network only.
    pub ip: Option<String>,
    /// With which device; after a time nothing.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// More about it, in order.
    pub details: Vec<(String, String)>,
}

impl StoredRow {
    /// What a store keeps of `record` at a position.
    pub fn of(seq: i64, record: &AuditRecord) -> Self {
        let details = record.details.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let AuditRecord { at, tenant, event, actor, subject, session, client, .. } = record.clone();
        AuditEntry { seq, at, tenant, event, actor, subject, session, client, details }.into()
    }

    /// The event, if this version knows it.
    pub fn event(&self) -> Option<AuditEvent> {
        self.event.parse().ok()
    }

    /// What the chain says about the client; `None` when nothing is known of it.
    fn client_seal(&self, salt: &Salt) -> Option<ClientSeal> {
        if self.ip.is_none() && self.user_agent.is_none() {
            return None;
        }
        let mut text = Canonical::default();
        text.field(CLIENT);
        text.field(&hex(salt.as_bytes()));
        text.optional(self.ip.as_deref());
        text.optional(self.user_agent.as_deref());
        Some(ClientSeal(Sha256::digest(text.0).into()))
    }

    /// Whether nothing is left of the client but the network.
    fn is_erased(&self) -> bool {
        self.user_agent.is_none() && self.ip.as_ref().is_none_or(|ip| network_text(ip).as_ref() == Some(ip))
    }

    /// The bytes that stand for the entry, version 1.
    fn canonical(&self, client: Option<&ClientSeal>) -> Vec<u8> {
        let mut text = Canonical::default();
        text.field(ROW);
        text.field(&self.seq.to_string());
        text.field(&time_text(self.at));
        text.field(&self.tenant);
        text.field(&self.event);
        text.field(&self.outcome);
        for id in [self.actor, self.subject, self.session] {
            text.optional(id.map(|id| id.to_string()).as_deref());
        }
        text.optional(self.request_id.as_deref());
        text.optional(self.ip.as_deref().and_then(network_text).as_deref());
        text.optional(client.map(|seal| hex(seal.as_bytes())).as_deref());
        text.field(&self.details.len().to_string());
        for (key, value) in &self.details {
            text.field(key);
            text.field(value);
        }
        text.0
    }
}

impl From<AuditEntry> for StoredRow {
    fn from(entry: AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            tenant: entry.tenant.to_string(),
            event: entry.event.as_str().to_owned(),
            outcome: entry.event.outcome().as_str().to_owned(),
            actor: entry.actor.map(UserId::as_i64),
            subject: entry.subject.map(UserId::as_i64),
            session: entry.session.map(SessionId::as_i64),
            ip: entry.client.ip.map(|ip| ip.to_string()),
            user_agent: entry.client.user_agent.map(|agent| agent.as_str().to_owned()),
            request_id: entry.client.request_id,
            details: entry.details,
        }
    }
}

/// Fields one after the other, each after its length: no two lists of fields give the same bytes.
#[derive(Default)]
pub(super) struct Canonical(pub(super) Vec<u8>);

impl Canonical {
    /// Four bytes of length, the first the highest, and the text in UTF-8.
    pub(super) fn field(&mut self, text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX - 1); // nothing here has 4 GB
        self.0.extend(length.to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    /// The same, or four bytes that are no length when there is nothing.
    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.field(text),
            None => self.0.extend(u32::MAX.to_be_bytes()),
        }
    }
}

/// A time as it is hashed and exported: to the microsecond, in UTC.
pub fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The network an address is in: the first 24 bits of IPv4, the first 48 of IPv6.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

/// The same of an address as it is stored; `None` for a text that is none.
pub fn network_text(ip: &str) -> Option<String> {
    ip.parse().ok().map(|ip| network(ip).to_string())
}

/// The place of one entry in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// Place in the chain, rising by one.
    pub position: i64,
    /// Which entry of the log it covers.
    pub seq: i64,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// SHA-256 of the hash before it and the entry.
    pub hash: ChainHash,
    /// What the chain says about the entry's client.
    pub client: Option<ClientSeal>,
    /// What proves it, until the client is erased.
    pub salt: Option<Salt>,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Position of the last link, or of the last one that was pruned; 0 at first.
    pub position: i64,
    /// Its hash.
    pub hash: ChainHash,
}

impl ChainHead {
    /// Before the first link.
    pub const GENESIS: Self = Self { position: 0, hash: ChainHash::GENESIS };

    /// The link that puts `row` into the chain, behind this end.
    pub fn link(&self, row: &StoredRow, salt: Salt) -> ChainLink {
        let client = row.client_seal(&salt);
        let hash = self.hash_with(row, client.as_ref());
        let salt = client.map(|_| salt);
        ChainLink { position: self.position + 1, seq: row.seq, at: row.at, hash, client, salt }
    }

    fn hash_with(&self, row: &StoredRow, client: Option<&ClientSeal>) -> ChainHash {
        let hash = Sha256::new().chain_update(self.hash.0).chain_update(row.canonical(client)).finalize();
        ChainHash(hash.into())
    }

    /// Whether `link` covers `row` as it is, behind this end.
    pub(super) fn covers(&self, link: &ChainLink, row: &StoredRow) -> bool {
        self.hash_with(row, link.client.as_ref()) == link.hash
    }
}

impl From<&ChainLink> for ChainHead {
    fn from(link: &ChainLink) -> Self {
        Self { position: link.position, hash: link.hash }
    }
}

impl ChainLink {
    /// Whether the client that `row` names is the one the chain knows, or was erased as it should be.
    pub(super) fn knows_client_of(&self, row: &StoredRow) -> bool {
        match (&self.client, &self.salt) {
            (Some(_), Some(salt)) => row.client_seal(salt) == self.client,
            (Some(_), None) => row.is_erased(),
            (None, _) => row.ip.is_none() && row.user_agent.is_none(),
        }
    }
}

/// A link and the entry it covers, as far as that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedRow {
    /// The link.
    pub link: ChainLink,
    /// The entry.
    pub row: Option<StoredRow>,
}

impl ChainedRow {
    /// Whether the entry is there, and happened when the link says: stores prune by the link.
    pub(crate) fn is_dated(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.at == self.link.at)
    }
}

#[cfg(test)]
mod tests;
