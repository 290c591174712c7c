//! The archive port: whole records out and in.

use async_trait::async_trait;
use auth_domain::{
    audit::{AuditEntry, ChainLink, Checkpoint},
    id::UserId,
    outbox::OutboxItem,
    port::{Archive, Fate, Record, RecordKey, RecordKind, StoreError},
    session::{Session, rotation::Generation},
    token::Link,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    error::{Fault, corrupt},
    row::{
        ApiKeyRow, AuditRow, ChainLinkRow, CheckpointRow, DeviceRow, GenerationRow, IdentityRow, KeyRow,
        KnownDeviceRow, LinkRow, LockRow, NewAuditRow, OutboxRow, RecoveryCodeRow, SessionRow, TotpRow,
        UserRow, micros, time,
    },
    runner::Runner as _,
    schema::{
        api_keys, audit_chain, audit_checkpoints, audit_events, erased_accounts, known_devices,
        linked_identities, login_locks, one_time_links, outbox, recovery_codes, refresh_tokens, sessions,
        signing_keys, totp_secrets, trusted_devices, users,
    },
    store::SqliteStore,
};

#[async_trait]
impl Archive for SqliteStore {
    async fn count(&self, kind: RecordKind) -> Result<u64, StoreError> {
        let rows = self.autocommit().read(move |conn| Ok(count(conn, kind)?)).await?;
        Ok(u64::try_from(rows).unwrap_or_default())
    }

    async fn page(
        &self,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.autocommit().read(move |conn| page(conn, kind, after.as_ref(), i64::from(limit))).await
    }

    async fn add(&self, records: Vec<Record>) -> Result<u64, StoreError> {
        let add_all = move |conn: &mut SqliteConnection| {
            records.iter().try_fold(0, |added, record| Ok(added + u64::from(add(conn, record)?)))
        };
        self.autocommit().write(add_all).await
    }
}

fn count(conn: &mut SqliteConnection, kind: RecordKind) -> QueryResult<i64> {
    match kind {
        RecordKind::User => users::table.count().get_result(conn),
        RecordKind::Session => sessions::table.count().get_result(conn),
        RecordKind::Link => one_time_links::table.count().get_result(conn),
        RecordKind::Totp => totp_secrets::table.count().get_result(conn),
        RecordKind::RecoveryCode => recovery_codes::table.count().get_result(conn),
        RecordKind::Device => trusted_devices::table.count().get_result(conn),
        RecordKind::Identity => linked_identities::table.count().get_result(conn),
        RecordKind::KnownDevice => known_devices::table.count().get_result(conn),
        RecordKind::ApiKey => api_keys::table.count().get_result(conn),
        RecordKind::Lock => login_locks::table.count().get_result(conn),
        RecordKind::Key => signing_keys::table.count().get_result(conn),
        RecordKind::Audit => audit_events::table.count().get_result(conn),
        RecordKind::AuditLink => audit_chain::table.count().get_result(conn),
        RecordKind::AuditCheckpoint => audit_checkpoints::table.count().get_result(conn),
        RecordKind::Outbox => outbox::table.count().get_result(conn),
        RecordKind::Erasure => erased_accounts::table.count().get_result(conn),
    }
}

fn page(
    conn: &mut SqliteConnection,
    kind: RecordKind,
    after: Option<&RecordKey>,
    limit: i64,
) -> Result<Vec<Record>, Fault> {
    match kind {
        RecordKind::User => users_page(conn, number(after)?, limit),
        RecordKind::Session => sessions_page(conn, number(after)?, limit),
        RecordKind::Link => links_page(conn, bytes(after)?, limit),
        RecordKind::Totp => totp_page(conn, number(after)?, limit),
        RecordKind::RecoveryCode => codes_page(conn, bytes(after)?, limit),
        RecordKind::Device => devices_page(conn, number(after)?, limit),
        RecordKind::Identity => identities_page(conn, number(after)?, limit),
        RecordKind::KnownDevice => known_devices_page(conn, bytes(after)?, limit),
        RecordKind::ApiKey => api_keys_page(conn, number(after)?, limit),
        RecordKind::Lock => locks_page(conn, bytes(after)?, limit),
        RecordKind::Key => keys_page(conn, name(after)?, limit),
        RecordKind::Audit => audit_page(conn, number(after)?, limit),
        RecordKind::AuditLink => links_of_log_page(conn, number(after)?, limit),
        RecordKind::AuditCheckpoint => checkpoints_page(conn, number(after)?, limit),
        RecordKind::Outbox => outbox_page(conn, number(after)?, limit),
        RecordKind::Erasure => erasures_page(conn, number(after)?, limit),
    }
}

