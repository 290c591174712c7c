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
    Bool,
    Bool,
    Nullable<Text>,
    Nullable<Text>,
    Bool,
);

/// The columns of [`Users`], of a table called `u` in the statement.
macro_rules! users {
    () => {
        "u.id, u.tenant, u.email, u.email_verified, u.full_name, u.status, u.superuser, \
         u.application_admin, u.manager, u.password_hash, u.temporary_until, u.last_login_at, \
         u.created_at, u.updated_at, u.totp, u.sms_enabled, u.phone_number, u.phone_pending, u.email_factor"
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
    Nullable<Timestamptz>,
);

/// The columns of [`Sessions`], of a table called `s` in the statement.
macro_rules! sessions {
    () => {
        "s.id, s.tenant, s.user_id, s.authenticated_at, s.methods, s.created_at, s.last_used_at, \
         s.expires_at, s.ended_at, s.end_reason, s.ip, s.user_agent, s.second_factor_at"
    };
}
pub(crate) use sessions;

pub(crate) type RefreshTokens = (BigInt, BigInt, Binary, Binary, Timestamptz);

/// The columns of [`RefreshTokens`], of a table called `t` in the statement.
macro_rules! refresh_tokens {
    () => {
        "t.session_id, t.generation, t.digest, t.salt, t.minted_at"
    };
}
pub(crate) use refresh_tokens;

/// The same of the token that follows, called `n`.
macro_rules! successors {
    () => {
        "n.session_id, n.generation, n.digest, n.salt, n.minted_at"
    };
}
pub(crate) use successors;

pub(crate) type OneTimeLinks = (Binary, Text, BigInt, Text, Text, Timestamptz, Timestamptz);

/// The columns of [`OneTimeLinks`]; whether a link was used is asked in the statement, not read.
macro_rules! one_time_links {
    () => {
        "digest, tenant, user_id, purpose, email, created_at, expires_at"
    };
}
pub(crate) use one_time_links;

pub(crate) type TotpSecrets =
    (BigInt, Nullable<Binary>, Nullable<BigInt>, Nullable<Binary>, Nullable<Timestamptz>);

/// The columns of [`TotpSecrets`].
macro_rules! totp_secrets {
    () => {
        "user_id, secret, last_step, pending, pending_since"
    };
}
pub(crate) use totp_secrets;

pub(crate) type RecoveryCodes = (Binary, BigInt, Timestamptz, Nullable<Timestamptz>);

/// The columns of [`RecoveryCodes`].
macro_rules! recovery_codes {
    () => {
        "digest, user_id, created_at, used_at"
    };
}
pub(crate) use recovery_codes;

pub(crate) type TrustedDevices =
    (BigInt, BigInt, Binary, Text, Nullable<Text>, Nullable<Text>, Nullable<Text>, Timestamptz, Timestamptz);

/// The columns of [`TrustedDevices`].
macro_rules! trusted_devices {
    () => {
        "id, user_id, fingerprint, method, ip, user_agent, platform, verified_at, expires_at"
    };
}
pub(crate) use trusted_devices;

pub(crate) type LinkedIdentities =
    (BigInt, BigInt, Text, Text, Timestamptz, Timestamptz, Timestamptz, Nullable<Binary>, Nullable<Binary>);

/// The columns of [`LinkedIdentities`], of a table called `l` in the statement.
macro_rules! linked_identities {
    () => {
        "l.id, l.user_id, l.issuer, l.subject, l.linked_at, l.proved_at, l.checked_at, l.grant_sealed, \
         l.migrated"
    };
}
pub(crate) use linked_identities;

pub(crate) type KnownDevices =
    (Binary, BigInt, Timestamptz, Timestamptz, Timestamptz, BigInt, BigInt, Nullable<Timestamptz>);

/// The columns of [`KnownDevices`].
macro_rules! known_devices {
    () => {
        "digest, user_id, created_at, last_used_at, expires_at, failures, recent_failures, last_attempt_at"
    };
}
pub(crate) use known_devices;

pub(crate) type ApiKeys = (
    BigInt,
    Text,
    Nullable<BigInt>,
    BigInt,
    Text,
    Text,
    Binary,
    Text,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
);

/// The columns of [`ApiKeys`], of a table called `k` in the statement.
macro_rules! api_keys {
    () => {
        "k.id, k.tenant, k.user_id, k.made_by, k.name, k.prefix, k.digest, k.scopes, k.created_at, \
         k.expires_at, k.last_used_at, k.revoked_at"
    };
}
pub(crate) use api_keys;

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

/// The columns of an entry as it is, of a table called `e` in the statement.
pub(crate) type StoredEvents = (
    BigInt,
    Timestamptz,
    Text,
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

/// The columns of [`StoredEvents`].
macro_rules! stored_events {
    () => {
        "e.seq, e.at, e.tenant, e.event, e.outcome, e.actor, e.subject, e.session, e.ip, e.user_agent, \
         e.request_id, e.details::text"
    };
}
pub(crate) use stored_events;

pub(crate) type AuditChain = (BigInt, BigInt, Timestamptz, Binary, Nullable<Binary>, Nullable<Binary>);

/// The columns of [`AuditChain`], of a table called `c` in the statement.
macro_rules! audit_chain {
    () => {
        "c.position, c.seq, c.at, c.hash, c.client, c.salt"
    };
}
pub(crate) use audit_chain;

pub(crate) type AuditCheckpoints = (BigInt, Text, BigInt, Binary, Timestamptz, Binary, Binary);

/// The columns of [`AuditCheckpoints`].
macro_rules! audit_checkpoints {
    () => {
        "number, kind, position, hash, at, key, signature"
    };
}
pub(crate) use audit_checkpoints;

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
    Nullable<Binary>,
    Nullable<Binary>,
);

/// The columns of [`Outbox`], of a table called `o` in the statement.
macro_rules! outbox {
    () => {
        "o.id, o.tenant, o.user_id, o.kind, o.email, o.ip, o.user_agent, o.request_id, \
         o.created_at, o.due_at, o.attempts, o.once, o.sealed"
    };
}
pub(crate) use outbox;
