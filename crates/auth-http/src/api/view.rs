//! What clients are shown. Field names and their order are the contract's.

use std::borrow::Cow;

use auth_domain::{
    session::Session,
    user::{FullName, User},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{device::Device, time::wire_time};

/// A sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    message: Cow<'static, str>,
}

impl Message {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
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
    /// Whether an authenticator app is a second factor.
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
            mfa_enabled: user.factors.totp,
            created_at: wire_time(user.created_at),
            updated_at: wire_time(user.updated_at),
        }
    }
}

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
    /// Whether text messages are to be a second factor; they are once the number is verified.
    sms_mfa_enabled: bool,
    phone_verified: bool,
    phone_number: Option<String>,
    email_mfa_enabled: bool,
    is_manager: bool,
    /// Always `false`: there is no such factor here, and clients expect the field.
    biometric_mfa_enabled: bool,
    /// `cognito` for an account that only Cognito opens, else `native`.
    #[schema(example = "native")]
    provider: &'static str,
    /// All that open the account: `native`, `cognito`.
    providers: Vec<&'static str>,
}

impl ProfileView {
    /// The account, and whether an identity at Cognito opens it, too.
    pub(crate) fn new(user: &User, is_linked: bool) -> Self {
        let native = user.credential.is_some() || !is_linked;
        let all = [native.then_some(NATIVE), is_linked.then_some(COGNITO)];
        Self {
            provider: if native { NATIVE } else { COGNITO },
            providers: all.into_iter().flatten().collect(),
            ..user.into()
        }
    }
}

const NATIVE: &str = "native";
const COGNITO: &str = "cognito";

impl From<&User> for ProfileView {
    fn from(user: &User) -> Self {
        let sms = &user.factors.sms;
        Self {
            account: user.into(),
            status: user.status.as_str(),
            last_login: user.last_login_at.map(wire_time),
            is_password_temporary: user.must_change_password(),
            is_superuser: user.roles.superuser,
            application_admin: user.roles.application_admin,
            sms_mfa_enabled: sms.enabled,
            phone_verified: sms.is_verified(),
            phone_number: sms.shown_number().map(ToString::to_string),
            email_mfa_enabled: user.factors.email,
            is_manager: user.roles.manager,
            biometric_mfa_enabled: false,
            provider: NATIVE,
            providers: vec![NATIVE],
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
