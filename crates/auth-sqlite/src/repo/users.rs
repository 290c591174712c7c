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
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};

use super::{accounts, entity, sessions::live_of};
use crate::{
    error::Fault,
    row::UserRow,
    runner::{Repositories, Runner},
    schema::users,
};

#[async_trait]
impl<R: Runner> UserRepo for Repositories<R> {
    async fn insert(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        let row = UserRow::from(user);
        self.0.write(move |conn| insert(conn, &row)).await
    }

    async fn by_id(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.0.read(move |conn| by_id(conn, id)).await
    }

    async fn by_email(&mut self, tenant: &TenantId, email: &Email) -> Result<Option<User>, StoreError> {
        let (tenant, email) = (tenant.clone(), email.clone());
        self.0.read(move |conn| by_email(conn, &tenant, &email)).await
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        // A transaction has the only write lock there is: reading the row is enough.
        self.0.read(move |conn| by_id(conn, id)).await
    }

    async fn lock_with_live_sessions(
        &mut self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<(User, Vec<Session>)>, StoreError> {
        let both = move |conn: &mut SqliteConnection| match by_id(conn, id)? {
            Some(user) => Ok(Some((user, live_of(conn, id, now)?))),
            None => Ok(None),
        };
        self.0.read(both).await
    }

    async fn save(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        let row = UserRow::from(user);
        self.0.write(move |conn| save(conn, &row)).await
    }

    async fn page(
        &mut self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let filter = filter.clone();
        self.0.read(move |conn| accounts::page(conn, &filter, after, limit)).await
    }

    async fn counts(
        &mut self,
        tenant: Option<TenantId>,
        since: RecentSince,
    ) -> Result<Vec<UserCounts>, StoreError> {
        self.0.read(move |conn| accounts::counts(conn, tenant.as_ref(), since)).await
    }

    async fn lock_superusers(&mut self) -> Result<Vec<User>, StoreError> {
        // A transaction has the only write lock there is.
        self.0.read(accounts::superusers).await
    }
}

fn insert(conn: &mut SqliteConnection, row: &UserRow) -> Result<Result<(), ExistingAccount>, Fault> {
    let inserted = diesel::insert_into(users::table)
        .values(row)
        .on_conflict((users::tenant, users::email))
        .do_nothing()
        .execute(conn)?;
    Ok(if inserted == 1 { Ok(()) } else { Err(ExistingAccount) })
}

fn by_id(conn: &mut SqliteConnection, id: UserId) -> Result<Option<User>, Fault> {
    entity(users::table.find(id.as_i64()).select(UserRow::as_select()).first(conn).optional()?)
}

pub(super) fn by_email(
    conn: &mut SqliteConnection,
    tenant: &TenantId,
    email: &Email,
) -> Result<Option<User>, Fault> {
    let row = users::table
        .filter(users::tenant.eq(tenant.as_str()))
        .filter(users::email.eq(email.as_str()))
        .select(UserRow::as_select())
        .first(conn)
        .optional()?;
    entity(row)
}

fn save(conn: &mut SqliteConnection, row: &UserRow) -> Result<Result<(), ExistingAccount>, Fault> {
    match diesel::update(users::table.find(row.id)).set(row).execute(conn) {
        Ok(1) => Ok(Ok(())),
        Ok(_) => Err(StoreError::Internal("there is no such account to save".into()).into()),
        // The id does not change, so the address is the only thing that can clash. SQLite takes back
        // the statement alone, the transaction goes on.
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Err(ExistingAccount)),
        Err(error) => Err(error.into()),
    }
}
