//! Records out.

use auth_domain::{
    id::UserId,
    outbox::OutboxItem,
    port::{Fate, Record, RecordKey, RecordKind, StoreError},
    session::{Session, rotation::Generation},
    token::Link,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::data_types::PgTimestamp,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};

use crate::{
    error::corrupt,
    exchange::Find,
    row::{
        ApiKeyRow, AuditRow, ChainRow, CheckpointRow, DeviceRow, GenerationRow, IdentityRow, KeyRow,
        KnownDeviceRow, LinkRow, LockRow, OutboxRow, RecoveryCodeRow, SessionRow, TotpRow, UserRow, time,
    },
    runner::{Access, Autocommit, Runner},
    schema::{
        ApiKeys, AuditChain, AuditCheckpoints, AuditEvents, KnownDevices, LinkedIdentities, LoginLocks,
        OneTimeLinks, Outbox, RecoveryCodes, RefreshTokens, Sessions, SigningKeys, TotpSecrets,
        TrustedDevices, Users, api_keys, audit_chain, audit_checkpoints, audit_events, known_devices,
        linked_identities, login_locks, one_time_links, outbox, recovery_codes, refresh_tokens, sessions,
        signing_keys, totp_secrets, trusted_devices, users,
    },
    statement::{Statement, Value},
};

/// Up to `limit` records of a kind behind `after`.
pub(super) async fn page(
    runner: &mut Autocommit,
    kind: RecordKind,
    after: Option<&RecordKey>,
    limit: u32,
) -> Result<Vec<Record>, StoreError> {
    let find = |text| Ok::<_, StoreError>(Statement::new(text).with(position(kind, after)?).with(limit));
    match kind {
        RecordKind::User => {
            let find = Find::<Users, UserRow>::new(find(USERS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, user)).await
        }
        RecordKind::Session => sessions_page(runner, find(SESSIONS)?).await,
        RecordKind::Link => {
            let find = Find::<(OneTimeLinks, Nullable<Timestamptz>), _>::new(find(LINKS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, link)).await
        }
        RecordKind::Totp => {
            let find = Find::<TotpSecrets, TotpRow>::new(find(APPS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, totp)).await
        }
        RecordKind::RecoveryCode => {
            let find = Find::<RecoveryCodes, RecoveryCodeRow>::new(find(CODES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, code)).await
        }
        RecordKind::Device => {
            let find = Find::<TrustedDevices, DeviceRow>::new(find(DEVICES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, device)).await
        }
        RecordKind::Identity => {
            let find = Find::<LinkedIdentities, IdentityRow>::new(find(IDENTITIES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, identity)).await
        }
        RecordKind::KnownDevice => {
            let find = Find::<KnownDevices, KnownDeviceRow>::new(find(KNOWN_DEVICES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, known_device)).await
        }
        RecordKind::ApiKey => {
            let find = Find::<ApiKeys, ApiKeyRow>::new(find(API_KEYS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, api_key)).await
        }
        RecordKind::Lock => {
            let find = Find::<LoginLocks, LockRow>::new(find(LOCKS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, lock)).await
        }
        RecordKind::Key => {
            let find = Find::<SigningKeys, KeyRow>::new(find(KEYS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, key)).await
        }
        RecordKind::Audit => {
            let find = Find::<AuditEvents, AuditRow>::new(find(ENTRIES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, entry)).await
        }
        RecordKind::AuditLink => {
            let find = Find::<AuditChain, ChainRow>::new(find(CHAIN)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, chain_link)).await
        }
        RecordKind::AuditCheckpoint => {
            let find = Find::<AuditCheckpoints, CheckpointRow>::new(find(CHECKPOINTS)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, checkpoint)).await
        }
        RecordKind::Outbox => {
            let find = Find::<(Outbox, Nullable<Timestamptz>, Nullable<Text>), _>::new(find(MESSAGES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, message)).await
        }
        RecordKind::Erasure => {
            let find = Find::<(BigInt, Timestamptz), _>::new(find(ERASURES)?);
            runner.ask(Access::Read, Vec::new(), find, |rows| each(rows, erasure)).await
        }
    }
}

pub(super) fn each<R>(
    rows: Vec<R>,
    read: fn(R) -> Result<Record, StoreError>,
) -> Result<Vec<Record>, StoreError> {
    rows.into_iter().map(read).collect()
}

