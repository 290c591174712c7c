//! How arguments are read.

use auth_domain::{
    audit::{AuditEvent, AuditKey, ChainHead},
    id::{OutboxId, UserId},
    user::{Role, UserSearch, UserStatus},
};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Reads the id of a message.
pub(super) fn outbox_id(text: &str) -> Result<OutboxId, &'static str> {
    text.parse().map_err(|_| "expected an id as `outbox list` shows it")
}

/// Reads the id of an account.
pub(super) fn user_id(text: &str) -> Result<UserId, &'static str> {
    text.parse().map_err(|_| "expected a number")
}

/// Reads a public key of the audit log.
pub(super) fn audit_key(text: &str) -> Result<AuditKey, &'static str> {
    text.parse().map_err(|_| "expected 64 hexadecimal digits")
}

/// Reads a place in the chain.
pub(super) fn chain_head(text: &str) -> Result<ChainHead, &'static str> {
    let read = |text: &str| {
        let (position, hash) = text.split_once(':')?;
        Some(ChainHead { position: position.parse().ok()?, hash: hash.parse().ok()? })
    };
    read(text).ok_or("expected a position, a colon and 64 hexadecimal digits")
}

/// Reads the name of an event, and lists all of them in errors.
pub(super) fn audit_event() -> impl TypedValueParser<Value = AuditEvent> {
    PossibleValuesParser::new(AuditEvent::ALL.iter().map(|event| event.as_str()))
        .try_map(|name| name.parse::<AuditEvent>())
}

/// Reads a role, and lists all of them in help and errors.
pub(super) fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| name.parse::<Role>())
}

/// Reads the state of an account, and lists all of them in help and errors.
pub(super) fn status() -> impl TypedValueParser<Value = UserStatus> {
    PossibleValuesParser::new(UserStatus::ALL.map(UserStatus::as_str))
        .try_map(|name| name.parse::<UserStatus>())
}

/// Reads the beginning of an address or a name.
pub(super) fn search(text: &str) -> Result<UserSearch, String> {
    let search = UserSearch::parse(text).map_err(|error| error.to_string())?;
    search.ok_or_else(|| "expected the beginning of an address or a name".to_owned())
}
