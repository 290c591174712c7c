//! Statements: fixed text, values of their own, prepared once per connection.
//!
//! diesel prepares an `UPDATE` and some `INSERT`s anew each time, which costs a round trip of its own.
//! A [`Statement`] says nothing against caching, so diesel-async keeps it by its text.

use std::marker::PhantomData;

use auth_domain::{secret::Digest, user::Email};
use chrono::{DateTime, Utc};
use diesel::{
    pg::{Pg, data_types::PgTimestamp},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz},
};

use crate::row::timestamp;

/// A value for one place of a statement.
#[derive(Clone)]
pub(crate) enum Value {
    Bool(bool),
    BigInt(i64),
    NullableBigInt(Option<i64>),
    Text(String),
    NullableText(Option<String>),
    Binary(Vec<u8>),
    NullableBinary(Option<Vec<u8>>),
    Binaries(Vec<Vec<u8>>),
    NullableBinaries(Vec<Option<Vec<u8>>>),
    BigInts(Vec<i64>),
    NullableTexts(Vec<Option<String>>),
    Times(Vec<PgTimestamp>),
    Time(PgTimestamp),
    NullableTime(Option<PgTimestamp>),
}

/// A text with a `?` for each value. No `Debug`: values can be password hashes.
#[derive(Clone)]
pub(crate) struct Statement {
    text: &'static str,
    values: Vec<Value>,
    /// Whether it is an error if it does not touch exactly one row.
    pub(crate) touches_one: bool,
}

impl Statement {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, values: Vec::new(), touches_one: false }
    }

    /// Gives the next `?` its value.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Gives the next places their values.
    pub(crate) fn with_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    pub(crate) const fn touching_one(mut self) -> Self {
        self.touches_one = true;
        self
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut pieces = self.text.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        let mut values = self.values.iter();
        for piece in pieces {
            match values.next() {
                None => return Err(diesel::result::Error::QueryBuilderError("a value is missing".into())),
                Some(Value::Bool(value)) => out.push_bind_param::<Bool, _>(value)?,
                Some(Value::BigInt(value)) => out.push_bind_param::<BigInt, _>(value)?,
                Some(Value::NullableBigInt(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Some(Value::Text(value)) => out.push_bind_param::<Text, _>(value)?,
                Some(Value::NullableText(value)) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Some(Value::Binary(value)) => out.push_bind_param::<Binary, _>(value)?,
                Some(Value::NullableBinary(value)) => out.push_bind_param::<Nullable<Binary>, _>(value)?,
                Some(Value::Binaries(value)) => out.push_bind_param::<Array<Binary>, _>(value)?,
                Some(Value::NullableBinaries(value)) => {
                    out.push_bind_param::<Array<Nullable<Binary>>, _>(value)?;
                }
                Some(Value::BigInts(value)) => out.push_bind_param::<Array<BigInt>, _>(value)?,
                Some(Value::NullableTexts(value)) => {
                    out.push_bind_param::<Array<Nullable<Text>>, _>(value)?;
                }
                Some(Value::Times(value)) => out.push_bind_param::<Array<Timestamptz>, _>(value)?,
                Some(Value::Time(value)) => out.push_bind_param::<Timestamptz, _>(value)?,
                Some(Value::NullableTime(value)) => out.push_bind_param::<Nullable<Timestamptz>, _>(value)?,
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    /// One type, many texts: the text is the key.
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A statement that answers with rows of the columns `ST`.
pub(crate) struct Rows<'a, ST>(pub(crate) &'a Statement, pub(crate) PhantomData<fn() -> ST>);

impl<ST> QueryFragment<Pg> for Rows<'_, ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl<ST> QueryId for Rows<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Rows<'_, ST> {
    type SqlType = ST;
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr;)+) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )+};
}

values! {
    bool => |value| Self::Bool(value);
    i64 => |value| Self::BigInt(value);
    u32 => |value| Self::BigInt(value.into());
    Option<i64> => |value| Self::NullableBigInt(value);
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    Option<String> => |value| Self::NullableText(value);
    &Email => |value| Self::Text(value.as_str().to_owned());
    &[u8] => |value| Self::Binary(value.to_vec());
    &Digest => |value| Self::Binary(value.as_bytes().to_vec());
    &[Digest] => |value| Self::Binaries(value.iter().map(|digest| digest.as_bytes().to_vec()).collect());
    Option<Vec<u8>> => |value| Self::NullableBinary(value);
    Option<Digest> => |value| Self::NullableBinary(value.map(|digest| digest.as_bytes().to_vec()));
    Vec<Vec<u8>> => |value| Self::Binaries(value);
    Vec<Option<Vec<u8>>> => |value| Self::NullableBinaries(value);
    Vec<i64> => |value| Self::BigInts(value);
    Vec<Option<String>> => |value| Self::NullableTexts(value);
    Vec<PgTimestamp> => |value| Self::Times(value);
    DateTime<Utc> => |value| Self::Time(timestamp(value));
    Option<DateTime<Utc>> => |value| Self::NullableTime(value.map(timestamp));
}
