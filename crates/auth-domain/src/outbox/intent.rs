//! What a message is about.

use chrono::TimeDelta;

use crate::{
    factor::{FactorKind, code},
    id::OutboxId,
    secret::Sealed,
    user::Email,
};

/// What to send.
///
/// None holds a secret that is not sealed: a copy of the outbox opens nothing.
///
/// To add one: the variant, its name in [`kind`](Self::kind) and [`from_parts`](Self::from_parts), its
/// [`usefulness`](Self::usefulness), whether it [is a notice](Self::is_notice); what it says and to whom
/// in `usecase/delivery.rs`, a [`Notice`](crate::port::Notice), and three templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A link that proves the account's address.
    VerifyEmail,
    /// "You already have an account": somebody tried to register this address.
    AccountExists,
    /// A link that sets a new password.
    ResetPassword,
    /// A link, sent to the new address, that moves the account there.
    ConfirmEmailChange {
        /// The new address.
        new_email: Email,
    },
    /// Tells the present address that a change to another was asked for.
    EmailChangeNotice {
        /// The new address.
        new_email: Email,
    },
    /// Tells the user that the password changed.
    PasswordChangedNotice,
    /// Tells the address the account has now that it moved there.
    EmailChangedNotice,
    /// Tells the address the account had that it moved away.
    EmailLeftNotice {
        /// The old address.
        old_email: Email,
    },
    /// Tells the user of a sign-in that, as far as open sessions show, came from somewhere new. Whether it
    /// did is looked up when it is sent.
    NewDeviceNotice,
    /// Tells the user that wrong passwords or codes locked the account, with a link that opens it.
    AccountLockedNotice,
    /// Tells the user that a spent refresh token came back and the session was ended.
    RefreshReuseNotice,
    /// A code that completes a login.
    LoginCode,
    /// A code for somebody who is signed in, to prove that mail arrives.
    ProofCode,
    /// Tells the user that a second factor was switched on, or moved to another number.
    FactorEnabledNotice(FactorKind),
    /// Tells the user that a second factor was switched off.
    FactorDisabledNotice(FactorKind),
    /// Tells the user that codes by mail were switched on because the grace period ended.
    FactorAutoEnabledNotice,
    /// Tells the user that a recovery code was used.
    RecoveryCodeUsedNotice,
    /// Tells the user that the recovery codes were replaced by new ones.
    RecoveryCodesReplacedNotice,
    /// Tells the user that a sign-in succeeded after several that failed.
    SignInAfterFailuresNotice,
    /// Tells the user that an account of theirs at Cognito opens this one from now on.
    IdentityLinkedNotice,
    /// Tells the user the same, and that a password somebody had set before the address was proved is gone.
    AccountClaimedNotice,
    /// Tells the user that their account at Cognito opens this one no more.
    IdentityUnlinkedNotice,
    /// Tells the user that an API key was made.
    ApiKeyCreatedNotice,
    /// A password that an administrator gave a new account, to be changed at the first login.
    TemporaryPassword {
        /// The password and what it was hashed to, sealed for this message.
        sealed: Sealed,
    },
    /// A password that an administrator gave an account in place of the one before.
    NewPassword {
        /// As above.
        sealed: Sealed,
    },
    /// Nothing: the same work for an address without an account.
    Nothing,
}

/// The text names no intent, or the intent lacks its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an intent of the outbox")]
pub struct UnknownIntent;

