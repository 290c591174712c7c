//! Accounts.

use async_trait::async_trait;
use auth_domain::{
    id::UserId,
    port::{ExistingAccount, RecentSince, StoreError, UserCounts, UserFilter, UserRepo},
    session::Session,
    tenant::TenantId,
    user::{Email, User},
};
use chrono::{DateTime, Utc};
use diesel::sql_types::Bool;

use super::{accounts, entities, entity, sessions::live_of};
use crate::{
    exchange::{Count, Find},
    row::{UserRow, user_values},
    runner::{Access, Repositories, Runner},
    schema::{Users, users},
    statement::{Statement, Value},
};

#[async_trait]
impl<R: Runner> UserRepo for Repositories<R> {
    async fn insert(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        let insert = Count(Statement::new(INSERT).with_all(user_values(user)));
        let inserted = |rows| Ok(if rows == 1 { Ok(()) } else { Err(ExistingAccount) });
        self.0.ask(Access::Write, Vec::new(), insert, inserted).await
    }

    async fn by_id(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let find = Find::<Users, UserRow>::new(Statement::new(BY_ID).with(id.as_i64()));
        self.0.ask(Access::Read, Vec::new(), find, entity).await
    }

    async fn by_email(&mut self, tenant: &TenantId, email: &Email) -> Result<Option<User>, StoreError> {
        self.0.ask(Access::Read, Vec::new(), by_email(tenant, email), entity).await
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let user = self.0.ask(Access::Read, Vec::new(), lock(id), entity).await?;
        if let Some(user) = &user {
            self.0.locked(user);
        }
        Ok(user)
    }

    async fn lock_with_live_sessions(
        &mut self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<(User, Vec<Session>)>, StoreError> {
        let both = (lock(id), live_of(id, now));
        let (user, live): (Option<User>, _) = self
            .0
            .ask(Access::Read, Vec::new(), both, |(users, live)| Ok((entity(users)?, entities(live)?)))
            .await?;
        if let Some(user) = &user {
            self.0.locked(user);
        }
        Ok(user.map(|user| (user, live)))
    }

    async fn save(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        if self.0.keeps_address(user) {
            // Nothing can be in the way, so nobody waits for the answer.
            self.0.tell(vec![save(SAVE, user).touching_one()]).await?;
            return Ok(Ok(()));
        }
        let id = Value::from(user.id.as_i64());
        let address = [user.tenant.as_str().into(), (&user.email).into(), id.clone()];
        let moved = Statement::new(MOVE).with_all(address).with_all(all_but_id(user)).with(user.id.as_i64());
        let found = Find::<(Bool, Bool), (bool, bool)>::new(moved);
        let saved = self.0.ask(Access::Write, Vec::new(), found, |rows| move_outcome(&rows)).await?;
        self.0.locked(user);
        Ok(saved)
    }

    async fn page(
        &mut self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let find = Find::<Users, UserRow>::new(accounts::page(filter, after, limit));
        self.0.ask(Access::Read, Vec::new(), find, entities).await
    }

    async fn counts(
        &mut self,
        tenant: Option<TenantId>,
        since: RecentSince,
    ) -> Result<Vec<UserCounts>, StoreError> {
        let find = accounts::counts(tenant.as_ref(), since);
        self.0.ask(Access::Read, Vec::new(), find, accounts::counted).await
    }

    async fn lock_superusers(&mut self) -> Result<Vec<User>, StoreError> {
        let found: Vec<User> =
            self.0.ask(Access::Read, Vec::new(), accounts::lock_superusers(), entities).await?;
        for user in &found {
            self.0.locked(user);
        }
        Ok(found)
    }
}

/// What became of a move: whether the address was taken, and whether the account was written.
fn move_outcome(rows: &[(bool, bool)]) -> Result<Result<(), ExistingAccount>, StoreError> {
    match rows.first() {
        Some((false, true)) => Ok(Ok(())),
        Some((true, false)) => Ok(Err(ExistingAccount)),
        _ => Err(StoreError::Internal("there is no such account to save".into())),
    }
}

fn save(text: &'static str, user: &User) -> Statement {
    Statement::new(text).with_all(all_but_id(user)).with(user.id.as_i64())
}

fn all_but_id(user: &User) -> impl Iterator<Item = Value> {
    user_values(user).into_iter().skip(1)
}

pub(super) fn by_email(tenant: &TenantId, email: &Email) -> Find<Users, UserRow> {
    Find::new(Statement::new(BY_EMAIL).with(tenant.as_str()).with(email))
}

fn lock(id: UserId) -> Find<Users, UserRow> {
    Find::new(Statement::new(LOCK).with(id.as_i64()))
}

const INSERT: &str = "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, email) DO NOTHING";

const BY_ID: &str = concat!("SELECT ", users!(), " FROM users u WHERE u.id = ?");

const BY_EMAIL: &str = concat!("SELECT ", users!(), " FROM users u WHERE u.tenant = ? AND u.email = ?");

/// Not `FOR UPDATE`, which would make a session or link of the account wait as well.
const LOCK: &str = concat!("SELECT ", users!(), " FROM users u WHERE u.id = ? FOR NO KEY UPDATE");

const SAVE: &str = "UPDATE users SET tenant = ?, email = ?, email_verified = ?, full_name = ?, status = ?,
     superuser = ?, application_admin = ?, manager = ?, password_hash = ?, temporary_until = ?,
     last_login_at = ?, created_at = ?, updated_at = ?, totp = ?, sms_enabled = ?,
     phone_number = ?, phone_pending = ?, email_factor = ? WHERE id = ?";

/// Looks before it writes, so that a taken address is no failure. Two accounts that move to one address
/// at once can both find it free; then the index refuses the second, which is a conflict.
const MOVE: &str = "WITH taken AS (SELECT 1 FROM users WHERE tenant = ? AND email = ? AND id <> ?),
     saved AS (
         UPDATE users SET tenant = ?, email = ?, email_verified = ?, full_name = ?, status = ?,
         superuser = ?, application_admin = ?, manager = ?, password_hash = ?, temporary_until = ?,
         last_login_at = ?, created_at = ?, updated_at = ?, totp = ?, sms_enabled = ?,
         phone_number = ?, phone_pending = ?, email_factor = ?
         WHERE id = ? AND NOT EXISTS (SELECT 1 FROM taken)
         RETURNING 1
     )
     SELECT EXISTS (SELECT 1 FROM taken), EXISTS (SELECT 1 FROM saved)";
