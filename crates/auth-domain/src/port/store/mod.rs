//! Durable state: one transaction over several repositories.
//!
//! ```text
//! Store ── begin() ──▶ Tx     users() sessions() links() factors() devices() known_devices() identities()
//!       │                      api_keys() locks() keys() sealed() audit() chain() outbox() people() commit() rollback()
//!       └─ read()  ──▶ Repos  the same repositories, each statement for itself
//! ```
//!
//! State change, audit record and outbox item commit together. No network, no hashing and no sleeping
//! inside a transaction.

mod api_keys;
mod chain;
mod factors;
mod identities;
mod known_devices;
mod log;
mod people;
mod repos;
mod sealed;
mod users;

use async_trait::async_trait;

pub use api_keys::ApiKeyRepo;
pub use chain::AuditChain;
pub use factors::{DeviceRepo, FactorRepo, PendingTotp, StoredTotp};
pub use identities::{DueChecks, ExistingLink, IdentityRepo};
pub use known_devices::KnownDeviceRepo;
pub use log::{AuditFilter, AuditLog, Outbox};
pub use people::{Arrival, PeopleRepo, Present};
pub use repos::{ExistingAccount, KeyRepo, LinkRepo, LockRepo, SessionRepo, UserRepo};
pub use sealed::{SealedPlace, SealedRepo, SealedRow, SealedValue};
pub use users::{Recent, RecentSince, UserCounts, UserFilter};

/// Opens transactions.
///
/// An implementor must make a transaction atomic, durable once `commit` returns `Ok` (invariant I5),
/// and isolated so far that a row returned by a `lock` method does not change before the transaction
/// ends. Dropping a transaction must discard it at once.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a transaction. Never begin a second one within the first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store cannot be reached in time.
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError>;

    /// Repositories outside a transaction, for reading and for single statements.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store cannot be reached in time.
    async fn read(&self) -> Result<Box<dyn Repos>, StoreError>;

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Hands out repositories that share one connection.
pub trait Repos: Send {
    /// Accounts.
    fn users(&mut self) -> &mut dyn UserRepo;
    /// Sessions and their refresh tokens.
    fn sessions(&mut self) -> &mut dyn SessionRepo;
    /// One-time links.
    fn links(&mut self) -> &mut dyn LinkRepo;
    /// Secrets of authenticator apps, and recovery codes.
    fn factors(&mut self) -> &mut dyn FactorRepo;
    /// Devices that proved a second factor.
    fn devices(&mut self) -> &mut dyn DeviceRepo;
    /// Accounts of providers that are linked to accounts.
    fn identities(&mut self) -> &mut dyn IdentityRepo;
    /// Devices that accounts signed in from, with the failures of each.
    fn known_devices(&mut self) -> &mut dyn KnownDeviceRepo;
    /// Keys of programs.
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepo;
    /// Failure counts.
    fn locks(&mut self) -> &mut dyn LockRepo;
    /// Signing keys.
    fn keys(&mut self) -> &mut dyn KeyRepo;
    /// Sealed values, wherever they are.
    fn sealed(&mut self) -> &mut dyn SealedRepo;
    /// The audit log.
    fn audit(&mut self) -> &mut dyn AuditLog;
    /// The chain over the audit log.
    fn chain(&mut self) -> &mut dyn AuditChain;
    /// Messages that are owed.
    fn outbox(&mut self) -> &mut dyn Outbox;
    /// People who come and go.
    fn people(&mut self) -> &mut dyn PeopleRepo;
}

/// In a decorator of [`Repos`]: repositories of the field `repos` that it hands on as they are.
macro_rules! hand_on {
    ($($name:ident: $repo:ident),+) => {$(
        fn $name(&mut self) -> &mut dyn $repo {
            self.repos.$name()
        }
    )+};
}
pub(crate) use hand_on;

/// A transaction.
///
/// A method that returns `()` may keep its statement back, to send it together with the next one or
/// with `commit`. What it fails with then comes from there; it must come at the latest from `commit`.
/// Later statements of the transaction must see its effect all the same.
#[async_trait]
pub trait Tx: Repos {
    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another transaction got in the way and this one may be run again.
    /// After any failed statement `commit` must fail too, also after one that it sent itself.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// Discards everything.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the store is gone; the work is discarded all the same.
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// The store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, or not in time. Trying again later can help.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another transaction got in the way. Running the whole transaction again can help.
    #[error("the transaction met another one")]
    Conflict,
    /// A row does not make sense.
    #[error("row {id} of table {table} is corrupt")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        id: String,
    },
    /// Anything else: a bug.
    #[error("the store refused a statement")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(any(test, feature = "mock"))]
