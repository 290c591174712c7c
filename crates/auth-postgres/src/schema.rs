//! The columns of each table, in the order every statement names them.

use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};

pub(crate) type Users = (
    BigInt,
    Text,
    Text,
    Bool,
    Nullable<Text>,
    Text,
    Bool,
    Bool,
    Bool,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Timestamptz,
    Timestamptz,
);

/// The columns of [`Users`]; `$table` is the name or alias of the table in the statement.
macro_rules! users {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".tenant, ",
            $table,
            ".email, ",
            $table,
            ".email_verified, ",
            $table,
            ".full_name, ",
            $table,
            ".status, ",
            $table,
            ".superuser, ",
            $table,
            ".application_admin, ",
            $table,
            ".manager, ",
            $table,
            ".password_hash, ",
            $table,
            ".temporary_until, ",
            $table,
            ".last_login_at, ",
            $table,
            ".created_at, ",
            $table,
            ".updated_at"
        )
    };
}
pub(crate) use users;

pub(crate) type Sessions = (
    BigInt,
    Text,
    BigInt,
    Timestamptz,
    Text,
    Timestamptz,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
);

/// The columns of [`Sessions`].
macro_rules! sessions {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".tenant, ",
            $table,
            ".user_id, ",
            $table,
            ".authenticated_at, ",
            $table,
            ".methods, ",
            $table,
            ".created_at, ",
            $table,
            ".last_used_at, ",
            $table,
            ".expires_at, ",
            $table,
            ".ended_at, ",
            $table,
            ".end_reason, ",
            $table,
            ".ip, ",
            $table,
            ".user_agent"
        )
    };
}
pub(crate) use sessions;

pub(crate) type RefreshTokens = (BigInt, BigInt, Binary, Binary, Timestamptz);

/// The columns of [`RefreshTokens`].
macro_rules! refresh_tokens {
    ($table:literal) => {
        concat!(
            $table,
            ".session_id, ",
            $table,
            ".generation, ",
            $table,
            ".digest, ",
            $table,
            ".salt, ",
            $table,
            ".minted_at"
        )
    };
}
pub(crate) use refresh_tokens;

pub(crate) type OneTimeLinks = (Binary, Text, BigInt, Text, Text, Timestamptz, Timestamptz);

/// The columns of [`OneTimeLinks`]; whether a link was used is asked in the statement, not read.
macro_rules! one_time_links {
    () => {
        "digest, tenant, user_id, purpose, email, created_at, expires_at"
    };
}
pub(crate) use one_time_links;

pub(crate) type LoginLocks = (Binary, BigInt, Nullable<Timestamptz>, Timestamptz);

/// The columns of [`LoginLocks`].
macro_rules! login_locks {
    () => {
        "key, failures, locked_until, last_attempt_at"
    };
}
pub(crate) use login_locks;

pub(crate) type SigningKeys = (Text, Text, Binary, Text, Timestamptz, Timestamptz, Nullable<Timestamptz>);

/// The columns of [`SigningKeys`].
macro_rules! signing_keys {
    () => {
        "id, algorithm, private, public_jwk, created_at, activates_at, retires_at"
    };
}
pub(crate) use signing_keys;

pub(crate) type AuditEvents = (
    BigInt,
    Timestamptz,
    Text,
    Text,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
);

/// The columns of [`AuditEvents`].
macro_rules! audit_events {
    () => {
        "seq, at, tenant, event, actor, subject, session, ip, user_agent, request_id, details::text"
    };
}
pub(crate) use audit_events;

pub(crate) type Outbox = (
    BigInt,
    Text,
    Nullable<BigInt>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Timestamptz,
    Timestamptz,
    BigInt,
);

/// The columns of [`Outbox`].
macro_rules! outbox {
    ($table:literal) => {
        concat!(
            $table,
            ".id, ",
            $table,
            ".tenant, ",
            $table,
            ".user_id, ",
            $table,
            ".kind, ",
            $table,
            ".email, ",
            $table,
            ".ip, ",
            $table,
            ".user_agent, ",
            $table,
            ".request_id, ",
            $table,
            ".created_at, ",
            $table,
            ".due_at, ",
            $table,
            ".attempts"
        )
    };
}
pub(crate) use outbox;
