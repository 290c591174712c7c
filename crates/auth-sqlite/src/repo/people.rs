//! People who come and go.

use async_trait::async_trait;
use auth_domain::{
    audit::network_text,
    id::UserId,
    outbox::OutboxItem,
    port::{Arrival, Fate, PeopleRepo, Present, Record, StoreError, StoredTotp},
    secret::Sealed,
    session::{Session, rotation::Generation},
    tenant::TenantId,
    token::Link,
    user::{Email, User},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::count;
use crate::{
    error::{Fault, corrupt},
    row::{
        ApiKeyRow, AuditRow, DeviceRow, GenerationRow, IdentityRow, KnownDeviceRow, LinkRow, OutboxRow,
        RecoveryCodeRow, SessionRow, TotpRow, UserRow, micros, time,
    },
    runner::{Repositories, Runner},
    schema::{
        api_keys, audit_chain, audit_events, erased_accounts, known_devices, linked_identities,
        one_time_links, outbox, recovery_codes, refresh_tokens, sessions, totp_secrets, trusted_devices,
        users,
    },
};

#[async_trait]
impl<R: Runner> PeopleRepo for Repositories<R> {
    async fn present(
        &mut self,
        tenant: &TenantId,
        ids: &[UserId],
        emails: &[Email],
    ) -> Result<Vec<Present>, StoreError> {
        let (tenant, ids) = (tenant.clone(), numbers(ids));
        let emails = emails.iter().map(|email| email.as_str().to_owned()).collect::<Vec<_>>();
        self.0.read(move |conn| present(conn, &tenant, &ids, &emails)).await
    }

    async fn erased(&mut self, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let ids = numbers(ids);
        self.0.read(move |conn| erased(conn, &ids)).await
    }

    async fn add(&mut self, people: &[Arrival]) -> Result<(), StoreError> {
        let people = people.to_vec();
        self.0.write(move |conn| people.iter().try_for_each(|arrival| add(conn, arrival))).await
    }

    async fn find(&mut self, ids: &[UserId]) -> Result<Vec<Arrival>, StoreError> {
        let ids = numbers(ids);
        self.0.read(move |conn| find(conn, &ids)).await
    }

    async fn records(&mut self, user: UserId) -> Result<Vec<Record>, StoreError> {
        self.0.read(move |conn| records(conn, user.as_i64())).await
    }

    async fn erase(&mut self, user: UserId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.0.write(move |conn| erase(conn, user.as_i64(), micros(at))).await
    }

    async fn erase_clients(&mut self, user: UserId, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| erase_clients(conn, user.as_i64(), i64::from(limit))).await
    }

    async fn other_superusers(&mut self, user: UserId) -> Result<u64, StoreError> {
        // A transaction has the only write lock there is: nobody changes them meanwhile.
        self.0.read(move |conn| other_superusers(conn, user.as_i64())).await
    }
}

fn numbers(ids: &[UserId]) -> Vec<i64> {
    ids.iter().map(|id| id.as_i64()).collect()
}

fn present(
    conn: &mut SqliteConnection,
    tenant: &TenantId,
    ids: &[i64],
    emails: &[String],
) -> Result<Vec<Present>, Fault> {
    let columns = (users::id, users::tenant, users::email);
    let by_id: Vec<(i64, String, String)> =
        users::table.filter(users::id.eq_any(ids)).select(columns).load(conn)?;
    let by_address: Vec<(i64, String, String)> = users::table
        .filter(users::tenant.eq(tenant.as_str()).and(users::email.eq_any(emails)))
        .select(columns)
        .load(conn)?;
    let mut rows: Vec<_> = by_id.into_iter().chain(by_address).collect();
    rows.sort_unstable();
    rows.dedup();
    rows.into_iter()
        .map(|(id, tenant, email)| {
            let wrong = || corrupt("users", &id);
            let tenant = TenantId::parse(&tenant).map_err(|_| wrong())?;
            let email = Email::parse(&email).map_err(|_| wrong())?;
            Ok(Present { id: UserId::from_i64(id), tenant, email })
        })
        .collect()
}

