//! Lists and counts of accounts.

use auth_domain::{
    id::UserId,
    port::{Recent, RecentSince, UserCounts, UserFilter},
    tenant::TenantId,
    user::{User, UserSearch, UserStatus},
};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text},
    sqlite::Sqlite,
};

use super::entities;
use crate::{
    error::{Fault, corrupt},
    row::{UserRow, micros},
    schema::users,
};

type Query<'a> = diesel::helper_types::IntoBoxed<'a, users::table, Sqlite>;

pub(super) fn page(
    conn: &mut SqliteConnection,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<User>, Fault> {
    let mut query = users::table.into_boxed();
    // SQLite walks one index, and guesses which. The narrowest filter gets it: a search, else a tenant. A
    // `+` hides a column from the guess.
    query = match &filter.search {
        Some(search) => beginning(query, search).order(sql::<BigInt>("+id")),
        None => query.order(users::id),
    };
    if let Some(after) = after {
        query = query.filter(users::id.gt(after.as_i64()));
    }
    if let Some(tenant) = &filter.tenant {
        let column = if filter.search.is_some() { "+tenant = " } else { "tenant = " };
        query = query.filter(sql::<Bool>(column).bind::<Text, _>(tenant.as_str().to_owned()));
    }
    if !filter.statuses.is_empty() {
        query = query.filter(users::status.eq_any(filter.statuses.iter().map(|status| status.as_str())));
        if !filter.statuses.contains(&UserStatus::Active) {
            query = query.filter(sql::<Bool>("status <> 'active'")); // the index of those few
        }
    }
    if filter.without_superusers {
        query = query.filter(users::superuser.eq(false));
    }
    entities(query.limit(i64::from(limit)).select(UserRow::as_select()).load(conn)?)
}

fn beginning<'a>(query: Query<'a>, search: &UserSearch) -> Query<'a> {
    let [email, name] = [search.email(), search.name()].map(ToOwned::to_owned);
    let (past_email, past_name) = (past(&email), past(&name));
    query.filter(
        sql::<Bool>("(email >= ")
            .bind::<Text, _>(email)
            .sql(" AND email < ")
            .bind::<Text, _>(past_email)
            .sql(" OR lower(full_name) >= ")
            .bind::<Text, _>(name)
            .sql(" AND lower(full_name) < ")
            .bind::<Text, _>(past_name)
            .sql(")"),
    )
}

/// What sorts behind all texts that begin so: no text has its last character.
fn past(beginning: &str) -> String {
    format!("{beginning}{}", char::MAX)
}

#[derive(QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = BigInt)]
    active: i64,
    #[diesel(sql_type = BigInt)]
    inactive: i64,
    #[diesel(sql_type = BigInt)]
    suspended: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    deleted: i64,
    #[diesel(sql_type = BigInt)]
    verified: i64,
    #[diesel(sql_type = BigInt)]
    with_second_factor: i64,
    #[diesel(sql_type = BigInt)]
    registered_day: i64,
    #[diesel(sql_type = BigInt)]
    registered_week: i64,
    #[diesel(sql_type = BigInt)]
    signed_in_day: i64,
    #[diesel(sql_type = BigInt)]
    signed_in_week: i64,
}

pub(super) fn counts(
    conn: &mut SqliteConnection,
    tenant: Option<&TenantId>,
    since: RecentSince,
) -> Result<Vec<UserCounts>, Fault> {
    // Every account is read: numbers that change with each sign-in are kept nowhere.
    let rows: Vec<CountsRow> = sql_query(
        "SELECT tenant,
             count(*) FILTER (WHERE status = 'active') AS active,
             count(*) FILTER (WHERE status = 'inactive') AS inactive,
             count(*) FILTER (WHERE status = 'suspended') AS suspended,
             count(*) FILTER (WHERE status = 'pending') AS pending,
             count(*) FILTER (WHERE status = 'deleted') AS deleted,
             count(*) FILTER (WHERE status <> 'deleted' AND email_verified) AS verified,
             count(*) FILTER (WHERE status <> 'deleted'
                 AND (totp OR email_factor OR sms_enabled AND phone_number IS NOT NULL)) AS with_second_factor,
             count(*) FILTER (WHERE status <> 'deleted' AND created_at >= ?2) AS registered_day,
             count(*) FILTER (WHERE status <> 'deleted' AND created_at >= ?3) AS registered_week,
             count(*) FILTER (WHERE status <> 'deleted' AND last_login_at >= ?2) AS signed_in_day,
             count(*) FILTER (WHERE status <> 'deleted' AND last_login_at >= ?3) AS signed_in_week
         FROM users WHERE tenant = coalesce(?1, tenant) GROUP BY tenant ORDER BY tenant",
    )
    .bind::<Nullable<Text>, _>(tenant.map(TenantId::as_str))
    .bind::<BigInt, _>(micros(since.day))
    .bind::<BigInt, _>(micros(since.week))
    .load(conn)?;
    rows.iter().map(entity).collect()
}

fn entity(row: &CountsRow) -> Result<UserCounts, Fault> {
    let rows = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(UserCounts {
        tenant: TenantId::parse(&row.tenant).map_err(|_| corrupt("users", &row.tenant))?,
        active: rows(row.active),
        inactive: rows(row.inactive),
        suspended: rows(row.suspended),
        pending: rows(row.pending),
        deleted: rows(row.deleted),
        verified: rows(row.verified),
        with_second_factor: rows(row.with_second_factor),
        registered: Recent { day: rows(row.registered_day), week: rows(row.registered_week) },
        signed_in: Recent { day: rows(row.signed_in_day), week: rows(row.signed_in_week) },
    })
}

pub(super) fn superusers(conn: &mut SqliteConnection) -> Result<Vec<User>, Fault> {
    let rows: Vec<UserRow> = users::table
        .filter(sql::<Bool>("superuser = 1 AND status = 'active'"))
        .order(users::id)
        .select(UserRow::as_select())
        .load(conn)?;
    entities(rows)
}
