//! `auth-server cognito report`

#![expect(clippy::print_stdout, reason = "prints what was asked for")]

use anyhow::Context as _;
use auth_domain::user::LinkedCounts;

use super::print::{self, time};
use crate::{cli, wire::Wiring};

/// Tells how many people sign in through Cognito, and how many could do without.
pub(super) async fn report(wiring: &Wiring, options: &cli::ReportCognito) -> anyhow::Result<()> {
    let federation = &wiring.engine.federation;
    anyhow::ensure!(federation.is_on(), "AUTH_PROVIDER is native: set both or cognito to name the pool");
    let counts = federation.report().await.context("cannot count the linked accounts")?;
    if options.format.json {
        print::json(&json(&counts));
        return Ok(());
    }
    let last = |at: Option<_>| at.map_or_else(|| "never".to_owned(), time);
    println!("linked to Cognito              {:>9}", counts.linked);
    println!("  with a password here, too    {:>9}", counts.with_password);
    println!("  without one                  {:>9}", without(&counts));
    println!("last login through Cognito     {}", last(counts.last_proved_at));
    println!("  of somebody without one      {}", last(counts.last_proved_without_password_at));
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
        "last_proved_at": counts.last_proved_at.map(time),
        "last_proved_without_password_at": counts.last_proved_without_password_at.map(time),
    })
}

const fn without(counts: &LinkedCounts) -> u64 {
    counts.linked.saturating_sub(counts.with_password)
}