fn erased(conn: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<UserId>, Fault> {
    let rows: Vec<i64> = erased_accounts::table
        .filter(erased_accounts::id.eq_any(ids))
        .order(erased_accounts::id)
        .select(erased_accounts::id)
        .load(conn)?;
    Ok(rows.into_iter().map(UserId::from_i64).collect())
}

fn add(conn: &mut SqliteConnection, arrival: &Arrival) -> Result<(), Fault> {
    let added = diesel::insert_into(users::table)
        .values(UserRow::from(&arrival.user))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if added == 0 {
        return Err(StoreError::Conflict.into());
    }
    if let Some(secret) = arrival.totp.clone() {
        let stored = StoredTotp { secret: Some(secret), ..StoredTotp::default() };
        diesel::insert_into(totp_secrets::table)
            .values(TotpRow::new(arrival.user.id, &stored))
            .execute(conn)?;
    }
    Ok(())
}

fn find(conn: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<Arrival>, Fault> {
    let secret = totp_secrets::secret.nullable();
    let rows: Vec<(UserRow, Option<Vec<u8>>)> = users::table
        .left_join(totp_secrets::table.on(totp_secrets::user_id.eq(users::id)))
        .filter(users::id.eq_any(ids))
        .order(users::id)
        .select((UserRow::as_select(), secret))
        .load(conn)?;
    rows.into_iter()
        .map(|(row, secret)| Ok(Arrival { user: User::try_from(row)?, totp: secret.map(Sealed::from_bytes) }))
        .collect()
}

/// The rows of one table that belong to a person, as records.
macro_rules! owned {
    ($conn:ident, $records:ident, $row:ty, $query:expr, $read:expr) => {
        let rows: Vec<$row> = $query.load($conn)?;
        for row in rows {
            $records.push($read(row)?);
        }
    };
}

fn records(conn: &mut SqliteConnection, user: i64) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::new();
    let found = users::table.find(user).select(UserRow::as_select());
    owned!(conn, records, UserRow, found, |row| Ok::<_, Fault>(Record::User(User::try_from(row)?)));
    own_sessions(conn, user, &mut records)?;
    let found = one_time_links::table
        .filter(one_time_links::user_id.eq(user))
        .order(one_time_links::digest)
        .select((LinkRow::as_select(), one_time_links::consumed_at));
    owned!(conn, records, (LinkRow, Option<i64>), found, |(row, used): (LinkRow, Option<i64>)| {
        Ok::<_, Fault>(Record::Link(Link::try_from(row)?, optional_time("one_time_links", user, used)?))
    });
    let found = totp_secrets::table.find(user).select(TotpRow::as_select());
    owned!(conn, records, TotpRow, found, |row: TotpRow| Ok::<_, Fault>(Record::Totp(
        UserId::from_i64(user),
        row.try_into()?
    )));
    let found = recovery_codes::table
        .filter(recovery_codes::user_id.eq(user))
        .order(recovery_codes::digest)
        .select(RecoveryCodeRow::as_select());
    owned!(conn, records, RecoveryCodeRow, found, |row: RecoveryCodeRow| Ok::<_, Fault>(
        Record::RecoveryCode(row.try_into()?)
    ));
    let found = trusted_devices::table
        .filter(trusted_devices::user_id.eq(user))
        .order(trusted_devices::id)
        .select(DeviceRow::as_select());
    owned!(conn, records, DeviceRow, found, |row: DeviceRow| Ok::<_, Fault>(Record::Device(row.try_into()?)));
    let found = linked_identities::table
        .filter(linked_identities::user_id.eq(user))
        .order(linked_identities::id)
        .select(IdentityRow::as_select());
    owned!(conn, records, IdentityRow, found, |row: IdentityRow| Ok::<_, Fault>(Record::Identity(
        row.try_into()?
    )));
    let found =
        api_keys::table.filter(api_keys::user_id.eq(user)).order(api_keys::id).select(ApiKeyRow::as_select());
    owned!(conn, records, ApiKeyRow, found, |row: ApiKeyRow| Ok::<_, Fault>(Record::ApiKey(row.try_into()?)));
    let found = known_devices::table
        .filter(known_devices::user_id.eq(user))
        .order(known_devices::digest)
        .select(KnownDeviceRow::as_select());
    owned!(conn, records, KnownDeviceRow, found, |row: KnownDeviceRow| Ok::<_, Fault>(Record::KnownDevice(
        row.try_into()?
    )));
    let found = audit_events::table
        .filter(audit_events::subject.eq(user).or(audit_events::actor.eq(user)))
        .order(audit_events::seq)
        .select(AuditRow::as_select());
    owned!(conn, records, AuditRow, found, |row: AuditRow| Ok::<_, Fault>(Record::Audit(row.try_into()?)));
    own_messages(conn, user, &mut records)?;
    Ok(records)
}

fn own_sessions(conn: &mut SqliteConnection, user: i64, to: &mut Vec<Record>) -> Result<(), Fault> {
    let rows = sessions::table
        .filter(sessions::user_id.eq(user))
        .order(sessions::id)
        .select(SessionRow::as_select())
        .load(conn)?;
    for row in rows {
        let session = Session::try_from(row)?;
        let tokens = refresh_tokens::table
            .filter(refresh_tokens::session_id.eq(session.id.as_i64()))
            .order(refresh_tokens::generation)
            .select(GenerationRow::as_select())
            .load(conn)?;
        let tokens = tokens.into_iter().map(Generation::try_from).collect::<Result<_, _>>()?;
        to.push(Record::Session(session, tokens));
    }
    Ok(())
}

fn own_messages(conn: &mut SqliteConnection, user: i64, to: &mut Vec<Record>) -> Result<(), Fault> {
    let rows: Vec<(OutboxRow, Option<i64>, Option<String>)> = outbox::table
        .filter(outbox::user_id.eq(user))
        .order(outbox::id)
        .select((OutboxRow::as_select(), outbox::buried_at, outbox::last_error))
        .load(conn)?;
    for (row, buried, last_error) in rows {
        let item = OutboxItem::try_from(row)?;
        let buried_at = optional_time("outbox", item.id.as_i64(), buried)?;
        to.push(Record::Outbox(item, Fate { buried_at, last_error }));
    }
    Ok(())
}

fn optional_time(
    table: &'static str,
    id: i64,
    stored: Option<i64>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    stored.map(|stored| time(stored).ok_or_else(|| corrupt(table, &id))).transpose()
}

/// Whoever adds a table about people adds it here; one that refers to accounts makes itself felt.
fn erase(conn: &mut SqliteConnection, user: i64, at: i64) -> Result<bool, Fault> {
    let own = sessions::table.filter(sessions::user_id.eq(user)).select(sessions::id);
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(own))).execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
    diesel::delete(one_time_links::table.filter(one_time_links::user_id.eq(user))).execute(conn)?;
    diesel::delete(totp_secrets::table.find(user)).execute(conn)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(conn)?;
    diesel::delete(trusted_devices::table.filter(trusted_devices::user_id.eq(user))).execute(conn)?;
    diesel::delete(known_devices::table.filter(known_devices::user_id.eq(user))).execute(conn)?;
    diesel::delete(linked_identities::table.filter(linked_identities::user_id.eq(user))).execute(conn)?;
    diesel::delete(api_keys::table.filter(api_keys::user_id.eq(user))).execute(conn)?;
    diesel::delete(outbox::table.filter(outbox::user_id.eq(user))).execute(conn)?;
    if diesel::delete(users::table.find(user)).execute(conn)? == 0 {
        return Ok(false);
    }
    let erased = (erased_accounts::id.eq(user), erased_accounts::at.eq(at));
    diesel::insert_into(erased_accounts::table).values(erased).execute(conn)?;
    Ok(true)
}

