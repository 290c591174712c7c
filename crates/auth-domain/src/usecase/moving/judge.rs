//! What becomes of a newcomer: an account, or the reason why not. Pure.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;

use crate::{
    factor::{Enrolment, SmsFactor, TotpSecret},
    id::UserId,
    port::{ForeignFactors, HashError, Newcomer, Origin, PasswordHasher},
    tenant::TenantId,
    user::{Credential, Email, FullName, InvalidEmail, InvalidName, PhoneNumber, User, UserStatus},
};

/// Under which terms people come in.
#[derive(Clone, Debug)]
pub struct ImportTerms {
    /// Where they will live.
    pub tenant: TenantId,
    /// The region of numbers without a calling code (ISO 3166 alpha-2).
    pub region: String,
    /// Whether somebody of whom a part cannot be taken over is refused. A file can be mended; from a
    /// database that cannot, people come without that part.
    pub strict: bool,
}

/// A part of somebody that could not be taken over as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The hash is of no known form. The account has no password.
    UnknownHash,
    /// The hash takes more memory or time than this server spends. The account has no password.
    DearHash,
    /// The name cannot be kept. The account has none.
    Name(InvalidName),
    /// The status is not known. The account is inactive.
    Status,
    /// The number is none. The account has no number.
    Phone,
    /// The number was never proved, and no codes go there. The account has no number.
    UnprovedPhone,
    /// The secret of the app is none, or missing. The account has no app.
    App,
    /// A factor that was demanded is missing. Codes are mailed in its place, so that the password alone does
    /// not suffice.
    CodesByMail,
    /// The id belongs to an account of another tenant. The account has this one.
    Renumbered(UserId),
    /// A temporary password beside the main one was not taken over.
    LeftoverPassword,
    /// Biometric devices have no place here.
    Biometric,
}

impl Remark {
    /// What the report counts it as.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownHash => "unknown_hash",
            Self::DearHash => "expensive_hash",
            Self::Name(_) => "invalid_name",
            Self::Status => "unknown_status",
            Self::Phone => "invalid_phone",
            Self::UnprovedPhone => "unproved_phone",
            Self::App => "unreadable_app",
            Self::CodesByMail => "codes_by_mail",
            Self::Renumbered(_) => "new_id",
            Self::LeftoverPassword => "leftover_password",
            Self::Biometric => "biometric",
        }
    }

    /// Whether it is wrong, and not only different here.
    const fn is_flaw(self) -> bool {
        matches!(self, Self::UnknownHash | Self::DearHash | Self::Name(_) | Self::Status | Self::Phone)
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHash => f.write_str("the password hash is of no known form: no password"),
            Self::DearHash => f.write_str(
                "the password hash takes more memory or time than this server spends on one: no password",
            ),
            Self::Name(why) => write!(f, "{why}: no name"),
            Self::Status => f.write_str("the status is not known: inactive"),
            Self::Phone => f.write_str("the telephone number is none: no number"),
            Self::UnprovedPhone => f.write_str("the telephone number was never proved: no number"),
            Self::App => f.write_str("the secret of the authenticator app is missing or none: no app"),
            Self::CodesByMail => {
                f.write_str("codes come by mail, because the second factor could not be taken over")
            }
            Self::Renumbered(id) => write!(f, "the id belongs to another tenant: the new one is {id}"),
            Self::LeftoverPassword => f.write_str("a temporary password beside the main one is left behind"),
            Self::Biometric => f.write_str("biometric devices are left behind"),
        }
    }
}

/// Why somebody was not taken over at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no line of the file's form.
    Unreadable(String),
    /// The address is none.
    Address(InvalidEmail),
    /// The id cannot be one.
    Id,
    /// Somebody else of the same source has the address or the id.
    Duplicate(Origin),
    /// Somebody who is here already has the address.
    Taken(UserId),
    /// The account was erased here.
    Erased,
    /// A part is wrong, and the terms are strict.
    Flaw(Remark),
}

impl Refusal {
    /// What the report counts it as.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Address(_) => "invalid_address",
            Self::Id => "invalid_id",
            Self::Duplicate(_) => "duplicate",
            Self::Taken(_) => "address_taken",
            Self::Erased => "erased",
            Self::Flaw(remark) => remark.name(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => f.write_str(why),
            Self::Address(why) => write!(f, "the address is none: {why}"),
            Self::Id => f.write_str("an id is a whole number from 1 to 9007199254740991"),
            Self::Duplicate(other) => write!(f, "{other} has the same address or id, and the better claim"),
            Self::Taken(id) => write!(f, "account {id}, which is here already, has the address"),
            Self::Erased => f.write_str("the account was erased here"),
            Self::Flaw(remark) => {
                let text = remark.to_string();
                f.write_str(text.split_once(": ").map_or(text.as_str(), |(why, _)| why))
            }
        }
    }
}

/// Somebody who may come in.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) origin: Origin,
    /// The id to have; `None` for any.
    pub(super) id: Option<UserId>,
    /// The account, its id not yet decided.
    pub(super) user: User,
    pub(super) totp: Option<TotpSecret>,
    pub(super) remarks: Vec<Remark>,
}

