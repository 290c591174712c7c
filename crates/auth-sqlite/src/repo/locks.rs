//! Failure counts.

use async_trait::async_trait;
use auth_domain::{
    guard::lockout::{LockState, OldLocks},
    port::{LockRepo, StoreError},
    tenant::TenantId,
    user::{Email, User},
};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entity, users::by_email};
use crate::{
    error::{Fault, corrupt},
    row::{LockRow, micros},
    runner::{Repositories, Runner},
    schema::login_locks,
};

#[async_trait]
impl<R: Runner> LockRepo for Repositories<R> {
    async fn lock(&mut self, key: &[u8; 32]) -> Result<Option<LockState>, StoreError> {
        // A transaction has the only write lock there is, also over rows that do not exist yet.
        let key = *key;
        self.0.read(move |conn| by_key(conn, &key)).await
    }

    async fn lock_with_account(
        &mut self,
        key: &[u8; 32],
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<LockState>, Option<User>), StoreError> {
        let (key, tenant, email) = (*key, tenant.clone(), email.clone());
        self.0.read(move |conn| Ok((by_key(conn, &key)?, by_email(conn, &tenant, &email)?))).await
    }

    async fn states(&mut self, keys: &[[u8; 32]]) -> Result<Vec<([u8; 32], LockState)>, StoreError> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        self.0.read(move |conn| states(conn, keys)).await
    }

    async fn put(&mut self, key: &[u8; 32], state: &LockState) -> Result<(), StoreError> {
        let row = LockRow::new(key, state);
        self.0.write(move |conn| put(conn, &row)).await
    }

    async fn clear(&mut self, key: &[u8; 32]) -> Result<(), StoreError> {
        let key = *key;
        self.0.write(move |conn| clear(conn, &key)).await
    }

    async fn clear_from(&mut self, key: &[u8; 32], failures: u32) -> Result<(), StoreError> {
        let key = *key;
        self.0.write(move |conn| clear_from(conn, &key, failures)).await
    }

    async fn purge(&mut self, old: OldLocks, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, old, limit)).await
    }
}

fn by_key(conn: &mut SqliteConnection, key: &[u8; 32]) -> Result<Option<LockState>, Fault> {
    let row: Option<LockRow> =
        login_locks::table.find(key.as_slice()).select(LockRow::as_select()).first(conn).optional()?;
    entity(row)
}

fn states(conn: &mut SqliteConnection, keys: Vec<Vec<u8>>) -> Result<Vec<([u8; 32], LockState)>, Fault> {
    let found = login_locks::table.filter(login_locks::key.eq_any(keys)).select(LockRow::as_select());
    let read = |row: LockRow| {
        let key = row.key().ok_or_else(|| corrupt("login_locks", &"of another length than 32"))?;
        Ok((key, row.try_into()?))
    };
    found.load(conn)?.into_iter().map(read).collect()
}

fn put(conn: &mut SqliteConnection, row: &LockRow) -> Result<(), Fault> {
    diesel::insert_into(login_locks::table)
        .values(row)
        .on_conflict(login_locks::key)
        .do_update()
        .set(row)
        .execute(conn)?;
    Ok(())
}

fn clear(conn: &mut SqliteConnection, key: &[u8; 32]) -> Result<(), Fault> {
    diesel::delete(login_locks::table.find(key.as_slice())).execute(conn)?;
    Ok(())
}

fn clear_from(conn: &mut SqliteConnection, key: &[u8; 32], failures: u32) -> Result<(), Fault> {
    let many = login_locks::failures.ge(i64::from(failures));
    diesel::delete(login_locks::table.find(key.as_slice()).filter(many)).execute(conn)?;
    Ok(())
}

fn purge(conn: &mut SqliteConnection, old: OldLocks, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM login_locks WHERE key IN
         (SELECT key FROM login_locks
          WHERE last_attempt_at < ?1 AND (failures < ?2 OR last_attempt_at < ?3)
          ORDER BY last_attempt_at LIMIT ?4)",
    )
    .bind::<BigInt, _>(micros(old.before))
    .bind::<BigInt, _>(i64::from(old.closed_at))
    .bind::<BigInt, _>(micros(old.closed_before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
