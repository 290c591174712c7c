//! Records in.

use auth_domain::{
    port::{Record, StoreError},
    session::{Session, rotation::Generation},
};

use crate::{
    exchange::Counted,
    row::{
        api_key_values, chain_values, checkpoint_values, device_values, entry_values, generation_values,
        identity_values, key_values, known_device_values, link_values, lock_values, outbox_values,
        recovery_code_values, session_values, totp_values, user_values,
    },
    statement::Statement,
};

/// The statements that add a record, unless its key is there.
pub(super) fn statements(record: &Record, to: &mut Vec<Counted>) -> Result<(), StoreError> {
    let statement = match record {
        Record::Session(session, tokens) => {
            add_session(session, tokens, to);
            return Ok(());
        }
        Record::User(user) => Statement::new(USER).with_all(user_values(user)),
        Record::Link(link, consumed_at) => {
            Statement::new(LINK).with_all(link_values(link)).with(*consumed_at)
        }
        Record::Totp(user, stored) => Statement::new(TOTP).with_all(totp_values(*user, stored)),
        Record::RecoveryCode(code) => Statement::new(CODE).with_all(recovery_code_values(code)),
        Record::Device(device) => Statement::new(DEVICE).with_all(device_values(device)),
        Record::Identity(identity) => Statement::new(IDENTITY).with_all(identity_values(identity)),
        Record::KnownDevice(device) => Statement::new(KNOWN_DEVICE).with_all(known_device_values(device)),
        Record::ApiKey(key) => Statement::new(API_KEY).with_all(api_key_values(key)),
        Record::Lock(key, state) => Statement::new(LOCK).with_all(lock_values(key, state)),
        Record::Key(key) => Statement::new(KEY).with_all(key_values(key)),
        Record::Audit(entry) => Statement::new(ENTRY).with(entry.seq).with_all(entry_values(entry)?),
        Record::AuditLink(link) => Statement::new(CHAIN_LINK).with_all(chain_values(link)),
        Record::AuditCheckpoint(checkpoint) => {
            Statement::new(CHECKPOINT).with_all(checkpoint_values(checkpoint))
        }
        Record::Outbox(item, fate) => Statement::new(MESSAGE)
            .with_all(outbox_values(item))
            .with(fate.buried_at)
            .with(fate.last_error.clone()),
        Record::Erasure(user, at) => Statement::new(ERASURE).with(user.as_i64()).with(*at),
    };
    to.push(Counted { statement, counts: true });
    Ok(())
}

fn add_session(session: &Session, tokens: &[Generation], to: &mut Vec<Counted>) {
    let statement = Statement::new(SESSION).with_all(session_values(session));
    to.push(Counted { statement, counts: true });
    // A session that was there came with its tokens, in one transaction.
    to.extend(tokens.iter().map(|token| Counted {
        statement: Statement::new(TOKEN).with_all(generation_values(session.id, token)),
        counts: false,
    }));
}

/// Has new entries come behind the ones that brought their positions along.
pub(super) const fn behind_the_last_entry() -> Counted {
    Counted { statement: Statement::new(NEXT_ENTRY), counts: false }
}

const USER: &str = "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING";

const SESSION: &str = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING";

const TOKEN: &str = "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (session_id, generation) DO NOTHING";

const LINK: &str =
    "INSERT INTO one_time_links (digest, tenant, user_id, purpose, email, created_at, expires_at,
     consumed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING";

const TOTP: &str = "INSERT INTO totp_secrets VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id) DO NOTHING";

const CODE: &str = "INSERT INTO recovery_codes VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING";

/// Nor where that device is known already.
const DEVICE: &str = "INSERT INTO trusted_devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

const API_KEY: &str =
    "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const IDENTITY: &str =
    "INSERT INTO linked_identities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const KNOWN_DEVICE: &str = "INSERT INTO known_devices VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (digest) DO NOTHING";

const LOCK: &str = "INSERT INTO login_locks (key, failures, locked_until, last_attempt_at)
     VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING";

const KEY: &str = "INSERT INTO signing_keys VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

const ENTRY: &str = "INSERT INTO audit_events (seq, at, tenant, event, outcome, actor, subject, session, ip,
     user_agent, request_id, details) OVERRIDING SYSTEM VALUE
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json) ON CONFLICT (seq) DO NOTHING";

const CHAIN_LINK: &str = "INSERT INTO audit_chain (position, seq, at, hash, client, salt)
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (position) DO NOTHING";

const CHECKPOINT: &str = "INSERT INTO audit_checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (number) DO NOTHING";

const NEXT_ENTRY: &str = "SELECT setval(pg_get_serial_sequence('audit_events', 'seq'),
     (SELECT max(seq) FROM audit_events))";

const ERASURE: &str = "INSERT INTO erased_accounts VALUES (?, ?) ON CONFLICT (id) DO NOTHING";

/// Nor where the same message waits already.
const MESSAGE: &str = "INSERT INTO outbox (id, tenant, user_id, kind, email, ip, user_agent, request_id,
     created_at, due_at, attempts, once, sealed, buried_at, last_error)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
