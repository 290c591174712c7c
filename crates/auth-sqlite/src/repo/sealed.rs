//! Sealed values, wherever they are.

use async_trait::async_trait;
use auth_domain::{
    id::{IdentityId, OutboxId, UserId},
    port::{SealedPlace, SealedRepo, SealedRow, SealedValue, StoreError},
    secret::{SealLabel, Sealed},
    token::KeyId,
};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary, Text},
};

use crate::{
    error::{Fault, corrupt},
    runner::{Repositories, Runner},
};

#[async_trait]
impl<R: Runner> SealedRepo for Repositories<R> {
    async fn labels(&mut self, place: SealedPlace) -> Result<Vec<SealLabel>, StoreError> {
        self.0.read(move |conn| labels(conn, place)).await
    }

    async fn count(&mut self, place: SealedPlace, label: SealLabel) -> Result<u64, StoreError> {
        self.0.read(move |conn| count(conn, place, label)).await
    }

    async fn page(
        &mut self,
        place: SealedPlace,
        label: SealLabel,
        after: Option<SealedRow>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        self.0.read(move |conn| page(conn, place, label, after.as_ref(), limit)).await
    }

    async fn replace(
        &mut self,
        place: SealedPlace,
        found: &SealedValue,
        fresh: &Sealed,
    ) -> Result<bool, StoreError> {
        let (found, fresh) = (found.clone(), fresh.clone());
        self.0.write(move |conn| replace(conn, place, &found, &fresh)).await
    }
}

