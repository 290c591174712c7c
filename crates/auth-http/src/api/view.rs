//! What clients are shown. Field names and their order are the contract's.

use auth_domain::{
    session::Session,
    usecase::SignedIn,
    user::{FullName, User},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{device::Device, time::wire_time};

/// A sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    message: &'static str,
}

impl Message {
    pub(crate) const fn new(message: &'static str) -> Self {
        Self { message }
    }
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    email: String,
    full_name: Option<String>,
    /// Below 2^53.
    id: i64,
    is_verified: bool,
    mfa_enabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<&User> for AccountView {
    fn from(user: &User) -> Self {
        Self {
            email: user.email.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(|name| FullName::as_str(name).to_owned()),
            id: user.id.as_i64(),
            is_verified: user.email_verified,
            mfa_enabled: NO_FACTORS,
            created_at: wire_time(user.created_at),
            updated_at: wire_time(user.updated_at),
        }
    }
}

/// No account can enrol a second factor in this version; clients expect the fields all the same.
const NO_FACTORS: bool = false;

/// One's own account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileView {
    #[serde(flatten)]
    account: AccountView,
    #[schema(example = "active")]
    status: &'static str,
    #[schema(format = DateTime)]
    last_login: Option<String>,
    is_password_temporary: bool,
    is_superuser: bool,
    application_admin: bool,
    sms_mfa_enabled: bool,
    phone_verified: bool,
    phone_number: Option<String>,
    email_mfa_enabled: bool,
    is_manager: bool,
    biometric_mfa_enabled: bool,
}

impl From<&User> for ProfileView {
    fn from(user: &User) -> Self {
        Self {
            account: user.into(),
            status: user.status.as_str(),
            last_login: user.last_login_at.map(wire_time),
            is_password_temporary: user.must_change_password(),
            is_superuser: user.roles.superuser,
            application_admin: user.roles.application_admin,
            sms_mfa_enabled: NO_FACTORS,
            phone_verified: NO_FACTORS,
            phone_number: None,
            email_mfa_enabled: NO_FACTORS,
            is_manager: user.roles.manager,
            biometric_mfa_enabled: NO_FACTORS,
        }
    }
}

/// How long a person may still do without a second factor. Second factors are not demanded in this
/// version, so nobody is in a grace period.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
pub(crate) struct GracePeriod {
    in_grace_period: bool,
    days_remaining: u32,
    grace_period_days: u32,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    auto_enable_at: Option<String>,
    auto_enable_method: &'static str,
}

impl GracePeriod {
    const fn none() -> Self {
        Self {
            in_grace_period: false,
            days_remaining: 0,
            grace_period_days: 30,
            expires_at: None,
            auto_enable_at: None,
            auto_enable_method: "none",
        }
    }
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    access_token: String,
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Whether the password was handed out and must be changed.
    password_change_required: bool,
    grace_period: GracePeriod,
}

impl From<&SignedIn> for TokenView {
    fn from(signed_in: &SignedIn) -> Self {
        Self {
            access_token: signed_in.access.expose_secret().to_owned(),
            refresh_token: signed_in.refresh.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: signed_in.expires_in.num_seconds(),
            password_change_required: signed_in.user.must_change_password(),
            grace_period: GracePeriod::none(),
        }
    }
}

/// The tokens of a refreshed session. The last two fields are there only while the password is
/// temporary.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshedView {
    access_token: String,
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    grace_period: GracePeriod,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_change_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl From<&SignedIn> for RefreshedView {
    fn from(signed_in: &SignedIn) -> Self {
        let temporary = signed_in.user.must_change_password();
        Self {
            access_token: signed_in.access.expose_secret().to_owned(),
            refresh_token: signed_in.refresh.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: signed_in.expires_in.num_seconds(),
            grace_period: GracePeriod::none(),
            password_change_required: temporary.then_some(true),
            message: temporary.then_some("Your password is temporary and must be changed."),
        }
    }
}

/// One session in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: i64,
    ip_address: Option<String>,
    user_agent: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(format = DateTime)]
    last_used_at: String,
    device: Device,
    is_current: bool,
}

impl SessionView {
    pub(crate) fn new(session: &Session, current: Option<&Session>) -> Self {
        let user_agent = session.user_agent.as_ref().map(auth_domain::client::UserAgent::as_str);
        Self {
            id: session.id.as_i64(),
            ip_address: session.ip.map(|ip| ip.to_string()),
            user_agent: user_agent.map(ToOwned::to_owned),
            created_at: wire_time(session.created_at),
            expires_at: wire_time(session.expires_at),
            last_used_at: wire_time(session.last_used_at),
            device: Device::from_user_agent(user_agent),
            is_current: current.is_some_and(|current| current.id == session.id),
        }
    }
}
