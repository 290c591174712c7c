//! Signing keys.

use async_trait::async_trait;
use auth_domain::{
    port::{KeyRepo, StoreError},
    token::{KeyId, SigningKey},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::entities;
use crate::{
    error::Fault,
    row::{KeyRow, micros},
    runner::{Repositories, Runner},
    schema::signing_keys,
};

#[async_trait]
impl<R: Runner> KeyRepo for Repositories<R> {
    async fn insert(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        let row = KeyRow::from(key);
        self.0.write(move |conn| insert(conn, &row)).await
    }

    async fn all(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        self.0.read(all).await
    }

    async fn retire(&mut self, id: &KeyId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let id = id.clone();
        self.0.write(move |conn| retire(conn, &id, at)).await
    }

    async fn delete(&mut self, id: &KeyId) -> Result<(), StoreError> {
        let id = id.clone();
        self.0.write(move |conn| delete(conn, &id)).await
    }
}

fn insert(conn: &mut SqliteConnection, row: &KeyRow) -> Result<(), Fault> {
    diesel::insert_into(signing_keys::table).values(row).execute(conn)?;
    Ok(())
}

fn all(conn: &mut SqliteConnection) -> Result<Vec<SigningKey>, Fault> {
    let rows: Vec<KeyRow> = signing_keys::table
        .order((signing_keys::created_at, signing_keys::id))
        .select(KeyRow::as_select())
        .load(conn)?;
    entities(rows)
}

fn retire(conn: &mut SqliteConnection, id: &KeyId, at: DateTime<Utc>) -> Result<(), Fault> {
    diesel::update(signing_keys::table.find(id.as_str()))
        .set(signing_keys::retires_at.eq(micros(at)))
        .execute(conn)?;
    Ok(())
}

fn delete(conn: &mut SqliteConnection, id: &KeyId) -> Result<(), Fault> {
    diesel::delete(signing_keys::table.find(id.as_str())).execute(conn)?;
    Ok(())
}
