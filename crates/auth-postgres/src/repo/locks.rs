//! Failure counts.

use async_trait::async_trait;
use auth_domain::{
    guard::lockout::{LockState, OldLocks},
    port::{LockRepo, StoreError},
    tenant::TenantId,
    user::{Email, User},
};

use super::{entity, only_if, users::by_email};
use crate::{
    error::corrupt,
    exchange::{Count, Find},
    row::{LockRow, lock_values},
    runner::{Access, Repositories, Runner},
    schema::{LoginLocks, login_locks},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> LockRepo for Repositories<R> {
    async fn lock(&mut self, key: &[u8; 32]) -> Result<Option<LockState>, StoreError> {
        let turn = only_if(self.0.is_transaction(), turn(key));
        self.0.ask(Access::Read, turn, by_key(key), entity).await
    }

    async fn lock_with_account(
        &mut self,
        key: &[u8; 32],
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<LockState>, Option<User>), StoreError> {
        let turn = only_if(self.0.is_transaction(), turn(key));
        let both = (by_key(key), by_email(tenant, email));
        self.0.ask(Access::Read, turn, both, |(locks, users)| Ok((entity(locks)?, entity(users)?))).await
    }

    async fn states(&mut self, keys: &[[u8; 32]]) -> Result<Vec<([u8; 32], LockState)>, StoreError> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        let find = Find::<LoginLocks, LockRow>::new(Statement::new(STATES).with(keys));
        let read = |row: LockRow| {
            let key = row.key().ok_or_else(|| corrupt("login_locks", &"of another length than 32"))?;
            Ok((key, row.try_into()?))
        };
        self.0.ask(Access::Read, Vec::new(), find, |rows| rows.into_iter().map(read).collect()).await
    }

    async fn put(&mut self, key: &[u8; 32], state: &LockState) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(PUT).with_all(lock_values(key, state))]).await
    }

    async fn clear(&mut self, key: &[u8; 32]) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(CLEAR).with(key.as_slice())]).await
    }

    async fn clear_from(&mut self, key: &[u8; 32], failures: u32) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(CLEAR_FROM).with(key.as_slice()).with(failures)]).await
    }

    async fn purge(&mut self, old: OldLocks, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(old.before).with(old.closed_at).with(old.closed_before);
        let purge = purge.with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

/// Waits for the turn on a key, also on one that has no row yet. A statement of its own: the one after
/// it sees what those before in the queue have left.
fn turn(key: &[u8; 32]) -> Statement {
    let mut number = [0; 8];
    number.copy_from_slice(&key[..8]);
    Statement::new(TURN).with(i64::from_be_bytes(number))
}

fn by_key(key: &[u8; 32]) -> Find<LoginLocks, LockRow> {
    Find::new(Statement::new(BY_KEY).with(key.as_slice()))
}

/// Keys that share eight bytes only wait for each other.
const TURN: &str = "SELECT pg_advisory_xact_lock(?)";

/// The row's lock keeps off those who clear without having looked.
const BY_KEY: &str = concat!("SELECT ", login_locks!(), " FROM login_locks WHERE key = ? FOR UPDATE");

const STATES: &str = concat!("SELECT ", login_locks!(), " FROM login_locks WHERE key = ANY (?)");

const PUT: &str = "INSERT INTO login_locks VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until,
     last_attempt_at = excluded.last_attempt_at";

const CLEAR: &str = "DELETE FROM login_locks WHERE key = ?";

const CLEAR_FROM: &str = "DELETE FROM login_locks WHERE key = ? AND failures >= ?";

const PURGE: &str = "DELETE FROM login_locks WHERE key = ANY (ARRAY(
         SELECT key FROM login_locks WHERE last_attempt_at < ? AND (failures < ? OR last_attempt_at < ?)
         ORDER BY last_attempt_at LIMIT ?
     ))";
