//! The names of events.

use std::{fmt, str::FromStr};

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Failure,
}

impl Outcome {
    /// The name that stores and clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// The text names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an audit event")]
pub struct UnknownEvent;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $outcome:ident;)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditEvent {
            $($(#[$doc])* $variant,)*
        }

        impl AuditEvent {
            /// All events.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name that stores and clients use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether the event reports something done or something refused.
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)* }
            }
        }
    };
}

events! {
    /// Somebody made an account.
    Registered = "register", Success;
    /// Somebody tried to register an address that has an account.
    RegisterRefused = "register.refused", Failure;
    /// An administrator made an account.
    UserCreated = "admin.user_created", Success;
    /// People came from another system: so many in one batch.
    UsersImported = "admin.users_imported", Success;
    /// An operator took a copy of the accounts.
    UsersExported = "admin.users_exported", Success;
    /// An operator took a copy of everything that is kept about an account.
    PersonExported = "admin.user_exported", Success;
    /// An operator erased an account.
    UserErased = "admin.user_erased", Success;
    /// A role was granted.
    RoleGranted = "admin.role_granted", Success;
    /// A role was taken.
    RoleTaken = "admin.role_taken", Success;
    /// An administrator looked at a list of accounts.
    UsersListed = "admin.users_listed", Success;
    /// An administrator looked at everything about an account.
    UserShown = "admin.user_shown", Success;
    /// An administrator switched an account on or off.
    StatusChanged = "admin.status_changed", Success;
    /// An administrator removed an account.
    UserDeleted = "admin.user_deleted", Success;
    /// An administrator brought a removed account back.
    UserReactivated = "admin.user_reactivated", Success;
    /// An administrator gave an account a password.
    PasswordHandedOut = "admin.password_handed_out", Success;
    /// An administrator took the second factors of an account away.
    FactorsReset = "admin.factors_reset", Success;
    /// An administrator looked at the sessions of an account.
    SessionsShown = "admin.sessions_shown", Success;
    /// An administrator ended the sessions of an account.
    SessionsEnded = "admin.sessions_ended", Success;
    /// An administrator looked at the devices of an account that need no second factor for now.
    DevicesShown = "admin.devices_shown", Success;
    /// An operator looked at the messages that are owed or were given up.
    MessagesListed = "admin.messages_listed", Success;
    /// An operator had a message tried again at once.
    MessageRetried = "admin.message_retried", Success;
    /// An operator had a message deleted unsent.
    MessageDiscarded = "admin.message_discarded", Success;
    /// An operator looked at the audit log.
    AuditRead = "admin.audit_read", Success;
    /// An operator took a copy of the audit log.
    AuditExported = "admin.audit_exported", Success;
    /// The server started with these settings.
    ConfigLoaded = "config.loaded", Success;
    /// Access tokens were not believed: so many in a minute, for one reason.
    TokenInvalid = "token.invalid", Failure;
    /// Calls with a good token were refused: so many in a minute, for one reason; or an administrator's.
    AuthzDenied = "authz.denied", Failure;
    /// The owner proved the address.
    EmailVerified = "email.verified", Success;
    /// A new address was asked for.
    EmailChangeRequested = "email.change_requested", Success;
    /// The account moved to a new address.
    EmailChanged = "email.changed", Success;
    /// The profile changed.
    ProfileChanged = "profile.changed", Success;
    /// The owner closed the account.
    AccountClosed = "account.closed", Success;
    /// The limits that replicas share cannot be reached: each counts for itself, more strictly.
    LimitsDegraded = "limits.degraded", Failure;
    /// Limits are shared again.
    LimitsRestored = "limits.restored", Success;
    /// A part failed several times in a row and is not asked for a while.
    BreakerOpened = "breaker.open", Failure;
    /// A part that was not asked answers again.
    BreakerClosed = "breaker.closed", Success;
    /// Somebody signed in.
    LoginOk = "login.ok", Success;
    /// A wrong password, an unknown address or an account that may not be used.
    LoginFailed = "login.fail", Failure;
    /// An attempt was refused because the identifier has to wait.
    LoginThrottled = "login.throttled", Failure;
    /// So many attempts failed from a known device that it is none any more.
    DeviceDemoted = "login.device_demoted", Failure;
    /// A mailed link opened an account that wrong passwords or codes had locked.
    AccountUnlocked = "account.unlocked", Success;
    /// An operator looked at the failures of an account.
    LanesShown = "admin.lanes_shown", Success;
    /// An administrator opened an account that wrong passwords or codes had locked.
    LanesCleared = "admin.lanes_cleared", Success;
    /// A session was closed by its owner.
    Logout = "logout", Success;
    /// A refresh token was replaced.
    RefreshOk = "refresh.ok", Success;
    /// A token spent a moment ago got its successor again.
    RefreshGrace = "refresh.grace", Success;
    /// A token spent long ago came back: its session was ended.
    RefreshReuse = "refresh.reuse", Failure;
    /// Sessions were ended from another session.
    SessionRevoked = "session.revoked", Success;
    /// A session was ended because the user had too many.
    SessionEvicted = "session.evicted", Success;
    /// A session was prolonged.
    SessionExtended = "session.extended", Success;
    /// All sessions were replaced by a new one.
    SessionRecovered = "session.recovered", Success;
    /// The password was changed by somebody who knew it, or had just proved it.
    PasswordChanged = "password.changed", Success;
    /// A change of password, address or account was refused for a wrong password.
    PasswordProofFailed = "password.proof_failed", Failure;
    /// A mail to reset the password was asked for.
    PasswordResetRequested = "password.reset_requested", Success;
    /// The password was reset through a mailed link.
    PasswordReset = "password.reset", Success;
    /// A new password was taken without being looked up among breached ones: nobody could tell.
    BreachCheckSkipped = "password.breach_check_skipped", Failure;
    /// The password was right, and a second factor was asked for.
    LoginMfaRequired = "login.mfa_required", Success;
    /// The password was right and the second factor was not.
    LoginMfaFailed = "login.mfa_fail", Failure;
    /// A second factor was set up and waits for its proof.
    MfaSetup = "mfa.setup", Success;
    /// A second factor was switched on.
    MfaActivated = "mfa.activated", Success;
    /// A second factor was switched on because the grace period ended.
    MfaAutoEnabled = "mfa.auto_enabled", Success;
    /// A second factor was switched off.
    MfaDisabled = "mfa.disabled", Success;
    /// A change of the second factors was refused for a wrong code.
    MfaProofFailed = "mfa.proof_failed", Failure;
    /// A recovery code was used.
    MfaRecoveryUsed = "mfa.recovery_used", Success;
    /// The recovery codes were replaced.
    MfaCodesRegenerated = "mfa.codes_regenerated", Success;
    /// Devices must prove a second factor again.
    MfaDevicesRevoked = "mfa.devices_revoked", Success;
    /// A code was sent by text message.
    SmsSent = "sms.sent", Success;
    /// A text message was not sent.
    SmsBlocked = "sms.blocked", Failure;
    /// A telephone number was proved.
    SmsVerified = "sms.verified", Success;
    /// A code was asked for by mail.
    EmailCodeRequested = "email.code_requested", Success;
    /// A code that came by mail was typed in by somebody signed in.
    EmailCodeVerified = "email.code_verified", Success;
    /// A request that came by cookie, or asked for cookies, did not prove that our own page sent it.
    CsrfDenied = "csrf.denied", Failure;
    /// A mobile application reported how it signed somebody in.
    MobileAuthReported = "mobile.auth_reported", Success;
    /// Cognito vouched for somebody who signs in.
    IdentityLogin = "cognito.login", Success;
    /// The account of a person at Cognito was linked to their account here.
    IdentityLinked = "cognito.link", Success;
    /// The link was removed.
    IdentityUnlinked = "cognito.unlink", Success;
    /// Cognito vouched for somebody, and the account here is not opened to them all the same.
    IdentityRefused = "cognito.fail", Failure;
    /// Cognito does not stand by the account any more: the sessions it opened were ended.
    IdentityRevoked = "cognito.revoked", Success;
    /// A password that Cognito knows became one of this server, too.
    PasswordMigrated = "cognito.password_migrated", Success;
    /// An API key was made.
    ApiKeyCreated = "apikey.created", Success;
    /// An API key was revoked, or all of an account.
    ApiKeyRevoked = "apikey.revoked", Success;
    /// Calls with an API key were refused: so many in a minute, for one reason.
    ApiKeyDenied = "apikey.denied", Failure;
    /// A new signing key was made.
    KeyRotated = "key.rotated", Success;
    /// A signing key was taken away at once.
    KeyRevoked = "key.revoked", Success;
    /// What an earlier secret sealed was sealed anew.
    DataRotated = "key.data_rotated", Success;
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|event| event.as_str() == text).ok_or(UnknownEvent)
    }
}