#[derive(QueryableByName)]
struct LabelRow {
    #[diesel(sql_type = Binary)]
    label: Vec<u8>,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    owner: i64,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

fn labels(conn: &mut SqliteConnection, place: SealedPlace) -> Result<Vec<SealLabel>, Fault> {
    let rows: Vec<LabelRow> = sql_query(texts(place).labels).load(conn)?;
    let read = |row: LabelRow| match row.label.as_slice().try_into() {
        Ok(bytes) => Ok(SealLabel::from_bytes(bytes)),
        Err(_) => Err(corrupt(place.as_str(), &"too short").into()),
    };
    rows.into_iter().map(read).collect()
}

fn count(conn: &mut SqliteConnection, place: SealedPlace, label: SealLabel) -> Result<u64, Fault> {
    let query = sql_query(texts(place).count).bind::<Binary, _>(label.as_bytes().to_vec());
    Ok(u64::try_from(query.get_result::<CountRow>(conn)?.count).unwrap_or_default())
}

fn page(
    conn: &mut SqliteConnection,
    place: SealedPlace,
    label: SealLabel,
    after: Option<&SealedRow>,
    limit: u32,
) -> Result<Vec<SealedValue>, Fault> {
    let query = sql_query(texts(place).page).bind::<Binary, _>(label.as_bytes().to_vec());
    let limit = i64::from(limit);
    match place {
        SealedPlace::Totp | SealedPlace::PendingTotp => {
            let after = if let Some(SealedRow::User(user)) = after { user.as_i64() } else { i64::MIN };
            let rows: Vec<NumberRow> = query.bind::<BigInt, _>(after).bind::<BigInt, _>(limit).load(conn)?;
            let row = |row: NumberRow| (SealedRow::User(UserId::from_i64(row.owner)), row.sealed);
            Ok(rows.into_iter().map(row).map(value).collect())
        }
        SealedPlace::Grant => {
            let after = if let Some(SealedRow::Identity(id)) = after { id.as_i64() } else { i64::MIN };
            let rows: Vec<NumberRow> = query.bind::<BigInt, _>(after).bind::<BigInt, _>(limit).load(conn)?;
            let row = |row: NumberRow| (SealedRow::Identity(IdentityId::from_i64(row.owner)), row.sealed);
            Ok(rows.into_iter().map(row).map(value).collect())
        }
        SealedPlace::Message => {
            let after = if let Some(SealedRow::Message(id)) = after { id.as_i64() } else { i64::MIN };
            let rows: Vec<NumberRow> = query.bind::<BigInt, _>(after).bind::<BigInt, _>(limit).load(conn)?;
            let row = |row: NumberRow| (SealedRow::Message(OutboxId::from_i64(row.owner)), row.sealed);
            Ok(rows.into_iter().map(row).map(value).collect())
        }
        SealedPlace::SigningKey => {
            let after = if let Some(SealedRow::Key(key)) = after { key.as_str() } else { "" };
            let rows: Vec<KeyRow> = query.bind::<Text, _>(after).bind::<BigInt, _>(limit).load(conn)?;
            let row = |row: KeyRow| (SealedRow::Key(KeyId::new(row.owner)), row.sealed);
            Ok(rows.into_iter().map(row).map(value).collect())
        }
    }
}

fn value((row, bytes): (SealedRow, Vec<u8>)) -> SealedValue {
    SealedValue { row, sealed: Sealed::from_bytes(bytes) }
}

fn replace(
    conn: &mut SqliteConnection,
    place: SealedPlace,
    found: &SealedValue,
    fresh: &Sealed,
) -> Result<bool, Fault> {
    let query = sql_query(texts(place).replace).bind::<Binary, _>(fresh.as_bytes());
    let rows = match &found.row {
        SealedRow::User(user) => {
            query.bind::<BigInt, _>(user.as_i64()).bind::<Binary, _>(found.sealed.as_bytes()).execute(conn)?
        }
        SealedRow::Identity(id) => {
            query.bind::<BigInt, _>(id.as_i64()).bind::<Binary, _>(found.sealed.as_bytes()).execute(conn)?
        }
        SealedRow::Message(id) => {
            query.bind::<BigInt, _>(id.as_i64()).bind::<Binary, _>(found.sealed.as_bytes()).execute(conn)?
        }
        SealedRow::Key(key) => {
            query.bind::<Text, _>(key.as_str()).bind::<Binary, _>(found.sealed.as_bytes()).execute(conn)?
        }
    };
    Ok(rows == 1)
}

/// The statements about a place.
struct Texts {
    labels: &'static str,
    count: &'static str,
    page: &'static str,
    replace: &'static str,
}

/// `labels` jumps from one label to the next in the index, and reads none of the values between them.
macro_rules! texts {
    ($table:literal, $key:literal, $column:literal) => {
        Texts {
            labels: concat!(
                "WITH RECURSIVE labels (label) AS (SELECT (SELECT substr(",
                $column,
                ", 1, 5) FROM ",
                $table,
                " WHERE ",
                $column,
                " IS NOT NULL ORDER BY 1 LIMIT 1) UNION ALL SELECT (SELECT substr(",
                $column,
                ", 1, 5) FROM ",
                $table,
                " WHERE ",
                $column,
                " IS NOT NULL AND substr(",
                $column,
                ", 1, 5) > label ORDER BY 1 LIMIT 1) FROM labels WHERE label IS NOT NULL) \
                 SELECT label FROM labels WHERE label IS NOT NULL"
            ),
            count: concat!(
                "SELECT count(*) AS count FROM ",
                $table,
                " WHERE ",
                $column,
                " IS NOT NULL AND substr(",
                $column,
                ", 1, 5) = ?"
            ),
            page: concat!(
                "SELECT ",
                $key,
                " AS owner, ",
                $column,
                " AS sealed FROM ",
                $table,
                " WHERE ",
                $column,
                " IS NOT NULL AND substr(",
                $column,
                ", 1, 5) = ? AND ",
                $key,
                " > ? ORDER BY ",
                $key,
                " LIMIT ?"
            ),
            replace: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = ? WHERE ",
                $key,
                " = ? AND ",
                $column,
                " = ?"
            ),
        }
    };
}

const fn texts(place: SealedPlace) -> Texts {
    match place {
        SealedPlace::Totp => texts!("totp_secrets", "user_id", "secret"),
        SealedPlace::PendingTotp => texts!("totp_secrets", "user_id", "pending"),
        SealedPlace::SigningKey => texts!("signing_keys", "id", "private"),
        SealedPlace::Grant => texts!("linked_identities", "id", "grant_sealed"),
        SealedPlace::Message => texts!("outbox", "id", "sealed"),
    }
}
