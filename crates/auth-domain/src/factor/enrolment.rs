//! Which second factors an account has.

use std::{fmt, str::FromStr};

use crate::{token::AuthMethod, user::PhoneNumber};

/// A kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A code by text message.
    Sms,
    /// A code by mail.
    Email,
}

impl FactorKind {
    /// All kinds, in the order in which clients are told of them.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Sms, Self::Email];

    /// The name that stores, settings and the audit log use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// What a login proved with it is called in tokens.
    pub const fn method(self) -> AuthMethod {
        match self {
            Self::Totp => AuthMethod::Totp,
            Self::Sms => AuthMethod::Sms,
            Self::Email => AuthMethod::Email,
        }
    }
}

impl fmt::Display for FactorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a second factor")]
pub struct UnknownFactor;

impl FromStr for FactorKind {
    type Err = UnknownFactor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownFactor)
    }
}

/// The second factors of one account. Part of the account's row, so that a login learns of them
/// without a further question and a change of them is serialised with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolment {
    /// Whether an authenticator app was activated. Its secret lies elsewhere, sealed.
    pub totp: bool,
    /// Text messages.
    pub sms: SmsFactor,
    /// Whether codes by mail are demanded. The account's address is the proved one.
    pub email: bool,
}

/// Text messages as a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsFactor {
    /// Whether the person wants it. Demanded at login only once a number is proved.
    pub enabled: bool,
    /// The number that was proved. Stays when the factor is switched off.
    pub number: Option<PhoneNumber>,
    /// A number that is to take its place once a code sent there comes back. Until then the proved one
    /// goes on working.
    pub pending: Option<PhoneNumber>,
}

impl SmsFactor {
    /// Where login codes go; `None` while the factor is not demanded.
    pub const fn active_number(&self) -> Option<&PhoneNumber> {
        if self.enabled { self.number.as_ref() } else { None }
    }

    /// Where a code that proves the number goes: to the pending one first.
    pub fn number_to_prove(&self) -> Option<&PhoneNumber> {
        if self.enabled { self.pending.as_ref().or(self.number.as_ref()) } else { None }
    }

    /// Whether the shown number was proved.
    pub const fn is_verified(&self) -> bool {
        self.number.is_some()
    }

    /// The number to show: the one that works, else the one that is to.
    pub fn shown_number(&self) -> Option<&PhoneNumber> {
        self.number.as_ref().or(self.pending.as_ref())
    }

    /// Asks for a number. A factor at work goes on with its number; one that is off begins anew, and its
    /// old number must be proved again.
    pub fn set_up(&mut self, number: PhoneNumber) {
        if !self.enabled {
            self.number = None;
        }
        self.enabled = true;
        self.pending = Some(number);
    }

    /// The code sent to `number` came back. `false`, and nothing changes, when that is neither the
    /// number to prove nor the proved one.
    pub fn prove(&mut self, number: &PhoneNumber) -> bool {
        if !self.enabled || self.number_to_prove() != Some(number) {
            return false;
        }
        if let Some(pending) = self.pending.take() {
            self.number = Some(pending);
        }
        true
    }

    /// Forgets a number that waits for its proof: it was asked for before there was another factor, so
    /// perhaps not by the owner.
    pub fn forget_pending(&mut self) {
        self.pending = None;
        self.enabled &= self.number.is_some();
    }

    /// Switches the factor off. A number that was never proved is forgotten.
    pub fn switch_off(&mut self) {
        self.enabled = false;
        self.pending = None;
    }
}

impl Enrolment {
    /// The factors a login has to prove one of, in the order in which clients are told of them.
    pub fn active(&self) -> Vec<FactorKind> {
        FactorKind::ALL.into_iter().filter(|&kind| self.is_active(kind)).collect()
    }

    /// Whether a login can be completed with that factor.
    pub const fn is_active(&self, kind: FactorKind) -> bool {
        match kind {
            FactorKind::Totp => self.totp,
            FactorKind::Sms => self.sms.active_number().is_some(),
            FactorKind::Email => self.email,
        }
    }

    /// Switches a factor off; whether it was on.
    pub fn switch_off(&mut self, kind: FactorKind) -> bool {
        match kind {
            FactorKind::Totp => std::mem::take(&mut self.totp),
            FactorKind::Email => std::mem::take(&mut self.email),
            FactorKind::Sms => {
                let was_on = self.sms.enabled;
                self.sms.switch_off();
                was_on
            }
        }
    }

    /// Whether a login needs a second factor at all.
    pub fn is_demanded(&self) -> bool {
        FactorKind::ALL.into_iter().any(|kind| self.is_active(kind))
    }

    /// Whether `method` is one that completes a login of this account as its second factor. A recovery
    /// code stands in for any of them.
    pub fn admits(&self, method: AuthMethod) -> bool {
        match method {
            AuthMethod::Password | AuthMethod::Cognito => false,
            AuthMethod::Totp => self.is_active(FactorKind::Totp),
            AuthMethod::Sms => self.is_active(FactorKind::Sms),
            AuthMethod::Email => self.is_active(FactorKind::Email),
            AuthMethod::RecoveryCode => self.is_demanded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn a_number_counts_once_it_is_proved() {
        let mut sms = SmsFactor::default();
        sms.set_up(number("+12125550100"));
        assert!(sms.enabled && sms.active_number().is_none() && !sms.is_verified());
        assert!(!sms.prove(&number("+12125550199")));
        assert!(sms.prove(&number("+12125550100")));
        assert_eq!(sms.active_number(), Some(&number("+12125550100")));
    }

    #[test]
    fn a_new_number_does_not_disturb_the_working_one() {
        let mut sms = SmsFactor { enabled: true, number: Some(number("+12125550100")), pending: None };
        sms.set_up(number("+12125550101"));
        assert_eq!(sms.active_number(), Some(&number("+12125550100")));
        assert!(!sms.prove(&number("+12125550100")), "the old number proves nothing about the new");
        assert!(sms.prove(&number("+12125550101")));
        assert_eq!(sms.active_number(), Some(&number("+12125550101")));
    }

    #[test]
    fn switched_off_it_keeps_only_the_proved_number() {
        let mut sms = SmsFactor {
            enabled: true,
            number: Some(number("+12125550100")),
            pending: Some(number("+12125550101")),
        };
        sms.switch_off();
        assert_eq!((sms.active_number(), sms.shown_number()), (None, Some(&number("+12125550100"))));
        sms.set_up(number("+12125550100"));
        assert!(sms.active_number().is_none(), "it must be proved again");
    }

    #[test]
    fn only_active_factors_complete_a_login() {
        let none = Enrolment::default();
        let totp = Enrolment { totp: true, ..Enrolment::default() };
        assert!(!none.is_demanded() && !none.admits(AuthMethod::RecoveryCode));
        assert!(totp.admits(AuthMethod::Totp) && totp.admits(AuthMethod::RecoveryCode));
        for other in [AuthMethod::Password, AuthMethod::Cognito, AuthMethod::Sms, AuthMethod::Email] {
            assert!(!totp.admits(other), "{other}");
        }
    }
}
