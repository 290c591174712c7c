//! Proofs of who somebody is, as types.

use chrono::{DateTime, Utc};

use crate::{
    secret::Digest,
    session::{Authentication, Session},
    token::AuthMethod,
    usecase::second_factor::SecondFactor,
    user::{Credential, User},
};

/// A first factor was proved, at a time, with what the account had then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstFactor {
    method: AuthMethod,
    /// A second factor that the provider asked for on its own.
    passed: Option<AuthMethod>,
    at: DateTime<Utc>,
    /// Whether wrong passwords came before it.
    after_failures: bool,
    /// Of what was proved; another one makes the proof worthless.
    credential: Digest,
}

impl FirstFactor {
    /// The password of `user` was proved.
    pub(super) fn password(user: &User, at: DateTime<Utc>, after_failures: bool) -> Self {
        let credential = fingerprint(user.credential.as_ref());
        Self { method: AuthMethod::Password, passed: None, at, after_failures, credential }
    }

    /// Cognito vouched for `user`, after a second factor of its own if one is named. A change of the
    /// password here makes this proof worthless, too: whoever changes it wants everybody else out.
    pub(super) fn provider(
        user: &User,
        passed: Option<AuthMethod>,
        at: DateTime<Utc>,
        after_failures: bool,
    ) -> Self {
        let credential = fingerprint(user.credential.as_ref());
        Self { method: AuthMethod::Cognito, passed, at, after_failures, credential }
    }

    /// A proof that was written down earlier.
    pub(super) const fn restore(at: DateTime<Utc>, after_failures: bool, credential: Digest) -> Self {
        Self { method: AuthMethod::Password, passed: None, at, after_failures, credential }
    }

    /// The same of a proof by a provider.
    pub(super) const fn restore_provider(self, passed: Option<AuthMethod>) -> Self {
        Self { method: AuthMethod::Cognito, passed, ..self }
    }

    /// Whether a provider vouched.
    pub(super) fn is_by_provider(&self) -> bool {
        self.method == AuthMethod::Cognito
    }

    /// What the provider asked for besides the password.
    pub(super) const fn passed(&self) -> Option<AuthMethod> {
        self.passed
    }

    pub(super) const fn came_after_failures(&self) -> bool {
        self.after_failures
    }

    pub(super) const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    pub(super) const fn credential(&self) -> &Digest {
        &self.credential
    }

    /// Whether it still says something about `user`: the password has not been changed since.
    pub(super) fn holds_for(&self, user: &User) -> bool {
        self.credential == fingerprint(user.credential.as_ref())
    }

    /// Completes the login of `user` as it is locked in the present transaction. This is the one place
    /// that makes [`Authenticated`] from a proof, and the one that demands a second factor.
    pub(super) fn complete(
        self,
        user: &User,
        second: Option<SecondFactor>,
    ) -> Result<Authenticated, SecondFactorMissing> {
        let second = second.filter(|second| user.factors.admits(second.method()));
        if user.factors.is_demanded() && second.is_none() {
            return Err(SecondFactorMissing);
        }
        // What the provider asked for counts for nothing more than being told.
        let further = second.map(SecondFactor::method).or(self.passed);
        let methods = std::iter::once(self.method).chain(further).collect();
        let second_factor_at = second.map(SecondFactor::at);
        Ok(Authenticated(Authentication { at: self.at, methods, second_factor_at }))
    }
}

/// The account demands a second factor, and none that it admits was proved.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondFactorMissing;

/// Every factor the account needs was proved.
#[derive(Debug)]
pub(in crate::usecase) struct Authenticated(Authentication);

impl Authenticated {
    /// What a live session proved when it was opened, for a session that replaces it. Neither the
    /// time nor the factors become better by this.
    pub(in crate::usecase) fn carried_over(session: &Session) -> Self {
        Self(session.authentication.clone())
    }

    /// Whether a provider vouched.
    pub(super) fn is_by_provider(&self) -> bool {
        self.0.methods.contains(&AuthMethod::Cognito)
    }

    pub(super) fn into_authentication(self) -> Authentication {
        self.0
    }
}

