//! The rights of one person: to have everything that is kept about them, and to be forgotten.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Core, Fault, fault::faults, transaction::transaction};
use crate::{
    audit::{AuditEntry, AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::LockState,
    id::UserId,
    port::{Record, Tx},
    user::{User, UserStatus},
};

/// Entries of the audit log that forget their clients in one transaction.
const BATCH: u32 = 500;

/// Shows and erases people.
#[derive(Clone)]
pub struct Persons {
    core: Arc<Core>,
}

/// Everything that is kept about a person.
#[derive(Clone, Debug)]
pub struct PersonData {
    /// The account, and all that belongs to it. Entries of the audit log tell where from only if the person did
    /// it, or nobody known: where others come from is theirs.
    pub records: Vec<Record>,
    /// Wrong passwords that are counted.
    pub passwords: Option<LockState>,
    /// Wrong codes that are counted.
    pub codes: Option<LockState>,
}

/// Why nobody was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no such account.
    #[error("there is no account of that id")]
    NotFound,
    /// Nobody could administer the installation any more.
    #[error("the last active superuser cannot be erased; make another one first")]
    LastSuperuser,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(EraseError);

impl Persons {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The account of that id.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn find(&self, id: UserId) -> Result<Option<User>, Fault> {
        Ok(self.core.ports.store.read().await?.users().by_id(id).await?)
    }

    /// Everything that is kept about an account; `None` when there is no such account. Leaves a trace in the
    /// audit log, which is not part of what it gives.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn export(&self, id: UserId) -> Result<Option<PersonData>, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => self.export_in(tx, id, now))
    }

    async fn export_in(
        &self,
        tx: &mut dyn Tx,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<PersonData>, Fault> {
        let Some(user) = tx.users().by_id(id).await? else { return Ok(None) };
        let mut records = tx.people().records(id).await?;
        for record in &mut records {
            if let Record::Audit(entry) = record {
                keep_own_client(entry, id);
            }
        }
        let passwords = tx.locks().lock(&self.core.lock_key(&user.tenant, &user.email)).await?;
        let codes = tx.locks().lock(&self.core.code_lock_key(&user)).await?;
        let record = AuditRecord::new(AuditEvent::PersonExported, &user.tenant, &Client::default(), now);
        tx.audit().append(&record.about(id)).await?;
        Ok(Some(PersonData { records, passwords, codes }))
    }

    /// Erases an account with everything that belongs to it. What stays is the audit log, which knows the
    /// person by a number that names nobody any more, and the number, so that no import brings them back.
    ///
    /// The log goes on telling where from, until [`forget_clients`](Self::forget_clients).
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase(&self, id: UserId) -> Result<(), EraseError> {
        let now = self.core.now();
        transaction!(self.core, tx => self.erase_in(tx, id, now))
    }

    async fn erase_in(&self, tx: &mut dyn Tx, id: UserId, now: DateTime<Utc>) -> Result<(), EraseError> {
        // Before the account: superusers are locked in one order.
        let others = tx.people().other_superusers(id).await?;
        let user = tx.users().lock(id).await?.ok_or(EraseError::NotFound)?;
        if user.roles.superuser && user.status == UserStatus::Active && others == 0 {
            return Err(EraseError::LastSuperuser);
        }
        self.core.clear_passwords_in(tx, &user).await.map_err(EraseError::Fault)?;
        tx.locks().clear(&self.core.code_lock_key(&user)).await?;
        if !tx.people().erase(id, now).await? {
            return Err(EraseError::NotFound);
        }
        let record = AuditRecord::new(AuditEvent::UserErased, &user.tenant, &Client::default(), now);
        Ok(tx.audit().append(&record.about(id)).await?)
    }

    /// Whether the account of that id was erased.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn is_erased(&self, id: UserId) -> Result<bool, Fault> {
        Ok(!self.core.ports.store.read().await?.people().erased(&[id]).await?.is_empty())
    }

    /// Has the audit log forget from where an erased person came, as far as its entries are in the chain: what
    /// is not must be chained before. Says of how many entries. May be run again.
    ///
    /// # Errors
    /// [`Fault`] when the store fails, or the person was not erased.
    pub async fn forget_clients(&self, id: UserId) -> Result<u64, Fault> {
        let mut all = 0;
        loop {
            match transaction!(self.core, tx => forget_in(tx, id))? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }
}

async fn forget_in(tx: &mut dyn Tx, id: UserId) -> Result<u64, Fault> {
    Ok(tx.people().erase_clients(id, BATCH).await?)
}

fn keep_own_client(entry: &mut AuditEntry, id: UserId) {
    if entry.actor.is_some_and(|actor| actor != id) {
        entry.client = Client::default();
    }
}
