//! A mailer that remembers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_domain::{
    client::Client,
    factor::FactorKind,
    id::OutboxId,
    port::{Letter, Mailer, Notice, SendError},
    user::{Email, FullName},
};
use chrono::{DateTime, Utc};

use super::lock;

/// The kinds of [`Notice`], without the secrets they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// [`Notice::VerifyEmail`].
    VerifyEmail,
    /// [`Notice::AccountExists`].
    AccountExists,
    /// [`Notice::ResetPassword`].
    ResetPassword,
    /// [`Notice::ConfirmEmailChange`].
    ConfirmEmailChange,
    /// [`Notice::EmailChangeRequested`].
    EmailChangeRequested,
    /// [`Notice::PasswordChanged`].
    PasswordChanged,
    /// [`Notice::EmailChanged`].
    EmailChanged,
    /// [`Notice::NewDevice`].
    NewDevice,
    /// [`Notice::AccountLocked`].
    AccountLocked,
    /// [`Notice::RefreshReuse`].
    RefreshReuse,
    /// [`Notice::LoginCode`].
    LoginCode,
    /// [`Notice::ProofCode`].
    ProofCode,
    /// [`Notice::FactorEnabled`].
    FactorEnabled(FactorKind),
    /// [`Notice::FactorDisabled`].
    FactorDisabled(FactorKind),
    /// [`Notice::FactorAutoEnabled`].
    FactorAutoEnabled,
    /// [`Notice::RecoveryCodeUsed`].
    RecoveryCodeUsed,
    /// [`Notice::RecoveryCodesReplaced`].
    RecoveryCodesReplaced,
    /// [`Notice::SignInAfterFailures`].
    SignInAfterFailures,
    /// [`Notice::IdentityLinked`].
    IdentityLinked,
    /// [`Notice::AccountClaimed`].
    AccountClaimed,
    /// [`Notice::IdentityUnlinked`].
    IdentityUnlinked,
    /// [`Notice::ApiKeyCreated`].
    ApiKeyCreated,
    /// [`Notice::TemporaryPassword`].
    TemporaryPassword,
    /// [`Notice::NewPassword`].
    NewPassword,
}

impl From<&Notice> for NoticeKind {
    fn from(notice: &Notice) -> Self {
        match notice {
            Notice::VerifyEmail(_) => Self::VerifyEmail,
            Notice::AccountExists => Self::AccountExists,
            Notice::ResetPassword(_) => Self::ResetPassword,
            Notice::ConfirmEmailChange(_) => Self::ConfirmEmailChange,
            Notice::EmailChangeRequested { .. } => Self::EmailChangeRequested,
            Notice::PasswordChanged => Self::PasswordChanged,
            Notice::EmailChanged { .. } => Self::EmailChanged,
            Notice::NewDevice => Self::NewDevice,
            Notice::AccountLocked(_) => Self::AccountLocked,
            Notice::RefreshReuse => Self::RefreshReuse,
            Notice::LoginCode(_) => Self::LoginCode,
            Notice::ProofCode(_) => Self::ProofCode,
            Notice::FactorEnabled(kind) => Self::FactorEnabled(*kind),
            Notice::FactorDisabled(kind) => Self::FactorDisabled(*kind),
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
}

/// A letter that a [`RecordingMailer`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLetter {
    /// The letter's id.
    pub id: OutboxId,
    /// The recipient.
    pub to: Email,
    /// Whom it greets.
    pub name: Option<FullName>,
    /// What it says.
    pub kind: NoticeKind,
    /// The token of its link, if it has one.
    pub token: Option<String>,
    /// The six digits that it carries, if it does.
    pub code: Option<String>,
    /// The password that it hands out, if it does.
    pub password: Option<String>,
    /// The masked address of [`Notice::EmailChangeRequested`].
    pub masked: Option<String>,
    /// What caused it.
    pub client: Client,
    /// When that was.
    pub at: DateTime<Utc>,
}

/// Keeps letters instead of sending them. Clones share the letters.
#[derive(Clone, Debug, Default)]
pub struct RecordingMailer {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<SentLetter>,
    failures: u32,
    permanent: bool,
    quoting: bool,
    attempts: u32,
}

impl RecordingMailer {
    /// All letters taken so far, oldest first.
    pub fn sent(&self) -> Vec<SentLetter> {
        lock(&self.state).sent.clone()
    }