/// Where a page begins: behind `after`, or before everything.
fn position(kind: RecordKind, after: Option<&RecordKey>) -> Result<Value, StoreError> {
    use RecordKind::{KnownDevice, Link, Lock, RecoveryCode};
    Ok(match (kind, after) {
        (Link | RecoveryCode | KnownDevice | Lock, None) => [0u8; 0].as_slice().into(),
        (Link | RecoveryCode | KnownDevice | Lock, Some(RecordKey::Bytes(bytes))) => bytes.as_slice().into(),
        (RecordKind::Key, None) => "".into(),
        (RecordKind::Key, Some(RecordKey::Name(name))) => name.as_str().into(),
        (_, None) => i64::MIN.into(),
        (_, Some(RecordKey::Number(number))) => (*number).into(),
        (_, Some(other)) => {
            let text = format!("{other:?} is not a key of {kind}");
            return Err(StoreError::Internal(text.into()));
        }
    })
}

pub(super) fn user(row: UserRow) -> Result<Record, StoreError> {
    Ok(Record::User(row.try_into()?))
}

pub(super) fn link((row, consumed_at): (LinkRow, Option<PgTimestamp>)) -> Result<Record, StoreError> {
    let link = Link::try_from(row)?;
    let consumed_at = optional_time("one_time_links", link.user.as_i64(), consumed_at)?;
    Ok(Record::Link(link, consumed_at))
}

pub(super) fn totp(row: TotpRow) -> Result<Record, StoreError> {
    Ok(Record::Totp(row.user(), row.try_into()?))
}

pub(super) fn code(row: RecoveryCodeRow) -> Result<Record, StoreError> {
    Ok(Record::RecoveryCode(row.try_into()?))
}

pub(super) fn device(row: DeviceRow) -> Result<Record, StoreError> {
    Ok(Record::Device(row.try_into()?))
}

pub(super) fn api_key(row: ApiKeyRow) -> Result<Record, StoreError> {
    Ok(Record::ApiKey(row.try_into()?))
}

pub(super) fn identity(row: IdentityRow) -> Result<Record, StoreError> {
    Ok(Record::Identity(row.try_into()?))
}

pub(super) fn known_device(row: KnownDeviceRow) -> Result<Record, StoreError> {
    Ok(Record::KnownDevice(row.try_into()?))
}

fn lock(row: LockRow) -> Result<Record, StoreError> {
    let key = row.key().ok_or_else(|| corrupt("login_locks", &"of another length than 32"))?;
    Ok(Record::Lock(key, row.try_into()?))
}

fn key(row: KeyRow) -> Result<Record, StoreError> {
    Ok(Record::Key(row.try_into()?))
}

pub(super) fn entry(row: AuditRow) -> Result<Record, StoreError> {
    Ok(Record::Audit(row.try_into()?))
}

fn chain_link(row: ChainRow) -> Result<Record, StoreError> {
    Ok(Record::AuditLink(row.try_into()?))
}

fn checkpoint(row: CheckpointRow) -> Result<Record, StoreError> {
    Ok(Record::AuditCheckpoint(row.try_into()?))
}

pub(super) fn message(
    (row, buried_at, last_error): (OutboxRow, Option<PgTimestamp>, Option<String>),
) -> Result<Record, StoreError> {
    let item = OutboxItem::try_from(row)?;
    let buried_at = optional_time("outbox", item.id.as_i64(), buried_at)?;
    Ok(Record::Outbox(item, Fate { buried_at, last_error }))
}

fn erasure((id, at): (i64, PgTimestamp)) -> Result<Record, StoreError> {
    let at = time(at).ok_or_else(|| corrupt("erased_accounts", &id))?;
    Ok(Record::Erasure(UserId::from_i64(id), at))
}

fn optional_time(
    table: &'static str,
    id: i64,
    stored: Option<PgTimestamp>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    stored.map(|stored| time(stored).ok_or_else(|| corrupt(table, &id))).transpose()
}

async fn sessions_page(runner: &mut Autocommit, find: Statement) -> Result<Vec<Record>, StoreError> {
    let sessions = sessions_of(runner, find).await?;
    let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else { return Ok(Vec::new()) };
    let tokens = Statement::new(TOKENS).with(first.id.as_i64()).with(last.id.as_i64());
    with_tokens(runner, sessions, tokens).await
}

/// The sessions that `find` finds, with the tokens that `tokens` finds, both in the order of the sessions.
pub(super) async fn sessions_with_tokens<R: Runner>(
    runner: &mut R,
    find: Statement,
    tokens: Statement,
) -> Result<Vec<Record>, StoreError> {
    let sessions = sessions_of(runner, find).await?;
    with_tokens(runner, sessions, tokens).await
}

