//! API keys.

use async_trait::async_trait;
use auth_domain::{
    api_key::{ApiKey, KeyOwner},
    id::{ApiKeyId, UserId},
    port::{ApiKeyRepo, StoreError},
    secret::Digest,
    user::User,
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entities, entity};
use crate::{
    error::Fault,
    row::{ApiKeyRow, UserRow, micros},
    runner::{Repositories, Runner},
    schema::{api_keys, users},
};

#[async_trait]
impl<R: Runner> ApiKeyRepo for Repositories<R> {
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let row = ApiKeyRow::from(key);
        self.0.write(move |conn| insert(conn, &row)).await
    }

    async fn with_person(&mut self, digest: &Digest) -> Result<Option<(ApiKey, Option<User>)>, StoreError> {
        let digest = *digest;
        self.0.read(move |conn| with_person(conn, &digest)).await
    }

    async fn list(&mut self, owner: &KeyOwner) -> Result<Vec<ApiKey>, StoreError> {
        let owner = owner.clone();
        self.0.read(move |conn| list(conn, &owner)).await
    }

    async fn revoke(
        &mut self,
        owner: &KeyOwner,
        id: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiKey>, StoreError> {
        let owner = owner.clone();
        self.0.write(move |conn| revoke(conn, &owner, id, at)).await
    }

    async fn revoke_all(&mut self, person: UserId, at: DateTime<Utc>) -> Result<u64, StoreError> {
        self.0.write(move |conn| revoke_all(conn, person, at)).await
    }

    async fn touch(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.write(move |conn| touch(conn, id, at)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

fn insert(conn: &mut SqliteConnection, row: &ApiKeyRow) -> Result<(), Fault> {
    diesel::insert_into(api_keys::table).values(row).execute(conn)?;
    Ok(())
}

fn with_person(
    conn: &mut SqliteConnection,
    digest: &Digest,
) -> Result<Option<(ApiKey, Option<User>)>, Fault> {
    let found: Option<(ApiKeyRow, Option<UserRow>)> = api_keys::table
        .left_join(users::table)
        .filter(api_keys::digest.eq(digest.as_bytes().as_slice()))
        .select((ApiKeyRow::as_select(), Option::<UserRow>::as_select()))
        .first(conn)
        .optional()?;
    let Some((key, person)) = found else { return Ok(None) };
    Ok(Some((key.try_into()?, entity(person)?)))
}

fn list(conn: &mut SqliteConnection, owner: &KeyOwner) -> Result<Vec<ApiKey>, Fault> {
    let newest_first = api_keys::table.select(ApiKeyRow::as_select()).order(api_keys::id.desc());
    let rows: Vec<ApiKeyRow> = match owner {
        KeyOwner::Person(user) => newest_first.filter(api_keys::user_id.eq(user.as_i64())).load(conn)?,
        KeyOwner::Tenant(tenant) => newest_first
            .filter(api_keys::tenant.eq(tenant.as_str()).and(api_keys::user_id.is_null()))
            .load(conn)?,
    };
    entities(rows)
}

fn revoke(
    conn: &mut SqliteConnection,
    owner: &KeyOwner,
    id: ApiKeyId,
    at: DateTime<Utc>,
) -> Result<Option<ApiKey>, Fault> {
    let live = api_keys::table.find(id.as_i64()).filter(api_keys::revoked_at.is_null());
    let revoked = api_keys::revoked_at.eq(micros(at));
    let row: Option<ApiKeyRow> = match owner {
        KeyOwner::Person(user) => diesel::update(live.filter(api_keys::user_id.eq(user.as_i64())))
            .set(revoked)
            .returning(ApiKeyRow::as_returning())
            .get_result(conn)
            .optional()?,
        KeyOwner::Tenant(tenant) => {
            let of_tenant = live.filter(api_keys::tenant.eq(tenant.as_str()));
            diesel::update(of_tenant.filter(api_keys::user_id.is_null()))
                .set(revoked)
                .returning(ApiKeyRow::as_returning())
                .get_result(conn)
                .optional()?
        }
    };
    entity(row)
}

fn revoke_all(conn: &mut SqliteConnection, person: UserId, at: DateTime<Utc>) -> Result<u64, Fault> {
    let theirs = api_keys::table.filter(api_keys::user_id.eq(person.as_i64()));
    let revoked = diesel::update(theirs.filter(api_keys::revoked_at.is_null()))
        .set(api_keys::revoked_at.eq(micros(at)))
        .execute(conn)?;
    Ok(count(revoked))
}

fn touch(conn: &mut SqliteConnection, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), Fault> {
    // Never goes back: parallel requests arrive in any order.
    let last = api_keys::last_used_at;
    let older = api_keys::table.find(id.as_i64()).filter(last.is_null().or(last.lt(micros(at))));
    diesel::update(older).set(last.eq(micros(at))).execute(conn)?;
    Ok(())
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM api_keys WHERE id IN
         (SELECT id FROM api_keys WHERE revoked_at < ?1 OR expires_at < ?1 LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
