//! Sealed values, wherever they are.

use async_trait::async_trait;
use auth_domain::{
    id::{IdentityId, OutboxId, UserId},
    port::{SealedPlace, SealedRepo, SealedRow, SealedValue, StoreError},
    secret::{SealLabel, Sealed},
    token::KeyId,
};
use diesel::sql_types::{BigInt, Binary, Text};

use crate::{
    error::corrupt,
    exchange::{Count, Find},
    runner::{Access, Repositories, Runner},
    statement::{Statement, Value},
};

#[async_trait]
impl<R: Runner> SealedRepo for Repositories<R> {
    async fn labels(&mut self, place: SealedPlace) -> Result<Vec<SealLabel>, StoreError> {
        let find = Find::<Binary, Vec<u8>>::new(Statement::new(texts(place).labels));
        let read = |bytes: &Vec<u8>| {
            let bytes = bytes.as_slice().try_into().map_err(|_| corrupt(place.as_str(), &"too short"))?;
            Ok(SealLabel::from_bytes(bytes))
        };
        self.0.ask(Access::Read, Vec::new(), find, |rows| rows.iter().map(read).collect()).await
    }

    async fn count(&mut self, place: SealedPlace, label: SealLabel) -> Result<u64, StoreError> {
        let count = Statement::new(texts(place).count).with(label.as_bytes().as_slice());
        let first = |rows: Vec<i64>| Ok(rows.first().map_or(0, |&n| u64::try_from(n).unwrap_or_default()));
        self.0.ask(Access::Read, Vec::new(), Find::<BigInt, i64>::new(count), first).await
    }

    async fn page(
        &mut self,
        place: SealedPlace,
        label: SealLabel,
        after: Option<SealedRow>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let page = Statement::new(texts(place).page).with(label.as_bytes().as_slice());
        let page = page.with(position(place, after)).with(limit);
        match place {
            SealedPlace::Totp | SealedPlace::PendingTotp => {
                let find = Find::<(BigInt, Binary), (i64, Vec<u8>)>::new(page);
                let row = |id| SealedRow::User(UserId::from_i64(id));
                self.0.ask(Access::Read, Vec::new(), find, |rows| Ok(values(rows, row))).await
            }
            SealedPlace::Grant => {
                let find = Find::<(BigInt, Binary), (i64, Vec<u8>)>::new(page);
                let row = |id| SealedRow::Identity(IdentityId::from_i64(id));
                self.0.ask(Access::Read, Vec::new(), find, |rows| Ok(values(rows, row))).await
            }
            SealedPlace::Message => {
                let find = Find::<(BigInt, Binary), (i64, Vec<u8>)>::new(page);
                let row = |id| SealedRow::Message(OutboxId::from_i64(id));
                self.0.ask(Access::Read, Vec::new(), find, |rows| Ok(values(rows, row))).await
            }
            SealedPlace::SigningKey => {
                let find = Find::<(Text, Binary), (String, Vec<u8>)>::new(page);
                let row = |id| SealedRow::Key(KeyId::new(id));
                self.0.ask(Access::Read, Vec::new(), find, |rows| Ok(values(rows, row))).await
            }
        }
    }

    async fn replace(
        &mut self,
        place: SealedPlace,
        found: &SealedValue,
        fresh: &Sealed,
    ) -> Result<bool, StoreError> {
        let replace = Statement::new(texts(place).replace)
            .with(fresh.as_bytes())
            .with(key(&found.row))
            .with(found.sealed.as_bytes());
        self.0.ask(Access::Write, Vec::new(), Count(replace), |rows| Ok(rows == 1)).await
    }
}

fn values<K>(rows: Vec<(K, Vec<u8>)>, row: impl Fn(K) -> SealedRow) -> Vec<SealedValue> {
    let value = |(key, bytes)| SealedValue { row: row(key), sealed: Sealed::from_bytes(bytes) };
    rows.into_iter().map(value).collect()
}

fn key(row: &SealedRow) -> Value {
    match row {
        SealedRow::User(user) => user.as_i64().into(),
        SealedRow::Key(key) => key.as_str().into(),
        SealedRow::Identity(identity) => identity.as_i64().into(),
        SealedRow::Message(message) => message.as_i64().into(),
    }
}

/// Behind which key a page begins.
fn position(place: SealedPlace, after: Option<SealedRow>) -> Value {
    match (place, after) {
        (_, Some(row)) => key(&row),
        (SealedPlace::SigningKey, None) => "".into(),
        (_, None) => i64::MIN.into(),
    }
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
                "SELECT count(*) FROM ",
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
                ", ",
                $column,
                " FROM ",
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