fn number(after: Option<&RecordKey>) -> Result<i64, Fault> {
    match after {
        None => Ok(i64::MIN),
        Some(RecordKey::Number(number)) => Ok(*number),
        Some(other) => Err(wrong_key(other)),
    }
}

fn bytes(after: Option<&RecordKey>) -> Result<&[u8], Fault> {
    match after {
        None => Ok(&[]),
        Some(RecordKey::Bytes(bytes)) => Ok(bytes),
        Some(other) => Err(wrong_key(other)),
    }
}

fn name(after: Option<&RecordKey>) -> Result<&str, Fault> {
    match after {
        None => Ok(""),
        Some(RecordKey::Name(name)) => Ok(name),
        Some(other) => Err(wrong_key(other)),
    }
}

fn wrong_key(key: &RecordKey) -> Fault {
    Fault(StoreError::Internal(format!("{key:?} is not a key of these records").into()))
}

fn users_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(limit)
        .select(UserRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::User(row.try_into()?))).collect()
}

fn sessions_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = sessions::table
        .filter(sessions::id.gt(after))
        .order(sessions::id)
        .limit(limit)
        .select(SessionRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| with_tokens(conn, row.try_into()?)).collect()
}

fn with_tokens(conn: &mut SqliteConnection, session: Session) -> Result<Record, Fault> {
    let rows = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(session.id.as_i64()))
        .order(refresh_tokens::generation)
        .select(GenerationRow::as_select())
        .load(conn)?;
    let tokens = rows.into_iter().map(Generation::try_from).collect::<Result<_, _>>()?;
    Ok(Record::Session(session, tokens))
}

fn links_page(conn: &mut SqliteConnection, after: &[u8], limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<(LinkRow, Option<i64>)> = one_time_links::table
        .filter(one_time_links::digest.gt(after))
        .order(one_time_links::digest)
        .limit(limit)
        .select((LinkRow::as_select(), one_time_links::consumed_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(row, used)| {
            let user = row.user_id;
            Ok(Record::Link(Link::try_from(row)?, optional_time("one_time_links", user, used)?))
        })
        .collect()
}

fn totp_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<TotpRow> = totp_secrets::table
        .filter(totp_secrets::user_id.gt(after))
        .order(totp_secrets::user_id)
        .limit(limit)
        .select(TotpRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::Totp(UserId::from_i64(row.user_id), row.try_into()?))).collect()
}

fn codes_page(conn: &mut SqliteConnection, after: &[u8], limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<RecoveryCodeRow> = recovery_codes::table
        .filter(recovery_codes::digest.gt(after))
        .order(recovery_codes::digest)
        .limit(limit)
        .select(RecoveryCodeRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::RecoveryCode(row.try_into()?))).collect()
}

fn devices_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<DeviceRow> = trusted_devices::table
        .filter(trusted_devices::id.gt(after))
        .order(trusted_devices::id)
        .limit(limit)
        .select(DeviceRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::Device(row.try_into()?))).collect()
}

fn api_keys_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<ApiKeyRow> = api_keys::table
        .filter(api_keys::id.gt(after))
        .order(api_keys::id)
        .limit(limit)
        .select(ApiKeyRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::ApiKey(row.try_into()?))).collect()
}

fn identities_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<IdentityRow> = linked_identities::table
        .filter(linked_identities::id.gt(after))
        .order(linked_identities::id)
        .limit(limit)
        .select(IdentityRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::Identity(row.try_into()?))).collect()
}

fn known_devices_page(conn: &mut SqliteConnection, after: &[u8], limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<KnownDeviceRow> = known_devices::table
        .filter(known_devices::digest.gt(after))
        .order(known_devices::digest)
        .limit(limit)
        .select(KnownDeviceRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::KnownDevice(row.try_into()?))).collect()
}

