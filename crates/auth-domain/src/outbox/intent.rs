//! What a message is about.

use chrono::TimeDelta;

use crate::user::Email;

/// What to send.
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
    /// Tells the user that a spent refresh token came back and the session was ended.
    RefreshReuseNotice,
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
            Self::RefreshReuseNotice => "refresh_reuse_notice",
            Self::Nothing => "nothing",
        }
    }

    /// The address that belongs to the intent, if it names one.
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::ConfirmEmailChange { new_email } | Self::EmailChangeNotice { new_email } => Some(new_email),
            _ => None,
        }
    }

    /// Puts an intent together from what a store kept.
    ///
    /// # Errors
    /// [`UnknownIntent`] for a name that is none, or an address missing where one belongs.
    pub fn from_parts(kind: &str, email: Option<Email>) -> Result<Self, UnknownIntent> {
        Ok(match (kind, email) {
            ("verify_email", _) => Self::VerifyEmail,
            ("account_exists", _) => Self::AccountExists,
            ("reset_password", _) => Self::ResetPassword,
            ("confirm_email_change", Some(new_email)) => Self::ConfirmEmailChange { new_email },
            ("email_change_notice", Some(new_email)) => Self::EmailChangeNotice { new_email },
            ("password_changed_notice", _) => Self::PasswordChangedNotice,
            ("refresh_reuse_notice", _) => Self::RefreshReuseNotice,
            ("nothing", _) => Self::Nothing,
            _ => return Err(UnknownIntent),
        })
    }

    /// Whether it tells of something that happened. Two of a kind are one only when they came from the
    /// same place: a thief's change must not hide behind the owner's.
    pub const fn is_notice(&self) -> bool {
        matches!(
            self,
            Self::EmailChangeNotice { .. } | Self::PasswordChangedNotice | Self::RefreshReuseNotice
        )
    }

    /// How long the message is worth sending: a reset is pointless after an hour, a notice is not.
    pub const fn usefulness(&self) -> TimeDelta {
        match self {
            Self::ResetPassword | Self::ConfirmEmailChange { .. } | Self::Nothing => TimeDelta::hours(1),
            Self::VerifyEmail | Self::AccountExists => TimeDelta::hours(24),
            Self::EmailChangeNotice { .. } | Self::PasswordChangedNotice | Self::RefreshReuseNotice => {
                TimeDelta::days(7)
            }
        }
    }
}