    /// The newest letter to `to`.
    pub fn last_to(&self, to: &Email) -> Option<SentLetter> {
        lock(&self.state).sent.iter().rev().find(|letter| &letter.to == to).cloned()
    }

    /// The token in the newest letter of `kind` to `to`.
    pub fn token(&self, kind: NoticeKind, to: &Email) -> Option<String> {
        self.newest(kind, to)?.token
    }

    /// The six digits in the newest letter of `kind` to `to`.
    pub fn code(&self, kind: NoticeKind, to: &Email) -> Option<String> {
        self.newest(kind, to)?.code
    }

    fn newest(&self, kind: NoticeKind, to: &Email) -> Option<SentLetter> {
        let state = lock(&self.state);
        let mut newest_first = state.sent.iter().rev();
        newest_first.find(|letter| letter.kind == kind && &letter.to == to).cloned()
    }

    /// How often [`send`](Mailer::send) was called, failures included.
    pub fn attempts(&self) -> u32 {
        lock(&self.state).attempts
    }

    /// Makes the next `times` calls fail in a way that may pass.
    pub fn fail(&self, times: u32) {
        let mut state = lock(&self.state);
        (state.failures, state.permanent) = (times, false);
    }

    /// Makes the next `times` calls fail for good.
    pub fn refuse(&self, times: u32) {
        let mut state = lock(&self.state);
        (state.failures, state.permanent) = (times, true);
    }

    /// Makes the next call fail for good, for a reason that repeats the token, as filters do.
    pub fn quote(&self) {
        self.refuse(1);
        lock(&self.state).quoting = true;
    }

    /// Forgets all letters.
    pub fn clear(&self) {
        lock(&self.state).sent.clear();
    }
}

#[async_trait]
impl Mailer for RecordingMailer {
    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let mut state = lock(&self.state);
        state.attempts += 1;
        if state.failures > 0 {
            state.failures -= 1;
            let failure = if state.permanent { SendError::Permanent } else { SendError::Temporary };
            let quoted = letter.notice.secret().filter(|_| std::mem::take(&mut state.quoting));
            return Err(failure(match quoted {
                Some(secret) => format!("554 5.6.0 spam:\r\n /x?t={secret}\0 is bad").into(),
                None => "told to fail by the test".into(),
            }));
        }
        let (mut token, mut code, mut masked_address, mut handed_out) = (None, None, None, None);
        match &letter.notice {
            Notice::VerifyEmail(link)
            | Notice::ResetPassword(link)
            | Notice::ConfirmEmailChange(link)
            | Notice::AccountLocked(link) => {
                token = Some(link.expose_secret().to_owned());
            }
            Notice::LoginCode(digits) | Notice::ProofCode(digits) => {
                code = Some(digits.expose_secret().to_owned());
            }
            Notice::TemporaryPassword(password) | Notice::NewPassword(password) => {
                handed_out = Some(password.expose_secret().to_owned());
            }
            Notice::EmailChangeRequested { masked } | Notice::EmailChanged { masked } => {
                masked_address = Some(masked.clone());
            }
            Notice::AccountExists
            | Notice::PasswordChanged
            | Notice::NewDevice
            | Notice::RefreshReuse
            | Notice::FactorEnabled(_)
            | Notice::FactorDisabled(_)
            | Notice::FactorAutoEnabled
            | Notice::RecoveryCodeUsed
            | Notice::RecoveryCodesReplaced
            | Notice::SignInAfterFailures
            | Notice::IdentityLinked
            | Notice::AccountClaimed
            | Notice::IdentityUnlinked
            | Notice::ApiKeyCreated => {}
        }
        state.sent.push(SentLetter {
            id: letter.id,
            to: letter.to.clone(),
            name: letter.name.clone(),
            kind: NoticeKind::from(&letter.notice),
            token,
            code,
            password: handed_out,
            masked: masked_address,
            client: letter.client.clone(),
            at: letter.at,
        });
        Ok(())
    }
}
