//! The kinds of notices, their templates, and a sample of each.

use std::{fmt, str::FromStr};

use auth_domain::{
    client::{Client, UserAgent},
    factor::{FactorKind, OneTimeCode},
    id::OutboxId,
    port::{Letter, Notice},
    tenant::TenantId,
    token::LinkToken,
    user::{Email, FullName, Password},
};
use chrono::DateTime;

/// The kinds, with the name of their templates. A new notice needs a line here, an arm in
/// [`NoticeKind::of`] and in [`notice`], and its three templates.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal)+) => {
        /// What a letter is about: names its templates, and what to preview.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum NoticeKind { $($(#[$doc])* $kind,)+ }

        impl NoticeKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The name of the templates.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }
        }

        /// All templates that are compiled in: name and source.
        pub(super) const SOURCES: &[(&str, &str)] = &[
            ("layout.txt", include_str!("../../templates/layout.txt")),
            ("layout.html", include_str!("../../templates/layout.html")),
            $(
                (
                    concat!($name, ".subject.txt"),
                    include_str!(concat!("../../templates/", $name, ".subject.txt")),
                ),
                (concat!($name, ".txt"), include_str!(concat!("../../templates/", $name, ".txt"))),
                (concat!($name, ".html"), include_str!(concat!("../../templates/", $name, ".html"))),
            )+
        ];
    };
}

kinds! {
    /// [`Notice::VerifyEmail`].
    VerifyEmail = "verify_email"
    /// [`Notice::AccountExists`].
    AccountExists = "account_exists"
    /// [`Notice::ResetPassword`].
    ResetPassword = "reset_password"
    /// [`Notice::ConfirmEmailChange`].
    ConfirmEmailChange = "confirm_email_change"
    /// [`Notice::EmailChangeRequested`].
    EmailChangeRequested = "email_change_requested"
    /// [`Notice::PasswordChanged`].
    PasswordChanged = "password_changed"
    /// [`Notice::RefreshReuse`].
    RefreshReuse = "refresh_reuse"
    /// [`Notice::EmailChanged`].
    EmailChanged = "email_changed"
    /// [`Notice::NewDevice`].
    NewDevice = "new_device"
    /// [`Notice::AccountLocked`].
    AccountLocked = "account_locked"
    /// [`Notice::LoginCode`].
    LoginCode = "login_code"
    /// [`Notice::ProofCode`].
    ProofCode = "proof_code"
    /// [`Notice::FactorEnabled`].
    FactorEnabled = "factor_enabled"
    /// [`Notice::FactorDisabled`].
    FactorDisabled = "factor_disabled"
    /// [`Notice::FactorAutoEnabled`].
    FactorAutoEnabled = "factor_auto_enabled"
    /// [`Notice::RecoveryCodeUsed`].
    RecoveryCodeUsed = "recovery_code_used"
    /// [`Notice::RecoveryCodesReplaced`].
    RecoveryCodesReplaced = "recovery_codes_replaced"
    /// [`Notice::SignInAfterFailures`].
    SignInAfterFailures = "sign_in_after_failures"
    /// [`Notice::IdentityLinked`].
    IdentityLinked = "identity_linked"
    /// [`Notice::AccountClaimed`].
    AccountClaimed = "account_claimed"
    /// [`Notice::IdentityUnlinked`].
    IdentityUnlinked = "identity_unlinked"
    /// [`Notice::ApiKeyCreated`].
    ApiKeyCreated = "api_key_created"
    /// [`Notice::TemporaryPassword`].
    TemporaryPassword = "temporary_password"
    /// [`Notice::NewPassword`].
    NewPassword = "new_password"
}

impl NoticeKind {
    /// The kind of a notice.
    pub(super) const fn of(notice: &Notice) -> Self {
        match notice {
            Notice::VerifyEmail(_) => Self::VerifyEmail,
            Notice::AccountExists => Self::AccountExists,
            Notice::ResetPassword(_) => Self::ResetPassword,
            Notice::ConfirmEmailChange(_) => Self::ConfirmEmailChange,
            Notice::EmailChangeRequested { .. } => Self::EmailChangeRequested,
            Notice::PasswordChanged => Self::PasswordChanged,
            Notice::RefreshReuse => Self::RefreshReuse,
            Notice::EmailChanged { .. } => Self::EmailChanged,
            Notice::NewDevice => Self::NewDevice,
            Notice::AccountLocked(_) => Self::AccountLocked,
            Notice::LoginCode(_) => Self::LoginCode,
            Notice::ProofCode(_) => Self::ProofCode,
            Notice::FactorEnabled(_) => Self::FactorEnabled,
            Notice::FactorDisabled(_) => Self::FactorDisabled,
            Notice::FactorAutoEnabled => Self::FactorAutoEnabled,
            Notice::RecoveryCodeUsed => Self::RecoveryCodeUsed,
            Notice::RecoveryCodesReplaced => Self::RecoveryCodesReplaced,
            Notice::SignInAfterFailures => Self::SignInAfterFailures,
            Notice::IdentityLinked => Self::IdentityLinked,
            Notice::AccountClaimed => Self::AccountClaimed,
            Notice::IdentityUnlinked => Self::IdentityUnlinked,
            Notice::ApiKeyCreated => Self::ApiKeyCreated,
            Notice::TemporaryPassword(_) => Self::TemporaryPassword,
            Notice::NewPassword(_) => Self::NewPassword,
        }
    }

