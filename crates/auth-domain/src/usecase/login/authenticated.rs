//! Proofs of who somebody is, as types.

use chrono::{DateTime, Utc};

use crate::{
    session::{Authentication, Session},
    token::AuthMethod,
};

/// A first factor was proved, at a time.
#[derive(Debug)]
pub(super) struct FirstFactor {
    method: AuthMethod,
    at: DateTime<Utc>,
}

impl FirstFactor {
    /// The password was proved.
    pub(super) const fn password(at: DateTime<Utc>) -> Self {
        Self { method: AuthMethod::Password, at }
    }

    /// Completes the login of an account. This is the one place where further factors are demanded;
    /// an account can have none yet.
    pub(super) fn complete(self) -> Authenticated {
        Authenticated(Authentication { at: self.at, methods: vec![self.method] })
    }
}

/// Every factor the account needs was proved.
#[derive(Debug)]
pub(in crate::usecase) struct Authenticated(Authentication);

impl Authenticated {
    /// What a live session proved when it was opened, for a session that replaces it. Neither the
    /// time nor the factors become better by this.
    pub(in crate::usecase) fn carried_over(session: &Session) -> Self {
        Self(session.authentication.clone())
    }

    pub(super) fn into_authentication(self) -> Authentication {
        self.0
    }
}
