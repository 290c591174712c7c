//! Rows of `users`.

use auth_domain::{
    factor::{Enrolment, SmsFactor},
    id::UserId,
    port::StoreError,
    tenant::TenantId,
    user::{Credential, FullName, PasswordHash, PhoneNumber, Roles, User},
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{email, nullable, time};
use crate::{error::corrupt, statement::Value};

/// An account. No `Debug`: it holds a password hash.
#[derive(Queryable)]
pub(crate) struct UserRow {
    id: i64,
    tenant: String,
    email: String,
    email_verified: bool,
    full_name: Option<String>,
    status: String,
    superuser: bool,
    application_admin: bool,
    manager: bool,
    password_hash: Option<String>,
    temporary_until: Option<PgTimestamp>,
    last_login_at: Option<PgTimestamp>,
    created_at: PgTimestamp,
    updated_at: PgTimestamp,
    totp: bool,
    sms_enabled: bool,
    phone_number: Option<String>,
    phone_pending: Option<String>,
    email_factor: bool,
}

/// The columns of an account in their order.
pub(crate) fn user_values(user: &User) -> [Value; 19] {
    let credential = user.credential.as_ref();
    [
        user.id.as_i64().into(),
        user.tenant.as_str().into(),
        (&user.email).into(),
        user.email_verified.into(),
        user.full_name.as_ref().map(ToString::to_string).into(),
        user.status.as_str().into(),
        user.roles.superuser.into(),
        user.roles.application_admin.into(),
        user.roles.manager.into(),
        credential.map(|credential| credential.hash.as_str().to_owned()).into(),
        credential.and_then(|credential| credential.temporary_until).into(),
        user.last_login_at.into(),
        user.created_at.into(),
        user.updated_at.into(),
        user.factors.totp.into(),
        user.factors.sms.enabled.into(),
        user.factors.sms.number.as_ref().map(ToString::to_string).into(),
        user.factors.sms.pending.as_ref().map(ToString::to_string).into(),
        user.factors.email.into(),
    ]
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
