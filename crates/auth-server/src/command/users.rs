//! `auth-server users create`, `users grant`, `users locks` and `users unlock`

#![expect(clippy::print_stdout, reason = "prints the one-time password, once, and what was asked for")]

use anyhow::Context as _;
use auth_domain::{
    guard::lockout::Standing,
    usecase::{CreateUser, LaneView},
};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{cli, wire::Wiring};

/// Creates an account and prints its one-time password.
pub(super) async fn create(wiring: &Wiring, options: cli::CreateUser) -> anyhow::Result<()> {
    let request = CreateUser {
        tenant: options.tenant,
        email: options.email,
        full_name: options.name,
        roles: options.roles.into_iter().collect(),
    };
    let created = wiring.engine.operators.create_user(&request).await.context("cannot create the account")?;
    let user = &created.user;
    println!("account   {} ({}) in tenant {}", user.email, user.id, user.tenant);
    println!("roles     {}", or_none(&user.roles.names().join(", ")));
    println!("password  {}", created.password.expose_secret());
    let until = created.password_until.to_rfc3339_opts(SecondsFormat::Secs, true);
    println!("It works until {until}, must be changed after the first login, and is not shown again.");
    Ok(())
}

/// Gives an account a role.
pub(super) async fn grant(wiring: &Wiring, options: cli::GrantRole) -> anyhow::Result<()> {
    let (tenant, email, role) = (&options.tenant, &options.email, options.role);
    let user = wiring.engine.operators.grant(tenant, email, role).await.context("cannot grant the role")?;
    println!("{} now holds: {}", user.email, or_none(&user.roles.names().join(", ")));
    Ok(())
}

const fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// Shows what is counted for an account.
pub(super) async fn locks(wiring: &Wiring, account: &cli::OfAccount) -> anyhow::Result<()> {
    let lanes = wiring.engine.operators.lanes(&account.tenant, &account.email).await;
    let lanes = lanes.context("cannot show the locks")?;
    println!("account    {} ({}) in tenant {}", lanes.user.email, lanes.user.id, lanes.user.tenant);
    println!("passwords  {}", in_words(&lanes.passwords, "wrong passwords"));
    println!("codes      {}", in_words(&lanes.codes, "wrong codes"));
    println!("devices    {} known", lanes.devices.len());
    for device in &lanes.devices {
        let (first, last) = (time(device.created_at), time(device.last_used_at));
        let (until, failures) = (time(device.expires_at), device.failures);
        println!(
            "           first login {first}, last {last}, known until {until}, {failures} failures since"
        );
    }
    Ok(())
}

/// Opens an account.
pub(super) async fn unlock(wiring: &Wiring, account: &cli::OfAccount) -> anyhow::Result<()> {
    let user = wiring.engine.operators.clear_lanes(&account.tenant, &account.email).await;
    let user = user.context("cannot open the account")?;
    println!("{} is open, for passwords and for codes", user.email);
    Ok(())
}

/// Whether attempts are looked at, and why not.
fn in_words(lane: &LaneView, reason: &str) -> String {
    let Some(state) = lane.state else { return "open".to_owned() };
    let (failures, last) = (state.failures, time(state.last_attempt_at));
    let standing = match lane.standing {
        Standing::Open => "open".to_owned(),
        Standing::Waits(until) => format!("locked until {}", time(until)),
        Standing::Closed => "closed until somebody opens it".to_owned(),
    };
    format!("{standing}: {failures} {reason} in a row, the last at {last}")
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use auth_domain::guard::lockout::LockState;

    use super::*;

    #[test]
    fn a_lane_says_whether_it_is_open_and_why_not() {
        let at = DateTime::from_timestamp(1_782_907_200, 0).unwrap_or_default();
        let state = |failures| Some(LockState { failures, locked_until: None, last_attempt_at: at });
        for (state, standing, words) in [
            (None, Standing::Open, "open"),
            (state(2), Standing::Open, "open: 2 wrong codes in a row, the last at 2026-07-01T12:00:00Z"),
            (
                state(5),
                Standing::Waits(at),
                "locked until 2026-07-01T12:00:00Z: 5 wrong codes in a row, the last at 2026-07-01T12:00:00Z",
            ),
            (
                state(100),
                Standing::Closed,
                "closed until somebody opens it: 100 wrong codes in a row, the last at 2026-07-01T12:00:00Z",
            ),
        ] {
            assert_eq!(in_words(&LaneView { state, standing }, "wrong codes"), words);
        }
    }
}
