//! `auth-server cognito report`

#![expect(clippy::print_stdout, reason = "prints what was asked for")]

use anyhow::Context as _;
use auth_domain::user::LinkedCounts;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{cli, wire::Wiring};

/// Tells how many people sign in through Cognito, and how many could do without.
pub(super) async fn report(wiring: &Wiring, options: &cli::ReportCognito) -> anyhow::Result<()> {
    let federation = &wiring.engine.federation;
    anyhow::ensure!(federation.is_on(), "AUTH_PROVIDER is native: set both or cognito to name the pool");
    let counts = federation.report().await.context("cannot count the linked accounts")?;
    if options.json {
        println!("{:#}", json(&counts));
        return Ok(());
    }
    let time = |at| time(at).unwrap_or_else(|| "never".to_owned());
    println!("linked to Cognito              {:>9}", counts.linked);
    println!("  with a password here, too    {:>9}", counts.with_password);
    println!("  without one                  {:>9}", without(&counts));
    println!("last login through Cognito     {}", time(counts.last_proved_at));
    println!("  of somebody without one      {}", time(counts.last_proved_without_password_at));
    if without(&counts) > 0 {
        println!("Those without one can sign in here only after a reset of the password.");
    }
    Ok(())
}

fn json(counts: &LinkedCounts) -> serde_json::Value {
    serde_json::json!({
        "linked": counts.linked,
        "with_password": counts.with_password,
        "without_password": without(counts),
        "last_proved_at": time(counts.last_proved_at),
        "last_proved_without_password_at": time(counts.last_proved_without_password_at),
    })
}

const fn without(counts: &LinkedCounts) -> u64 {
    counts.linked.saturating_sub(counts.with_password)
}

fn time(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}
