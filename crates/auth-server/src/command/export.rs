//! `auth-server export users`

use std::io::Write;

use anyhow::Context as _;
use auth_domain::{id::UserId, usecase::Leaver};
use chrono::{DateTime, SecondsFormat, Utc};
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};

use super::output;
use crate::{cli::ExportUsers, wire::Wiring};

/// Read at once.
const PAGE: u32 = 500;

/// Writes accounts to a file, as `import users` reads them.
#[expect(clippy::print_stderr, reason = "keeps the conclusion out of what a program may read")]
pub(super) async fn users(wiring: &Wiring, options: &ExportUsers) -> anyhow::Result<()> {
    let mut out = output::create(&options.to)?;
    let secrets = [("password_hash", options.with_hashes), ("totp_secret", options.with_totp_secrets)];
    let secrets: Vec<&str> = secrets.into_iter().filter_map(|(name, with)| with.then_some(name)).collect();
    let exports = &wiring.engine.exports;
    exports.begin(options.tenant.as_ref(), &secrets).await.context("cannot note the export")?;
    let archive = wiring.stores.archive();
    let bar = ProgressBar::new_spinner();
    let (mut after, mut written, mut unreadable): (Option<UserId>, u64, u64) = (None, 0, 0);
    loop {
        let page = exports.page(&*archive, after, PAGE, options.with_totp_secrets).await;
        let page = page.context("cannot read the accounts")?;
        let Some(last) = page.last() else { break };
        after = Some(last.user.id);
        let is_meant = |leaver: &&Leaver| options.tenant.as_ref().is_none_or(|t| *t == leaver.user.tenant);
        for leaver in page.iter().filter(is_meant) {
            writeln!(out, "{}", line(leaver, options)).context("cannot write")?;
            written += 1;
            let lacks_app = options.with_totp_secrets && leaver.user.factors.totp && leaver.totp.is_none();
            unreadable += u64::from(lacks_app);
        }
        bar.set_position(written);
    }
    out.flush().context("cannot write")?;
    bar.finish_and_clear();
    eprintln!("{written} accounts exported");
    if unreadable > 0 {
        eprintln!("warning: the secrets of {unreadable} authenticator apps cannot be opened and are missing");
    }
    Ok(())
}

/// One account; fields without a value are left out.
fn line(leaver: &Leaver, options: &ExportUsers) -> Value {
    let user = &leaver.user;
    let credential = user.credential.as_ref().filter(|_| options.with_hashes);
    let sms = &user.factors.sms;
    let fields = [
        ("id", json!(user.id.as_i64())),
        ("email", json!(user.email.as_str())),
        ("name", json!(user.full_name.as_ref().map(ToString::to_string))),
        ("status", json!(user.status.as_str())),
        ("verified", json!(user.email_verified)),
        ("roles", json!(user.roles.names())),
        ("password_hash", json!(credential.map(|credential| credential.hash.as_str()))),
        ("password_until", time(credential.and_then(|credential| credential.temporary_until))),
        ("phone", json!(sms.shown_number().map(ToString::to_string))),
        ("phone_verified", json!(sms.is_verified())),
        ("sms_codes", json!(sms.enabled)),
        ("app_codes", json!(user.factors.totp)),
        ("totp_secret", json!(leaver.totp.as_ref().map(|secret| secret.to_base32().as_str().to_owned()))),
        ("mail_codes", json!(user.factors.email)),
        ("last_login_at", time(user.last_login_at)),
        ("created_at", time(Some(user.created_at))),
        ("updated_at", time(Some(user.updated_at))),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn time(at: Option<DateTime<Utc>>) -> Value {
    json!(at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)))
}