/// The largest integer that clients in JavaScript keep exact.
const MAX_ID: i64 = (1 << 53) - 1;

/// Judges a newcomer whose address nobody else claims.
///
/// # Errors
/// Why they cannot come in.
pub(super) fn judge(
    newcomer: &Newcomer,
    terms: &ImportTerms,
    hasher: &dyn PasswordHasher,
    now: DateTime<Utc>,
) -> Result<Judged, Refusal> {
    let email = Email::parse(&newcomer.email).map_err(Refusal::Address)?;
    if newcomer.id.is_some_and(|id| !(1..=MAX_ID).contains(&id.as_i64())) {
        return Err(Refusal::Id);
    }
    let mut remarks = Vec::new();
    let credential = credential(newcomer, hasher, &mut remarks);
    let (factors, totp) = factors(&newcomer.factors, &terms.region, &mut remarks);
    let created_at = micros(newcomer.created_at.unwrap_or(now));
    let user = User {
        id: newcomer.id.unwrap_or(UserId::from_i64(0)),
        tenant: terms.tenant.clone(),
        email,
        email_verified: newcomer.email_verified,
        full_name: full_name(newcomer.full_name.as_deref(), &mut remarks),
        status: status(newcomer.status.as_deref(), &mut remarks),
        roles: newcomer.roles,
        credential,
        factors,
        last_login_at: newcomer.last_login_at.map(micros),
        created_at,
        updated_at: newcomer.updated_at.map_or(created_at, micros),
    };
    match remarks.iter().find(|remark| remark.is_flaw()) {
        Some(flaw) if terms.strict => Err(Refusal::Flaw(*flaw)),
        _ => Ok(Judged { origin: newcomer.origin, id: newcomer.id, user, totp, remarks }),
    }
}

/// What stores keep of a time.
fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

fn credential(
    newcomer: &Newcomer,
    hasher: &dyn PasswordHasher,
    remarks: &mut Vec<Remark>,
) -> Option<Credential> {
    let hash = newcomer.hash.clone().filter(|hash| !hash.as_str().is_empty())?;
    match hasher.check(&hash) {
        Ok(()) => Some(Credential { hash, temporary_until: newcomer.temporary_until.map(micros) }),
        Err(HashError::TooDear) => {
            remarks.push(Remark::DearHash);
            None
        }
        Err(_) => {
            remarks.push(Remark::UnknownHash);
            None
        }
    }
}

fn full_name(name: Option<&str>, remarks: &mut Vec<Remark>) -> Option<FullName> {
    FullName::parse(name?).map_err(|why| remarks.push(Remark::Name(why))).ok()
}

/// Whoever stopped an account elsewhere, in whatever word, wants it stopped here.
fn status(name: Option<&str>, remarks: &mut Vec<Remark>) -> UserStatus {
    let Some(name) = name else { return UserStatus::Active };
    name.to_ascii_lowercase().parse().unwrap_or_else(|_| {
        remarks.push(Remark::Status);
        UserStatus::Inactive
    })
}

/// The factors as they can be taken over. An account that demanded one demands one afterwards.
fn factors(
    foreign: &ForeignFactors,
    region: &str,
    remarks: &mut Vec<Remark>,
) -> (Enrolment, Option<TotpSecret>) {
    let totp = app(foreign, remarks);
    let sms = sms(foreign, region, remarks);
    let mut factors = Enrolment { totp: totp.is_some(), sms, email: foreign.email };
    let was_demanded = foreign.totp || (foreign.sms && foreign.phone_verified);
    if was_demanded && !factors.is_demanded() {
        factors.email = true;
        remarks.push(Remark::CodesByMail);
    }
    (factors, totp)
}

fn app(foreign: &ForeignFactors, remarks: &mut Vec<Remark>) -> Option<TotpSecret> {
    if !foreign.totp {
        return None; // a secret that was shown and never proved
    }
    let secret = foreign.totp_secret.as_ref();
    let secret = secret.and_then(|secret| TotpSecret::from_foreign(secret.expose_secret()));
    if secret.is_none() {
        remarks.push(Remark::App);
    }
    secret
}

fn sms(foreign: &ForeignFactors, region: &str, remarks: &mut Vec<Remark>) -> SmsFactor {
    let Some(text) = foreign.phone.as_deref().filter(|text| !text.trim().is_empty()) else {
        if foreign.sms && foreign.phone_verified {
            remarks.push(Remark::Phone);
        }
        return SmsFactor::default();
    };
    let Ok(number) = PhoneNumber::read(text, region) else {
        remarks.push(Remark::Phone);
        return SmsFactor::default();
    };
    match (foreign.sms, foreign.phone_verified) {
        (enabled, true) => SmsFactor { enabled, number: Some(number), pending: None },
        (true, false) => SmsFactor { enabled: true, number: None, pending: Some(number) },
        (false, false) => {
            remarks.push(Remark::UnprovedPhone);
            SmsFactor::default()
        }
    }
}

#[cfg(test)]
mod tests;
