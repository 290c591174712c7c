//! A whole store, to be moved to another one.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{StoreError, StoredTotp};
use crate::{
    api_key::ApiKey,
    audit::{AuditEntry, ChainLink, Checkpoint},
    factor::TrustedDevice,
    guard::{known_device::KnownDevice, lockout::LockState},
    id::UserId,
    outbox::OutboxItem,
    secret::Digest,
    session::{Session, rotation::Generation},
    token::{Link, SigningKey},
    user::{LinkedIdentity, User},
};

/// Kinds of records, in the order in which a store can take them: what is referred to comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Accounts.
    User,
    /// Sessions with the chains of their refresh tokens.
    Session,
    /// One-time links, used ones too.
    Link,
    /// Secrets of authenticator apps.
    Totp,
    /// Recovery codes, used ones too.
    RecoveryCode,
    /// Devices that proved a second factor.
    Device,
    /// Accounts of providers that are linked to accounts.
    Identity,
    /// Devices that accounts signed in from.
    KnownDevice,
    /// Keys of programs, revoked and expired ones too.
    ApiKey,
    /// Failure counts.
    Lock,
    /// Signing keys.
    Key,
    /// Entries of the audit log.
    Audit,
    /// Links of the chain over it.
    AuditLink,
    /// Checkpoints of that chain.
    AuditCheckpoint,
    /// Messages that are owed, dead letters too.
    Outbox,
    /// Accounts that were erased.
    Erasure,
}

impl RecordKind {
    /// All kinds, in the order in which a store can take them.
    pub const ALL: [Self; 16] = [
        Self::User,
        Self::Session,
        Self::Link,
        Self::Totp,
        Self::RecoveryCode,
        Self::Device,
        Self::Identity,
        Self::KnownDevice,
        Self::ApiKey,
        Self::Lock,
        Self::Key,
        Self::Audit,
        Self::AuditLink,
        Self::AuditCheckpoint,
        Self::Outbox,
        Self::Erasure,
    ];

    /// What people call the records of this kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "accounts",
            Self::Session => "sessions",
            Self::Link => "links",
            Self::Totp => "authenticator apps",
            Self::RecoveryCode => "recovery codes",
            Self::Device => "trusted devices",
            Self::Identity => "linked identities",
            Self::KnownDevice => "known devices",
            Self::ApiKey => "API keys",
            Self::Lock => "locks",
            Self::Key => "signing keys",
            Self::Audit => "audit entries",
            Self::AuditLink => "audit chain links",
            Self::AuditCheckpoint => "audit checkpoints",
            Self::Outbox => "owed messages",
            Self::Erasure => "erased accounts",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything a store knows about one thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An account.
    User(User),
    /// A session and the chain of its refresh tokens, in the order of their numbers.
    Session(Session, Vec<Generation>),
    /// A one-time link, and when it was used.
    Link(Link, Option<DateTime<Utc>>),
    /// The authenticator app of an account, its secrets still sealed.
    Totp(UserId, StoredTotp),
    /// A recovery code.
    RecoveryCode(StoredRecoveryCode),
    /// A device that proved a second factor.
    Device(TrustedDevice),
    /// The account of a provider that is linked to an account, without the lease it may have had.
    Identity(LinkedIdentity),
    /// A device that an account signed in from.
    KnownDevice(KnownDevice),
    /// A key of a program.
    ApiKey(ApiKey),
    /// The failure count of a key.
    Lock([u8; 32], LockState),
    /// A signing key, still sealed.
    Key(SigningKey),
    /// An entry of the audit log, at its position.
    Audit(AuditEntry),
    /// A link of the chain over the audit log.
    AuditLink(ChainLink),
    /// A checkpoint of that chain.
    AuditCheckpoint(Checkpoint),
    /// A message that is owed, without the lease it may have had.
    Outbox(OutboxItem, Fate),
    /// The id of an account that was erased, and when.
    Erasure(UserId, DateTime<Utc>),
}