fn locks_page(conn: &mut SqliteConnection, after: &[u8], limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<LockRow> = login_locks::table
        .filter(login_locks::key.gt(after))
        .order(login_locks::key)
        .limit(limit)
        .select(LockRow::as_select())
        .load(conn)?;
    rows.into_iter()
        .map(|row| {
            let key = row.key().ok_or_else(|| corrupt("login_locks", &"of another length than 32"))?;
            Ok(Record::Lock(key, row.try_into()?))
        })
        .collect()
}

fn keys_page(conn: &mut SqliteConnection, after: &str, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = signing_keys::table
        .filter(signing_keys::id.gt(after))
        .order(signing_keys::id)
        .limit(limit)
        .select(KeyRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::Key(row.try_into()?))).collect()
}

fn audit_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = audit_events::table
        .filter(audit_events::seq.gt(after))
        .order(audit_events::seq)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::Audit(row.try_into()?))).collect()
}

fn links_of_log_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = audit_chain::table
        .filter(audit_chain::position.gt(after))
        .order(audit_chain::position)
        .limit(limit)
        .select(ChainLinkRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::AuditLink(row.try_into()?))).collect()
}

fn checkpoints_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows = audit_checkpoints::table
        .filter(audit_checkpoints::number.gt(after))
        .order(audit_checkpoints::number)
        .limit(limit)
        .select(CheckpointRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok(Record::AuditCheckpoint(row.try_into()?))).collect()
}

fn outbox_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<(OutboxRow, Option<i64>, Option<String>)> = outbox::table
        .filter(outbox::id.gt(after))
        .order(outbox::id)
        .limit(limit)
        .select((OutboxRow::as_select(), outbox::buried_at, outbox::last_error))
        .load(conn)?;
    rows.into_iter()
        .map(|(row, buried, last_error)| {
            let item = OutboxItem::try_from(row)?;
            let buried_at = optional_time("outbox", item.id.as_i64(), buried)?;
            Ok(Record::Outbox(item, Fate { buried_at, last_error }))
        })
        .collect()
}

