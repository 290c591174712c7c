//! Second factors: one file per factor, and one for each thing that all of them share.

pub(super) mod body;
mod devices;
mod email;
mod email_login;
mod qr;
mod recovery_codes;
mod sms;
mod sms_login;
mod status;
mod totp;
mod verify;

pub(super) use verify::{CHALLENGE_HEADERS, MfaRequired};

pub(super) use devices::DeviceView;

use crate::Operation;

/// All operations about second factors.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        status::operation(),
        verify::operation(),
        totp::setup(),
        totp::activate(),
        totp::disable(),
        recovery_codes::operation(),
        devices::list(),
        devices::revoke(),
        sms::setup(),
        sms_login::send_code(),
        sms_login::verify(),
        sms::disable(),
        sms_login::resend(),
        email::setup(),
        email::send_code(),
        email::verify(),
        email::disable(),
        email::status(),
        email::grace_period(),
        email_login::operation(),
    ]
}
