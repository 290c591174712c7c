//! `/api/cognito`: people whose password AWS Cognito keeps. One file per operation, or per two that belong
//! together.

mod challenge;
mod confirm;
mod link;
mod login;
mod logout;
mod mfa;
mod password;
mod register;

use crate::Operation;

/// All of them. They answer 404 where Cognito is off.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        register::operation(),
        confirm::confirm(),
        confirm::resend(),
        login::operation(),
        challenge::operation(),
        password::forgot(),
        password::reset(),
        mfa::setup(),
        mfa::activate(),
        link::link(),
        link::unlink(),
        logout::operation(),
    ]
}
