//! Everything that is kept about a person, as JSON. Nothing in it opens anything: neither hashes nor digests nor
//! sealed secrets.

use auth_domain::{
    api_key::{ApiKey, Scope},
    audit::AuditEntry,
    client::UserAgent,
    factor::TrustedDevice,
    guard::{known_device::KnownDevice, lockout::LockState},
    id::{SessionId, UserId},
    outbox::OutboxItem,
    port::{Fate, Record, RecordKind, StoredTotp},
    session::{Session, rotation::Generation},
    token::Link,
    usecase::PersonData,
    user::{Email, LinkedIdentity, User},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// Everything about a person.
pub(super) fn person(data: &PersonData) -> Value {
    let all = |kind: RecordKind| -> Vec<Value> {
        data.records.iter().filter(|record| record.kind() == kind).map(record).collect()
    };
    json!({
        "account": all(RecordKind::User).pop(),
        "authenticator_app": all(RecordKind::Totp).pop(),
        "recovery_codes": all(RecordKind::RecoveryCode),
        "sessions": all(RecordKind::Session),
        "links": all(RecordKind::Link),
        "devices_that_proved_a_factor": all(RecordKind::Device),
        "known_devices": all(RecordKind::KnownDevice),
        "linked_identities": all(RecordKind::Identity),
        "api_keys": all(RecordKind::ApiKey),
        "messages": all(RecordKind::Outbox),
        "wrong_passwords": data.passwords.as_ref().map(lock),
        "wrong_codes": data.codes.as_ref().map(lock),
        "events": all(RecordKind::Audit),
    })
}

fn record(record: &Record) -> Value {
    match record {
        Record::User(user) => account(user),
        Record::Session(session, tokens) => self::session(session, tokens),
        Record::Link(link, used_at) => self::link(link, *used_at),
        Record::Totp(_, stored) => app(stored),
        Record::RecoveryCode(code) => {
            json!({"given_out_at": time(code.created_at), "used_at": optional(code.used_at)})
        }
        Record::Device(device) => self::device(device),
        Record::Identity(identity) => self::identity(identity),
        Record::ApiKey(key) => api_key(key),
        Record::KnownDevice(device) => known_device(device),
        Record::Audit(entry) => event(entry),
        Record::Outbox(item, fate) => message(item, fate),
        // Of no person.
        Record::Lock(..)
        | Record::Key(_)
        | Record::AuditLink(_)
        | Record::AuditCheckpoint(_)
        | Record::Erasure(..) => Value::Null,
    }
}

fn account(user: &User) -> Value {
    let sms = &user.factors.sms;
    json!({
        "id": user.id.as_i64(),
        "tenant": user.tenant.as_str(),
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "full_name": user.full_name.as_ref().map(ToString::to_string),
        "status": user.status.as_str(),
        "roles": user.roles.names(),
        "has_password": user.credential.is_some(),
        "temporary_password_until": optional(user.credential.as_ref().and_then(|c| c.temporary_until)),
        "codes_by_app": user.factors.totp,
        "codes_by_text_message": sms.enabled,
        "phone_number": sms.number.as_ref().map(ToString::to_string),
        "phone_number_to_be_proved": sms.pending.as_ref().map(ToString::to_string),
        "codes_by_mail": user.factors.email,
        "last_login_at": optional(user.last_login_at),
        "created_at": time(user.created_at),
        "updated_at": time(user.updated_at),
    })
}

fn session(session: &Session, tokens: &[Generation]) -> Value {
    json!({
        "id": session.id.as_i64(),
        "signed_in_at": time(session.authentication.at),
        "signed_in_with": session.authentication.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>(),
        "second_factor_at": optional(session.authentication.second_factor_at),
        "created_at": time(session.created_at),
        "last_used_at": time(session.last_used_at),
        "expires_at": time(session.expires_at),
        "ended_at": optional(session.ended.map(|ended| ended.at)),
        "ended_because": session.ended.map(|ended| ended.reason.as_str()),
        "ip": session.ip.map(|ip| ip.to_string()),
        "user_agent": session.user_agent.as_ref().map(UserAgent::as_str),
        "refreshed_at": tokens.iter().skip(1).map(|token| time(token.minted_at)).collect::<Vec<_>>(),
    })
}

fn link(link: &Link, used_at: Option<DateTime<Utc>>) -> Value {
    json!({
        "purpose": link.purpose.as_str(),
        "email": link.email.as_str(),
        "created_at": time(link.created_at),
        "expires_at": time(link.expires_at),
        "used_at": optional(used_at),
    })
}

fn api_key(key: &ApiKey) -> Value {
    json!({
        "id": key.id.as_i64(),
        "name": key.name.as_str(),
        "prefix": key.prefix.as_str(),
        "scopes": key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "created_at": time(key.created_at),
        "expires_at": time(key.expires_at),
        "last_used_at": optional(key.last_used_at),
        "revoked_at": optional(key.revoked_at),
    })
}

fn app(stored: &StoredTotp) -> Value {
    json!({
        "at_work": stored.secret.is_some(),
        "shown_at": optional(stored.pending.as_ref().map(|pending| pending.since)),
    })
}

fn device(device: &TrustedDevice) -> Value {
    json!({
        "id": device.id.as_i64(),
        "method": device.method.as_str(),
        "ip": device.ip.map(|ip| ip.to_string()),
        "user_agent": device.user_agent.as_ref().map(UserAgent::as_str),
        "platform": device.platform,
        "verified_at": time(device.verified_at),
        "expires_at": time(device.expires_at),
    })
}

fn known_device(device: &KnownDevice) -> Value {
    json!({
        "first_login_at": time(device.created_at),
        "last_login_at": time(device.last_used_at),
        "expires_at": time(device.expires_at),
        "failures": device.failures,
        "last_attempt_at": optional(device.last_attempt_at),
    })
}

fn identity(identity: &LinkedIdentity) -> Value {
    json!({
        "issuer": identity.key.issuer(),
        "subject": identity.key.subject(),
        "linked_at": time(identity.linked_at),
        "proved_at": time(identity.proved_at),
        "checked_at": time(identity.checked_at),
    })
}

fn event(entry: &AuditEntry) -> Value {
    let details: Map<String, Value> =
        entry.details.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    json!({
        "at": time(entry.at),
        "event": entry.event.as_str(),
        "by": entry.actor.map(UserId::as_i64),
        "about": entry.subject.map(UserId::as_i64),
        "session": entry.session.map(SessionId::as_i64),
        "ip": entry.client.ip.map(|ip| ip.to_string()),
        "user_agent": entry.client.user_agent.as_ref().map(UserAgent::as_str),
        "details": details,
    })
}

fn message(item: &OutboxItem, fate: &Fate) -> Value {
    json!({
        "kind": item.intent.kind(),
        "to_another_address": item.intent.email().map(Email::as_str),
        "created_at": time(item.created_at),
        "due_at": time(item.due_at),
        "tries": item.attempts,
        "given_up_at": optional(fate.buried_at),
        "last_error": fate.last_error,
        "ip": item.client.ip.map(|ip| ip.to_string()),
        "user_agent": item.client.user_agent.as_ref().map(UserAgent::as_str),
    })
}

fn lock(state: &LockState) -> Value {
    json!({
        "failures": state.failures,
        "locked_until": optional(state.locked_until),
        "last_attempt_at": time(state.last_attempt_at),
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn optional(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(time)
}