    /// All names, for a message.
    pub(super) fn names() -> String {
        Self::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of mail; there are {names}", names = NoticeKind::names())]
pub struct UnknownKind;

impl FromStr for NoticeKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// A token that nobody was given: 32 zero bytes.
const NO_TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A code that nobody was given.
const NO_CODE: &str = "123456";

/// What a sample hands out; too long for a password that anybody has.
const NO_PASSWORD: &str = "xxxx-xxxx-xxxx-xxxx-xxxx";

/// A letter of this kind to a made-up person.
pub(super) fn sample(kind: NoticeKind) -> Letter {
    Letter {
        id: OutboxId::from_i64(0),
        tenant: TenantId::default(),
        to: Email::parse("ada@example.com").expect("a constant that is an address"),
        name: FullName::parse("Ada Lovelace").ok(),
        notice: notice(kind),
        client: Client {
            ip: Some([203, 0, 113, 7].into()),
            user_agent: UserAgent::new(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            request_id: None,
        },
        at: DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default(),
    }
}

fn masked() -> String {
    "lo***@example.org".to_owned()
}

fn notice(kind: NoticeKind) -> Notice {
    let token = LinkToken::parse(NO_TOKEN).expect("a constant that is a token");
    let code = OneTimeCode::parse(NO_CODE).expect("a constant that is a code");
    match kind {
        NoticeKind::VerifyEmail => Notice::VerifyEmail(token),
        NoticeKind::AccountExists => Notice::AccountExists,
        NoticeKind::ResetPassword => Notice::ResetPassword(token),
        NoticeKind::ConfirmEmailChange => Notice::ConfirmEmailChange(token),
        NoticeKind::EmailChangeRequested => Notice::EmailChangeRequested { masked: masked() },
        NoticeKind::EmailChanged => Notice::EmailChanged { masked: masked() },
        NoticeKind::NewDevice => Notice::NewDevice,
        NoticeKind::AccountLocked => Notice::AccountLocked(token),
        NoticeKind::PasswordChanged => Notice::PasswordChanged,
        NoticeKind::RefreshReuse => Notice::RefreshReuse,
        NoticeKind::LoginCode => Notice::LoginCode(code),
        NoticeKind::ProofCode => Notice::ProofCode(code),
        NoticeKind::FactorEnabled => Notice::FactorEnabled(FactorKind::Totp),
        NoticeKind::FactorDisabled => Notice::FactorDisabled(FactorKind::Sms),
        NoticeKind::FactorAutoEnabled => Notice::FactorAutoEnabled,
        NoticeKind::RecoveryCodeUsed => Notice::RecoveryCodeUsed,
        NoticeKind::RecoveryCodesReplaced => Notice::RecoveryCodesReplaced,
        NoticeKind::SignInAfterFailures => Notice::SignInAfterFailures,
        NoticeKind::IdentityLinked => Notice::IdentityLinked,
        NoticeKind::AccountClaimed => Notice::AccountClaimed,
        NoticeKind::IdentityUnlinked => Notice::IdentityUnlinked,
        NoticeKind::ApiKeyCreated => Notice::ApiKeyCreated,
        NoticeKind::TemporaryPassword => Notice::TemporaryPassword(Password::new(NO_PASSWORD.to_owned())),
        NoticeKind::NewPassword => Notice::NewPassword(Password::new(NO_PASSWORD.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_its_kind_and_a_name_of_its_own() {
        for kind in NoticeKind::ALL.iter().copied() {
            assert_eq!(NoticeKind::of(&sample(kind).notice), kind);
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("layout".parse::<NoticeKind>(), Err(UnknownKind));
        assert!(UnknownKind.to_string().contains("reset_password"));
    }
}