/// A hash is no secret among ours, but it is long and its text is nobody's business.
pub(in crate::usecase) fn fingerprint(credential: Option<&Credential>) -> Digest {
    Digest::of(credential.map_or("", |credential| credential.hash.as_str()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        factor::{Enrolment, Fingerprint, SmsFactor, TrustedDevice},
        id::{DeviceId, UserId},
        tenant::TenantId,
        user::{Email, PasswordHash, PhoneNumber},
    };

    fn enrolment(bits: u8) -> Enrolment {
        let number = (bits & 4 != 0).then(|| PhoneNumber::parse("+12125550123").unwrap());
        Enrolment {
            totp: bits & 1 != 0,
            sms: SmsFactor { enabled: bits & 2 != 0, number, pending: None },
            email: bits & 8 != 0,
        }
    }

    fn user(factors: Enrolment) -> User {
        let email = Email::parse("ada@example.com").unwrap();
        let credential = Credential::permanent(PasswordHash::new("hash"));
        let (id, tenant) = (UserId::from_i64(1), TenantId::default());
        let mut user = User::register(id, tenant, email, None, credential, DateTime::UNIX_EPOCH);
        user.factors = factors;
        user
    }

    fn proved(method: AuthMethod) -> SecondFactor {
        SecondFactor::of_device(&TrustedDevice {
            id: DeviceId::from_i64(1),
            user: UserId::from_i64(1),
            fingerprint: Fingerprint::from_digest(Digest::of(b"")),
            method,
            ip: None,
            user_agent: None,
            platform: None,
            verified_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
        })
    }

    /// Written down a second time, from the table of the contract.
    fn may_enter(bits: u8, second: Option<AuthMethod>) -> bool {
        let (totp, sms, email) = (bits & 1 != 0, bits & 6 == 6, bits & 8 != 0);
        let demanded = totp || sms || email;
        match second {
            _ if !demanded => true,
            None | Some(AuthMethod::Password | AuthMethod::Cognito) => false,
            Some(AuthMethod::Totp) => totp,
            Some(AuthMethod::Sms) => sms,
            Some(AuthMethod::Email) => email,
            Some(AuthMethod::RecoveryCode) => true,
        }
    }

    #[test]
    fn nobody_enters_without_what_the_account_demands() {
        let seconds = std::iter::once(None).chain(AuthMethod::ALL.into_iter().map(Some));
        for (bits, second) in seconds.flat_map(|second| (0..16).map(move |bits| (bits, second))) {
            let user = user(enrolment(bits));
            let first = FirstFactor::password(&user, DateTime::UNIX_EPOCH, false);
            let outcome = first.complete(&user, second.map(proved));
            assert_eq!(outcome.is_ok(), may_enter(bits, second), "{bits:04b} {second:?}");
            if let Ok(Authenticated(authentication)) = outcome {
                assert_eq!(authentication.methods.first(), Some(&AuthMethod::Password));
                assert_eq!(authentication.methods.len() > 1, user.factors.is_demanded());
            }
        }
    }

    #[test]
    fn a_provider_replaces_the_password_and_nothing_else() {
        let seconds = std::iter::once(None).chain(AuthMethod::ALL.into_iter().map(Some));
        for (bits, second) in seconds.flat_map(|second| (0..16).map(move |bits| (bits, second))) {
            let user = user(enrolment(bits));
            let first = FirstFactor::provider(&user, Some(AuthMethod::Totp), DateTime::UNIX_EPOCH, false);
            let outcome = first.complete(&user, second.map(proved));
            assert_eq!(outcome.is_ok(), may_enter(bits, second), "{bits:04b} {second:?}");
            let Ok(Authenticated(authentication)) = outcome else { continue };
            let further = second.filter(|_| user.factors.is_demanded()).unwrap_or(AuthMethod::Totp);
            assert_eq!(authentication.methods, [AuthMethod::Cognito, further]);
            assert_eq!(authentication.second_factor_at.is_some(), user.factors.is_demanded());
        }
    }

    #[test]
    fn a_changed_password_makes_the_proof_worthless() {
        let mut user = user(Enrolment::default());
        let first = FirstFactor::password(&user, DateTime::UNIX_EPOCH, false);
        assert!(first.holds_for(&user));
        user.credential = Some(Credential::permanent(PasswordHash::new("other")));
        assert!(!first.holds_for(&user));
    }
}