fn erasures_page(conn: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Record>, Fault> {
    let rows: Vec<(i64, i64)> = erased_accounts::table
        .filter(erased_accounts::id.gt(after))
        .order(erased_accounts::id)
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .map(|(id, at)| {
            let at = time(at).ok_or_else(|| corrupt("erased_accounts", &id))?;
            Ok(Record::Erasure(UserId::from_i64(id), at))
        })
        .collect()
}

fn optional_time(
    table: &'static str,
    id: i64,
    stored: Option<i64>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    stored.map(|stored| time(stored).ok_or_else(|| corrupt(table, &id))).transpose()
}

/// Adds one record unless its key is there; says whether it was new.
fn add(conn: &mut SqliteConnection, record: &Record) -> Result<bool, Fault> {
    let added = match record {
        Record::User(user) => diesel::insert_into(users::table)
            .values(UserRow::from(user))
            .on_conflict(users::id)
            .do_nothing()
            .execute(conn)?,
        Record::Session(session, tokens) => return add_session(conn, session, tokens),
        Record::Link(link, used) => diesel::insert_into(one_time_links::table)
            .values((LinkRow::from(link), one_time_links::consumed_at.eq(used.map(micros))))
            .on_conflict(one_time_links::digest)
            .do_nothing()
            .execute(conn)?,
        Record::Totp(user, stored) => diesel::insert_into(totp_secrets::table)
            .values(TotpRow::new(*user, stored))
            .on_conflict(totp_secrets::user_id)
            .do_nothing()
            .execute(conn)?,
        Record::RecoveryCode(code) => diesel::insert_into(recovery_codes::table)
            .values(RecoveryCodeRow::from(code))
            .on_conflict(recovery_codes::digest)
            .do_nothing()
            .execute(conn)?,
        Record::Device(device) => diesel::insert_into(trusted_devices::table)
            .values(DeviceRow::from(device))
            .on_conflict_do_nothing() // also where that device is known already
            .execute(conn)?,
        Record::Identity(identity) => diesel::insert_into(linked_identities::table)
            .values(IdentityRow::from(identity))
            .on_conflict(linked_identities::id)
            .do_nothing()
            .execute(conn)?,
        Record::KnownDevice(device) => diesel::insert_into(known_devices::table)
            .values(KnownDeviceRow::from(device))
            .on_conflict(known_devices::digest)
            .do_nothing()
            .execute(conn)?,
        Record::ApiKey(key) => diesel::insert_into(api_keys::table)
            .values(ApiKeyRow::from(key))
            .on_conflict(api_keys::id)
            .do_nothing()
            .execute(conn)?,
        Record::Lock(key, state) => diesel::insert_into(login_locks::table)
            .values(LockRow::new(key, state))
            .on_conflict(login_locks::key)
            .do_nothing()
            .execute(conn)?,
        Record::Key(key) => diesel::insert_into(signing_keys::table)
            .values(KeyRow::from(key))
            .on_conflict(signing_keys::id)
            .do_nothing()
            .execute(conn)?,
        Record::Audit(entry) => return add_entry(conn, entry),
        Record::AuditLink(link) => return add_link(conn, link),
        Record::AuditCheckpoint(checkpoint) => return add_checkpoint(conn, checkpoint),
        Record::Outbox(item, fate) => diesel::insert_into(outbox::table)
            .values((
                OutboxRow::from(item),
                outbox::buried_at.eq(fate.buried_at.map(micros)),
                outbox::last_error.eq(&fate.last_error),
            ))
            .on_conflict_do_nothing() // also where the same message waits already
            .execute(conn)?,
        Record::Erasure(user, at) => return add_erasure(conn, *user, *at),
    };
    Ok(added == 1)
}

fn add_session(conn: &mut SqliteConnection, session: &Session, tokens: &[Generation]) -> Result<bool, Fault> {
    let added = diesel::insert_into(sessions::table)
        .values(SessionRow::from(session))
        .on_conflict(sessions::id)
        .do_nothing()
        .execute(conn)?;
    if added == 0 {
        return Ok(false); // it came with its tokens, in one transaction
    }
    for token in tokens {
        let row = GenerationRow::new(session.id, token);
        diesel::insert_into(refresh_tokens::table).values(row).execute(conn)?;
    }
    Ok(true)
}

fn add_entry(conn: &mut SqliteConnection, entry: &AuditEntry) -> Result<bool, Fault> {
    // The rule against changes refuses a second entry of a position before a conflict clause sees it.
    let here = audit_events::table.find(entry.seq);
    if diesel::select(diesel::dsl::exists(here)).get_result(conn)? {
        return Ok(false);
    }
    let row = NewAuditRow::try_from(entry)?;
    diesel::insert_into(audit_events::table).values((audit_events::seq.eq(entry.seq), row)).execute(conn)?;
    Ok(true)
}

fn add_erasure(conn: &mut SqliteConnection, user: UserId, at: DateTime<Utc>) -> Result<bool, Fault> {
    let here = erased_accounts::table.find(user.as_i64());
    if diesel::select(diesel::dsl::exists(here)).get_result(conn)? {
        return Ok(false);
    }
    let values = (erased_accounts::id.eq(user.as_i64()), erased_accounts::at.eq(micros(at)));
    diesel::insert_into(erased_accounts::table).values(values).execute(conn)?;
    Ok(true)
}

fn add_link(conn: &mut SqliteConnection, link: &ChainLink) -> Result<bool, Fault> {
    let here = audit_chain::table.find(link.position);
    if diesel::select(diesel::dsl::exists(here)).get_result(conn)? {
        return Ok(false);
    }
    diesel::insert_into(audit_chain::table).values(ChainLinkRow::from(link)).execute(conn)?;
    Ok(true)
}

fn add_checkpoint(conn: &mut SqliteConnection, checkpoint: &Checkpoint) -> Result<bool, Fault> {
    let here = audit_checkpoints::table.find(checkpoint.number);
    if diesel::select(diesel::dsl::exists(here)).get_result(conn)? {
        return Ok(false);
    }
    diesel::insert_into(audit_checkpoints::table).values(CheckpointRow::from(checkpoint)).execute(conn)?;
    Ok(true)
}
