//! The table of everything the server answers. One file per operation, or per group that shares an
//! address.

mod activity;
mod admin;
mod api_keys;
mod change_email;
mod change_password;
mod change_password_user;
mod cognito;
mod csrf;
mod dev_mailbox;
mod forgot_password;
mod health;
mod introspect;
mod jwks;
mod link_pages;
mod log_mobile_auth;
mod login;
mod logout;
mod me;
mod metrics;
mod mfa;
mod password_status;
mod refresh;
mod register;
mod resend_verification;
mod reset_password;
mod session_check;
mod sessions;
mod tokens;
mod unlock;
mod validate_apikey;
mod verify_email;
mod view;

use crate::{HttpSettings, Operation, settings::MetricsAccess};

/// All operations, as `settings` allow. They want [`Engine`](auth_domain::usecase::Engine) as
/// application data and, where the development mailbox is exposed,
/// [`Mailbox`](auth_domain::port::Mailbox).
pub fn operations(settings: &HttpSettings) -> Vec<Operation> {
    let mut table = vec![
        me::show(),
        me::update(),
        activity::operation(),
        refresh::operation(),
        logout::operation(),
        csrf::operation(),
        session_check::validate(),
        session_check::extend(),
        session_check::recover(),
        sessions::list(),
        sessions::revoke_others(),
        sessions::revoke(),
        unlock::operation(),
        link_pages::unlock(),
        health::root(),
        health::health(),
        health::live(),
        health::ready(),
        jwks::operation(),
        log_mobile_auth::operation(),
        api_keys::list(),
        api_keys::create(),
        api_keys::revoke(),
        introspect::operation(),
        validate_apikey::operation(),
    ];
    if settings.providers.has_native() {
        table.extend(passwords_of_this_server());
    }
    if settings.providers.has_cognito() {
        table.extend(cognito::operations());
    }
    if settings.metrics != MetricsAccess::Closed {
        table.push(metrics::operation());
    }
    table.extend(mfa::operations());
    table.extend(admin::operations());
    if settings.expose_mailbox {
        table.extend([dev_mailbox::list(), dev_mailbox::clear(), dev_mailbox::page()]);
    }
    if settings.serve_link_pages {
        table.push(link_pages::unlock());
    }
    if settings.serve_link_pages && settings.providers.has_native() {
        table.extend([
            link_pages::verify_email(),
            link_pages::reset_password(),
            link_pages::forgot_password(),
        ]);
    }
    table
}

/// What takes or sets a password of this server, or proves the address of one.
fn passwords_of_this_server() -> Vec<Operation> {
    let mut table = vec![
        register::operation(),
        verify_email::operation(),
        resend_verification::operation(),
        me::close(),
        change_email::operation(),
        login::operation(),
        forgot_password::operation(),
        reset_password::operation(),
        change_password::operation(),
        change_password_user::operation(),
        change_password_user::alias(),
        password_status::operation(),
    ];
    table.extend(admin::passwords_of_this_server());
    table
}
