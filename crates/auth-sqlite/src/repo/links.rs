//! One-time links.

use async_trait::async_trait;
use auth_domain::{
    id::UserId,
    port::{LinkRepo, StoreError},
    secret::Digest,
    token::{Link, LinkPurpose},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entity};
use crate::{
    error::Fault,
    row::{LinkRow, micros},
    runner::{Repositories, Runner},
    schema::one_time_links,
};

#[async_trait]
impl<R: Runner> LinkRepo for Repositories<R> {
    async fn replace(&mut self, link: &Link) -> Result<(), StoreError> {
        let row = LinkRow::from(link);
        self.0.write(move |conn| replace(conn, &row)).await
    }

    async fn find(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError> {
        let digest = *digest;
        self.0.read(move |conn| find(conn, &digest, now)).await
    }

    async fn consume(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError> {
        let digest = *digest;
        self.0.write(move |conn| consume(conn, &digest, now)).await
    }

    async fn withdraw(&mut self, user: UserId, purpose: LinkPurpose) -> Result<(), StoreError> {
        self.0.write(move |conn| Ok(withdraw(conn, user.as_i64(), purpose.as_str())?)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

fn replace(conn: &mut SqliteConnection, row: &LinkRow) -> Result<(), Fault> {
    withdraw(conn, row.user_id, &row.purpose)?;
    diesel::insert_into(one_time_links::table).values(row).execute(conn)?;
    Ok(())
}

fn find(conn: &mut SqliteConnection, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, Fault> {
    let row: Option<LinkRow> = one_time_links::table
        .find(digest.as_bytes().as_slice())
        .filter(one_time_links::consumed_at.is_null())
        .filter(one_time_links::expires_at.gt(micros(now)))
        .select(LinkRow::as_select())
        .first(conn)
        .optional()?;
    entity(row)
}

fn consume(conn: &mut SqliteConnection, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, Fault> {
    let usable = one_time_links::table
        .find(digest.as_bytes().as_slice())
        .filter(one_time_links::consumed_at.is_null())
        .filter(one_time_links::expires_at.gt(micros(now)));
    let row: Option<LinkRow> = diesel::update(usable)
        .set(one_time_links::consumed_at.eq(micros(now)))
        .returning(LinkRow::as_returning())
        .get_result(conn)
        .optional()?;
    entity(row)
}

fn withdraw(conn: &mut SqliteConnection, user: i64, purpose: &str) -> QueryResult<()> {
    let unused = one_time_links::table
        .filter(one_time_links::user_id.eq(user))
        .filter(one_time_links::purpose.eq(purpose))
        .filter(one_time_links::consumed_at.is_null());
    diesel::delete(unused).execute(conn).map(drop)
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM one_time_links WHERE digest IN
         (SELECT digest FROM one_time_links WHERE consumed_at < ?1 OR expires_at < ?1 LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
