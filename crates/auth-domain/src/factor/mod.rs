//! Second factors: what proves, beside the password, that a login is the owner's.
//!
//! | module | holds |
//! |---|---|
//! | [`enrolment`] | which factors an account has |
//! | [`totp`] | secrets and codes of authenticator apps (RFC 6238) |
//! | [`code`] | the six digits of text messages and mails |
//! | [`recovery`] | codes for the day the phone is lost |
//! | [`device`] | devices that proved a second factor a moment ago |
//! | [`grace`] | how long an account may do without a factor |

pub mod code;
pub mod device;
pub mod enrolment;
pub mod grace;
pub mod recovery;
pub mod totp;

pub use code::OneTimeCode;
pub use device::{DeviceTraits, Fingerprint, TrustedDevice};
pub use enrolment::{Enrolment, FactorKind, SmsFactor, UnknownFactor};
pub use grace::{GracePeriod, MfaPolicy};
pub use recovery::RecoveryCode;
pub use totp::{TimeStep, TotpCode, TotpSecret};
