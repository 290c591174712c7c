//! Lists and counts of accounts.

use auth_domain::{
    id::UserId,
    port::{Recent, RecentSince, StoreError, UserCounts, UserFilter},
    tenant::TenantId,
    user::UserStatus,
};
use diesel::sql_types::{BigInt, Text};

use crate::{
    error::corrupt,
    exchange::Find,
    row::UserRow,
    schema::{Users, users},
    statement::Statement,
};

/// Each text walks one index: that of addresses and that of names for a search, else that of a tenant, or of
/// its few accounts that are not in use. The other filters are asked of what it finds.
pub(super) fn page(filter: &UserFilter, after: Option<UserId>, limit: u32) -> Statement {
    let tenant = filter.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let page = match (&filter.search, tenant) {
        (Some(search), tenant) => Statement::new(SEARCH)
            .with(search.email())
            .with(past(search.email()))
            .with(search.name())
            .with(past(search.name()))
            .with(tenant),
        (None, Some(tenant)) if is_unusual(filter) => Statement::new(UNUSUAL_OF_TENANT).with(tenant),
        (None, Some(tenant)) => Statement::new(OF_TENANT).with(tenant),
        (None, None) => Statement::new(OF_ALL),
    };
    page.with(statuses(filter))
        .with(filter.without_superusers)
        .with(after.map_or(i64::MIN, UserId::as_i64))
        .with(limit)
}

fn is_unusual(filter: &UserFilter) -> bool {
    !filter.statuses.is_empty() && !filter.statuses.contains(&UserStatus::Active)
}

fn statuses(filter: &UserFilter) -> Vec<Option<String>> {
    let wanted: &[UserStatus] = if filter.statuses.is_empty() { &UserStatus::ALL } else { &filter.statuses };
    wanted.iter().map(|status| Some(status.as_str().to_owned())).collect()
}

/// What sorts behind all texts that begin so: no text has its last character.
fn past(beginning: &str) -> String {
    format!("{beginning}{}", char::MAX)
}

macro_rules! page {
    ($filter:literal) => {
        concat!(
            "SELECT ",
            users!(),
            " FROM users u WHERE ",
            $filter,
            " u.status = ANY (?) AND NOT (? AND u.superuser) AND u.id > ? ORDER BY u.id LIMIT ?"
        )
    };
}

const SEARCH: &str = page!(
    "(u.email COLLATE \"C\" >= ? AND u.email COLLATE \"C\" < ?
     OR lower(u.full_name COLLATE \"C\") >= ? AND lower(u.full_name COLLATE \"C\") < ?)
     AND u.tenant = coalesce(?, u.tenant) AND"
);
const UNUSUAL_OF_TENANT: &str = page!("u.tenant = ? AND u.status <> 'active' AND");
const OF_TENANT: &str = page!("u.tenant = ? AND");
const OF_ALL: &str = page!("");

type CountsColumns =
    (Text, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt);
type CountsRow = (String, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

pub(super) fn counts(tenant: Option<&TenantId>, since: RecentSince) -> Find<CountsColumns, CountsRow> {
    let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
    let count = Statement::new(COUNTS);
    Find::new(count.with(since.day).with(since.week).with(since.day).with(since.week).with(tenant))
}

pub(super) fn counted(rows: Vec<CountsRow>) -> Result<Vec<UserCounts>, StoreError> {
    rows.into_iter().map(entity).collect()
}

fn entity(row: CountsRow) -> Result<UserCounts, StoreError> {
    let (tenant, active, inactive, suspended, pending, deleted, verified, factor, r1, r7, s1, s7) = row;
    let rows = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(UserCounts {
        tenant: TenantId::parse(&tenant).map_err(|_| corrupt("users", &tenant))?,
        active: rows(active),
        inactive: rows(inactive),
        suspended: rows(suspended),
        pending: rows(pending),
        deleted: rows(deleted),
        verified: rows(verified),
        with_second_factor: rows(factor),
        registered: Recent { day: rows(r1), week: rows(r7) },
        signed_in: Recent { day: rows(s1), week: rows(s7) },
    })
}

/// Every account is read: numbers that change with each sign-in are kept nowhere.
const COUNTS: &str = "SELECT tenant,
         count(*) FILTER (WHERE status = 'active'), count(*) FILTER (WHERE status = 'inactive'),
         count(*) FILTER (WHERE status = 'suspended'), count(*) FILTER (WHERE status = 'pending'),
         count(*) FILTER (WHERE status = 'deleted'),
         count(*) FILTER (WHERE status <> 'deleted' AND email_verified),
         count(*) FILTER (WHERE status <> 'deleted'
             AND (totp OR email_factor OR sms_enabled AND phone_number IS NOT NULL)),
         count(*) FILTER (WHERE status <> 'deleted' AND created_at >= ?),
         count(*) FILTER (WHERE status <> 'deleted' AND created_at >= ?),
         count(*) FILTER (WHERE status <> 'deleted' AND last_login_at >= ?),
         count(*) FILTER (WHERE status <> 'deleted' AND last_login_at >= ?)
     FROM users WHERE tenant = coalesce(?, tenant) GROUP BY tenant ORDER BY tenant COLLATE \"C\"";

pub(super) fn lock_superusers() -> Find<Users, UserRow> {
    Find::new(Statement::new(LOCK_SUPERUSERS))
}

/// In the order of ids: two of these never wait for each other.
const LOCK_SUPERUSERS: &str = concat!(
    "SELECT ",
    users!(),
    " FROM users u WHERE u.superuser AND u.status = 'active' ORDER BY u.id FOR NO KEY UPDATE"
);