async fn sessions_of<R: Runner>(runner: &mut R, find: Statement) -> Result<Vec<Session>, StoreError> {
    let find = Find::<Sessions, SessionRow>::new(find);
    let read = |rows: Vec<SessionRow>| rows.into_iter().map(Session::try_from).collect();
    runner.ask(Access::Read, Vec::new(), find, read).await
}

async fn with_tokens<R: Runner>(
    runner: &mut R,
    sessions: Vec<Session>,
    tokens: Statement,
) -> Result<Vec<Record>, StoreError> {
    let tokens = Find::<RefreshTokens, GenerationRow>::new(tokens);
    let read = |rows: Vec<GenerationRow>| {
        rows.into_iter().map(|row| Ok((row.session(), Generation::try_from(row)?))).collect()
    };
    let tokens: Vec<(i64, Generation)> = runner.ask(Access::Read, Vec::new(), tokens, read).await?;
    let mut tokens = tokens.into_iter().peekable();
    let with_own = |session: Session| {
        let own = std::iter::from_fn(|| tokens.next_if(|(of, _)| *of == session.id.as_i64()));
        let own = own.map(|(_, token)| token).collect();
        Record::Session(session, own)
    };
    Ok(sessions.into_iter().map(with_own).collect())
}

const ERASURES: &str = "SELECT id, at FROM erased_accounts WHERE id > ? ORDER BY id LIMIT ?";

const USERS: &str = concat!("SELECT ", users!(), " FROM users u WHERE u.id > ? ORDER BY u.id LIMIT ?");

const SESSIONS: &str =
    concat!("SELECT ", sessions!(), " FROM sessions s WHERE s.id > ? ORDER BY s.id LIMIT ?");

const TOKENS: &str = concat!(
    "SELECT ",
    refresh_tokens!(),
    " FROM refresh_tokens t WHERE t.session_id BETWEEN ? AND ? ORDER BY t.session_id, t.generation"
);

const LINKS: &str = concat!(
    "SELECT ",
    one_time_links!(),
    ", consumed_at FROM one_time_links WHERE digest > ? ORDER BY digest LIMIT ?"
);

const APPS: &str =
    concat!("SELECT ", totp_secrets!(), " FROM totp_secrets WHERE user_id > ? ORDER BY user_id LIMIT ?");

const CODES: &str =
    concat!("SELECT ", recovery_codes!(), " FROM recovery_codes WHERE digest > ? ORDER BY digest LIMIT ?");

const DEVICES: &str =
    concat!("SELECT ", trusted_devices!(), " FROM trusted_devices WHERE id > ? ORDER BY id LIMIT ?");

const API_KEYS: &str =
    concat!("SELECT ", api_keys!(), " FROM api_keys k WHERE k.id > ? ORDER BY k.id LIMIT ?");

const IDENTITIES: &str = concat!(
    "SELECT ",
    linked_identities!(),
    " FROM linked_identities l WHERE l.id > ? ORDER BY l.id LIMIT ?"
);

const KNOWN_DEVICES: &str =
    concat!("SELECT ", known_devices!(), " FROM known_devices WHERE digest > ? ORDER BY digest LIMIT ?");

const LOCKS: &str =
    concat!("SELECT ", login_locks!(), " FROM login_locks WHERE key > ? ORDER BY key LIMIT ?");

/// Byte by byte, whatever order the database prefers for texts.
const KEYS: &str = concat!(
    "SELECT ",
    signing_keys!(),
    " FROM signing_keys WHERE id COLLATE \"C\" > ? ORDER BY id COLLATE \"C\" LIMIT ?"
);

const ENTRIES: &str =
    concat!("SELECT ", audit_events!(), " FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?");

const CHAIN: &str = concat!(
    "SELECT ",
    audit_chain!(),
    " FROM audit_chain c WHERE c.position > ? ORDER BY c.position LIMIT ?"
);

const CHECKPOINTS: &str = concat!(
    "SELECT ",
    audit_checkpoints!(),
    " FROM audit_checkpoints WHERE number > ? ORDER BY number LIMIT ?"
);

const MESSAGES: &str = concat!(
    "SELECT ",
    outbox!(),
    ", o.buried_at, o.last_error FROM outbox o WHERE o.id > ? ORDER BY o.id LIMIT ?"
);