fn erase_clients(conn: &mut SqliteConnection, user: i64, limit: i64) -> Result<u64, Fault> {
    let entries: Vec<EntryRow> =
        sql_query(CLIENTS).bind::<BigInt, _>(user).bind::<BigInt, _>(limit).load(conn)?;
    for EntryRow { position, seq, ip } in &entries {
        let network = ip.as_deref().and_then(network_text);
        diesel::update(audit_events::table.find(seq))
            .set((audit_events::ip.eq(network), audit_events::user_agent.eq(None::<String>)))
            .execute(conn)?;
        diesel::update(audit_chain::table.find(position))
            .set(audit_chain::salt.eq(None::<Vec<u8>>))
            .execute(conn)?;
    }
    Ok(count(entries.len()))
}

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    ip: Option<String>,
}

/// Two questions, so that each has its index.
const CLIENTS: &str = "SELECT c.position, e.seq, e.ip FROM audit_events e
     JOIN audit_chain c ON c.seq = e.seq AND c.salt IS NOT NULL
     WHERE e.seq IN (
         SELECT seq FROM audit_events WHERE subject = ?1 AND (actor IS NULL OR actor = ?1)
         UNION SELECT seq FROM audit_events WHERE actor IS NOT NULL AND actor IS NOT subject AND actor = ?1
     ) LIMIT ?2";

fn other_superusers(conn: &mut SqliteConnection, user: i64) -> Result<u64, Fault> {
    let others: i64 = users::table
        .filter(users::superuser.and(users::status.eq("active")).and(users::id.ne(user)))
        .count()
        .get_result(conn)?;
    Ok(others.unsigned_abs())
}
