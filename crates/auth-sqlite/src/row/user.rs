//! Rows of `users`.

use auth_domain::{
    factor::{Enrolment, SmsFactor},
    id::UserId,
    port::StoreError,
    tenant::TenantId,
    user::{Credential, FullName, PasswordHash, PhoneNumber, Roles, User},
};
use diesel::prelude::*;

use super::{email, micros, nullable, time};
use crate::{error::corrupt, schema::users};

/// An account. No `Debug`: it holds a password hash.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = users,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false,
    treat_none_as_null = true
)]
pub(crate) struct UserRow {
    pub(crate) id: i64,
    tenant: String,
    email: String,
    email_verified: bool,
    full_name: Option<String>,
    status: String,
    superuser: bool,
    application_admin: bool,
    manager: bool,
    password_hash: Option<String>,
    temporary_until: Option<i64>,
    last_login_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    totp: bool,
    sms_enabled: bool,
    phone_number: Option<String>,
    phone_pending: Option<String>,
    email_factor: bool,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let credential = user.credential.as_ref();
        Self {
            id: user.id.as_i64(),
            tenant: user.tenant.to_string(),
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified,
            full_name: user.full_name.as_ref().map(ToString::to_string),
            status: user.status.to_string(),
            superuser: user.roles.superuser,
            application_admin: user.roles.application_admin,
            manager: user.roles.manager,
            password_hash: credential.map(|credential| credential.hash.as_str().to_owned()),
            temporary_until: credential.and_then(|credential| credential.temporary_until).map(micros),
            last_login_at: user.last_login_at.map(micros),
            created_at: micros(user.created_at),
            updated_at: micros(user.updated_at),
            totp: user.factors.totp,
            sms_enabled: user.factors.sms.enabled,
            phone_number: user.factors.sms.number.as_ref().map(ToString::to_string),
            phone_pending: user.factors.sms.pending.as_ref().map(ToString::to_string),
            email_factor: user.factors.email,
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let id = row.id;
        entity(row).ok_or_else(|| corrupt("users", &id))
    }
}

fn entity(row: UserRow) -> Option<User> {
    let temporary_until = nullable(row.temporary_until, time)?;
    let credential = match (row.password_hash, temporary_until) {
        (Some(hash), temporary_until) => Some(Credential { hash: PasswordHash::new(hash), temporary_until }),
        (None, None) => None,
        (None, Some(_)) => return None,
    };
    Some(User {
        id: UserId::from_i64(row.id),
        tenant: TenantId::parse(&row.tenant).ok()?,
        email: email(&row.email)?,
        email_verified: row.email_verified,
        full_name: nullable(row.full_name, |name| FullName::parse(&name).ok())?,
        status: row.status.parse().ok()?,
        roles: Roles {
            superuser: row.superuser,
            application_admin: row.application_admin,
            manager: row.manager,
        },
        credential,
        factors: Enrolment {
            totp: row.totp,
            sms: SmsFactor {
                enabled: row.sms_enabled,
                number: phone(row.phone_number)?,
                pending: phone(row.phone_pending)?,
            },
            email: row.email_factor,
        },
        last_login_at: nullable(row.last_login_at, time)?,
        created_at: time(row.created_at)?,
        updated_at: time(row.updated_at)?,
    })
}

fn phone(text: Option<String>) -> Option<Option<PhoneNumber>> {
    nullable(text, |text| PhoneNumber::parse(&text).ok())
}