impl Intent {
    /// The name that stores use.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AccountExists => "account_exists",
            Self::ResetPassword => "reset_password",
            Self::ConfirmEmailChange { .. } => "confirm_email_change",
            Self::EmailChangeNotice { .. } => "email_change_notice",
            Self::PasswordChangedNotice => "password_changed_notice",
            Self::EmailChangedNotice => "email_changed_notice",
            Self::EmailLeftNotice { .. } => "email_left_notice",
            Self::NewDeviceNotice => "new_device_notice",
            Self::AccountLockedNotice => "account_locked_notice",
            Self::RefreshReuseNotice => "refresh_reuse_notice",
            Self::LoginCode => "login_code",
            Self::ProofCode => "proof_code",
            Self::FactorEnabledNotice(FactorKind::Totp) => "totp_enabled_notice",
            Self::FactorEnabledNotice(FactorKind::Sms) => "sms_enabled_notice",
            Self::FactorEnabledNotice(FactorKind::Email) => "email_enabled_notice",
            Self::FactorDisabledNotice(FactorKind::Totp) => "totp_disabled_notice",
            Self::FactorDisabledNotice(FactorKind::Sms) => "sms_disabled_notice",
            Self::FactorDisabledNotice(FactorKind::Email) => "email_disabled_notice",
            Self::FactorAutoEnabledNotice => "factor_auto_enabled_notice",
            Self::RecoveryCodeUsedNotice => "recovery_code_used_notice",
            Self::RecoveryCodesReplacedNotice => "recovery_codes_replaced_notice",
            Self::SignInAfterFailuresNotice => "sign_in_after_failures_notice",
            Self::IdentityLinkedNotice => "identity_linked_notice",
            Self::AccountClaimedNotice => "account_claimed_notice",
            Self::IdentityUnlinkedNotice => "identity_unlinked_notice",
            Self::ApiKeyCreatedNotice => "api_key_created_notice",
            Self::TemporaryPassword { .. } => "temporary_password",
            Self::NewPassword { .. } => "new_password",
            Self::Nothing => "nothing",
        }
    }

    /// The address that belongs to the intent, if it names one.
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::ConfirmEmailChange { new_email: email }
            | Self::EmailChangeNotice { new_email: email }
            | Self::EmailLeftNotice { old_email: email } => Some(email),
            _ => None,
        }
    }

    /// The sealed value that belongs to the intent, if it has one.
    pub const fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::TemporaryPassword { sealed } | Self::NewPassword { sealed } => Some(sealed),
            _ => None,
        }
    }

    /// In which context the sealed value of a message is sealed.
    pub fn sealing_context(message: OutboxId) -> String {
        format!("outbox|sealed|{message}")
    }

    /// Puts an intent together from what a store kept.
    ///
    /// # Errors
    /// [`UnknownIntent`] for a name that is none, and for an address or a sealed value missing where one
    /// belongs.
    pub fn from_parts(
        kind: &str,
        email: Option<Email>,
        sealed: Option<Sealed>,
    ) -> Result<Self, UnknownIntent> {
        match (kind, sealed) {
            ("temporary_password", Some(sealed)) => return Ok(Self::TemporaryPassword { sealed }),
            ("new_password", Some(sealed)) => return Ok(Self::NewPassword { sealed }),
            _ => {}
        }
        Ok(match (kind, email) {
            ("verify_email", _) => Self::VerifyEmail,
            ("account_exists", _) => Self::AccountExists,
            ("reset_password", _) => Self::ResetPassword,
            ("confirm_email_change", Some(new_email)) => Self::ConfirmEmailChange { new_email },
            ("email_change_notice", Some(new_email)) => Self::EmailChangeNotice { new_email },
            ("password_changed_notice", _) => Self::PasswordChangedNotice,
            ("email_changed_notice", _) => Self::EmailChangedNotice,
            ("email_left_notice", Some(old_email)) => Self::EmailLeftNotice { old_email },
            ("new_device_notice", _) => Self::NewDeviceNotice,
            ("account_locked_notice", _) => Self::AccountLockedNotice,
            ("refresh_reuse_notice", _) => Self::RefreshReuseNotice,
            ("login_code", _) => Self::LoginCode,
            ("proof_code", _) => Self::ProofCode,
            ("totp_enabled_notice", _) => Self::FactorEnabledNotice(FactorKind::Totp),
            ("sms_enabled_notice", _) => Self::FactorEnabledNotice(FactorKind::Sms),
            ("email_enabled_notice", _) => Self::FactorEnabledNotice(FactorKind::Email),
            ("totp_disabled_notice", _) => Self::FactorDisabledNotice(FactorKind::Totp),
            ("sms_disabled_notice", _) => Self::FactorDisabledNotice(FactorKind::Sms),
            ("email_disabled_notice", _) => Self::FactorDisabledNotice(FactorKind::Email),
            ("factor_auto_enabled_notice", _) => Self::FactorAutoEnabledNotice,
            ("recovery_code_used_notice", _) => Self::RecoveryCodeUsedNotice,
            ("recovery_codes_replaced_notice", _) => Self::RecoveryCodesReplacedNotice,
            ("sign_in_after_failures_notice", _) => Self::SignInAfterFailuresNotice,
            ("identity_linked_notice", _) => Self::IdentityLinkedNotice,
            ("account_claimed_notice", _) => Self::AccountClaimedNotice,
            ("identity_unlinked_notice", _) => Self::IdentityUnlinkedNotice,
            ("api_key_created_notice", _) => Self::ApiKeyCreatedNotice,
            ("nothing", _) => Self::Nothing,
            _ => return Err(UnknownIntent),
        })
    }

    /// Whether it tells of something that happened. Two of a kind are one only when they came from the
    /// same place: a thief's change must not hide behind the owner's.
    pub const fn is_notice(&self) -> bool {
        match self {
            Self::EmailChangeNotice { .. }
            | Self::PasswordChangedNotice
            | Self::EmailChangedNotice
            | Self::EmailLeftNotice { .. }
            | Self::NewDeviceNotice
            | Self::AccountLockedNotice
            | Self::RefreshReuseNotice
            | Self::FactorEnabledNotice(_)
            | Self::FactorDisabledNotice(_)
            | Self::FactorAutoEnabledNotice
            | Self::RecoveryCodeUsedNotice
            | Self::RecoveryCodesReplacedNotice
            | Self::SignInAfterFailuresNotice
            | Self::IdentityLinkedNotice
            | Self::AccountClaimedNotice
            | Self::IdentityUnlinkedNotice
            | Self::ApiKeyCreatedNotice => true,
            Self::VerifyEmail
            | Self::AccountExists
            | Self::ResetPassword
            | Self::ConfirmEmailChange { .. }
            | Self::LoginCode
            | Self::ProofCode
            | Self::TemporaryPassword { .. }
            | Self::NewPassword { .. }
            | Self::Nothing => false,
        }
    }

    /// How long the message is worth sending: a reset is pointless after an hour, a notice is not.
    pub const fn usefulness(&self) -> TimeDelta {
        match self {
            Self::LoginCode | Self::ProofCode => code::LIFE,
            Self::ResetPassword | Self::ConfirmEmailChange { .. } | Self::Nothing => TimeDelta::hours(1),
            Self::VerifyEmail | Self::AccountExists | Self::AccountLockedNotice => TimeDelta::hours(24),
            Self::TemporaryPassword { .. } | Self::NewPassword { .. } => TimeDelta::hours(48),
            Self::EmailChangeNotice { .. }
            | Self::PasswordChangedNotice
            | Self::EmailChangedNotice
            | Self::EmailLeftNotice { .. }
            | Self::NewDeviceNotice
            | Self::RefreshReuseNotice
            | Self::FactorEnabledNotice(_)
            | Self::FactorDisabledNotice(_)
            | Self::FactorAutoEnabledNotice
            | Self::RecoveryCodeUsedNotice
            | Self::RecoveryCodesReplacedNotice
            | Self::SignInAfterFailuresNotice
            | Self::IdentityLinkedNotice
            | Self::AccountClaimedNotice
            | Self::IdentityUnlinkedNotice
            | Self::ApiKeyCreatedNotice => TimeDelta::days(7),
        }
    }
}