pub(super) mod mock {
    //! Mocks of the transaction and its repositories.

    use super::{
        ApiKeyRepo, AuditChain, AuditLog, DeviceRepo, FactorRepo, IdentityRepo, KeyRepo, KnownDeviceRepo,
        LinkRepo, LockRepo, Outbox, PeopleRepo, Repos, SealedRepo, SessionRepo, Store, StoreError, Tx,
        UserRepo,
    };
    pub use super::{
        api_keys::MockApiKeyRepo,
        chain::MockAuditChain,
        factors::{MockDeviceRepo, MockFactorRepo},
        identities::MockIdentityRepo,
        known_devices::MockKnownDeviceRepo,
        log::{MockAuditLog, MockOutbox},
        people::MockPeopleRepo,
        repos::{MockKeyRepo, MockLinkRepo, MockLockRepo, MockSessionRepo, MockUserRepo},
        sealed::MockSealedRepo,
    };
    use async_trait::async_trait;

    mockall::mock! {
        /// A store whose transactions are scripted.
        pub Store {}

        #[async_trait]
        impl Store for Store {
            async fn begin(&self) -> Result<Box<dyn Tx>, StoreError>;
            async fn read(&self) -> Result<Box<dyn Repos>, StoreError>;
            async fn ping(&self) -> Result<(), StoreError>;
        }
    }

    /// A transaction of mock repositories; also usable as plain [`Repos`].
    #[derive(Default)]
    pub struct MockTx {
        /// Accounts.
        pub users: MockUserRepo,
        /// Sessions.
        pub sessions: MockSessionRepo,
        /// Links.
        pub links: MockLinkRepo,
        /// Secrets of authenticator apps, and recovery codes.
        pub factors: MockFactorRepo,
        /// Devices that proved a second factor.
        pub devices: MockDeviceRepo,
        /// Linked identities.
        pub identities: MockIdentityRepo,
        /// Devices that accounts signed in from.
        pub known_devices: MockKnownDeviceRepo,
        /// Keys of programs.
        pub api_keys: MockApiKeyRepo,
        /// Failure counts.
        pub locks: MockLockRepo,
        /// Signing keys.
        pub keys: MockKeyRepo,
        /// Sealed values.
        pub sealed: MockSealedRepo,
        /// The audit log.
        pub audit: MockAuditLog,
        /// The chain over the audit log.
        pub chain: MockAuditChain,
        /// Messages that are owed.
        pub outbox: MockOutbox,
        /// People who come and go.
        pub people: MockPeopleRepo,
        /// What `commit` answers with; `Ok` unless set.
        pub commit_error: Option<StoreError>,
    }

    impl Repos for MockTx {
        fn users(&mut self) -> &mut dyn UserRepo {
            &mut self.users
        }
        fn sessions(&mut self) -> &mut dyn SessionRepo {
            &mut self.sessions
        }
        fn links(&mut self) -> &mut dyn LinkRepo {
            &mut self.links
        }
        fn factors(&mut self) -> &mut dyn FactorRepo {
            &mut self.factors
        }
        fn devices(&mut self) -> &mut dyn DeviceRepo {
            &mut self.devices
        }
        fn identities(&mut self) -> &mut dyn IdentityRepo {
            &mut self.identities
        }
        fn known_devices(&mut self) -> &mut dyn KnownDeviceRepo {
            &mut self.known_devices
        }
        fn api_keys(&mut self) -> &mut dyn ApiKeyRepo {
            &mut self.api_keys
        }
        fn locks(&mut self) -> &mut dyn LockRepo {
            &mut self.locks
        }
        fn keys(&mut self) -> &mut dyn KeyRepo {
            &mut self.keys
        }
        fn sealed(&mut self) -> &mut dyn SealedRepo {
            &mut self.sealed
        }
        fn audit(&mut self) -> &mut dyn AuditLog {
            &mut self.audit
        }
        fn chain(&mut self) -> &mut dyn AuditChain {
            &mut self.chain
        }
        fn outbox(&mut self) -> &mut dyn Outbox {
            &mut self.outbox
        }
        fn people(&mut self) -> &mut dyn PeopleRepo {
            &mut self.people
        }
    }

    #[async_trait]
    impl Tx for MockTx {
        async fn commit(self: Box<Self>) -> Result<(), StoreError> {
            self.commit_error.map_or(Ok(()), Err)
        }

        async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
            Ok(())
        }
    }
}