/// A recovery code as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecoveryCode {
    /// What it is found by.
    pub digest: Digest,
    /// Whose code it is.
    pub user: UserId,
    /// When it was given out.
    pub created_at: DateTime<Utc>,
    /// When it was used, if it was.
    pub used_at: Option<DateTime<Utc>>,
}

/// What became of a message so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// When it was given up, if it was.
    pub buried_at: Option<DateTime<Utc>>,
    /// What the last try met.
    pub last_error: Option<String>,
}

impl Record {
    /// Its kind.
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::User(_) => RecordKind::User,
            Self::Session(..) => RecordKind::Session,
            Self::Link(..) => RecordKind::Link,
            Self::Totp(..) => RecordKind::Totp,
            Self::RecoveryCode(_) => RecordKind::RecoveryCode,
            Self::Device(_) => RecordKind::Device,
            Self::Identity(_) => RecordKind::Identity,
            Self::KnownDevice(_) => RecordKind::KnownDevice,
            Self::ApiKey(_) => RecordKind::ApiKey,
            Self::Lock(..) => RecordKind::Lock,
            Self::Key(_) => RecordKind::Key,
            Self::Audit(_) => RecordKind::Audit,
            Self::AuditLink(_) => RecordKind::AuditLink,
            Self::AuditCheckpoint(_) => RecordKind::AuditCheckpoint,
            Self::Outbox(..) => RecordKind::Outbox,
            Self::Erasure(..) => RecordKind::Erasure,
        }
    }

    /// What it is found by among the records of its kind.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::User(user) => RecordKey::Number(user.id.as_i64()),
            Self::Session(session, _) => RecordKey::Number(session.id.as_i64()),
            Self::Link(link, _) => RecordKey::Bytes(*link.digest.as_bytes()),
            Self::Totp(user, _) | Self::Erasure(user, _) => RecordKey::Number(user.as_i64()),
            Self::RecoveryCode(code) => RecordKey::Bytes(*code.digest.as_bytes()),
            Self::Device(device) => RecordKey::Number(device.id.as_i64()),
            Self::Identity(identity) => RecordKey::Number(identity.id.as_i64()),
            Self::KnownDevice(device) => RecordKey::Bytes(*device.digest.as_bytes()),
            Self::ApiKey(key) => RecordKey::Number(key.id.as_i64()),
            Self::Lock(key, _) => RecordKey::Bytes(*key),
            Self::Key(key) => RecordKey::Name(key.id.to_string()),
            Self::Audit(entry) => RecordKey::Number(entry.seq),
            Self::AuditLink(link) => RecordKey::Number(link.position),
            Self::AuditCheckpoint(checkpoint) => RecordKey::Number(checkpoint.number),
            Self::Outbox(item, _) => RecordKey::Number(item.id.as_i64()),
        }
    }
}

/// What a record is found by: numbers for accounts and their authenticator apps, sessions, devices, linked
/// identities, API keys, audit entries, their links and checkpoints, messages, and erased accounts, bytes for links, recovery codes,
/// known devices and locks, names for signing keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKey {
    /// An id or a position.
    Number(i64),
    /// A digest or a keyed hash.
    Bytes([u8; 32]),
    /// The id of a key.
    Name(String),
}

impl fmt::Debug for RecordKey {
    /// Leaves digests out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "Number({number})"),
            Self::Bytes(_) => f.write_str("Bytes(..)"),
            Self::Name(name) => write!(f, "Name({name:?})"),
        }
    }
}

/// Gives and takes whole records. For moving an installation, never beside a running server.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Archive: Send + Sync {
    /// How many records of a kind there are.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn count(&self, kind: RecordKind) -> Result<u64, StoreError>;

    /// Up to `limit` records of a kind in the order of their keys: bytes and names byte by byte. Begins
    /// with the first, or behind `after`, which need not exist any more.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn page(
        &self,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError>;

    /// Adds records of one kind, all or none of them, and says how many were new: one whose key is there
    /// already must be left as it is. An audit entry must keep its position, and entries appended
    /// later must come behind it.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn add(&self, records: Vec<Record>) -> Result<u64, StoreError>;
}
