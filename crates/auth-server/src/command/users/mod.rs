//! `auth-server users`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

mod change;
mod create;
mod list;
mod locks;
mod show;

use auth_domain::{
    factor::FactorKind,
    guard::lockout::Standing,
    usecase::LaneView,
    user::{FullName, Roles, User},
};
use serde_json::{Value, json};

use super::{
    person,
    print::{self, time},
};
use crate::{
    cli::{Format, UsersCommand},
    wire::Wiring,
};

/// Does what a command about accounts says.
pub(super) async fn run(wiring: &Wiring, command: UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::Create(options) => create::create(wiring, options).await,
        UsersCommand::List(options) => list::list(wiring, options).await,
        UsersCommand::Show(options) => show::show(wiring, &options.account, options.format).await,
        UsersCommand::Grant(options) => change::change_role(wiring, &options, true).await,
        UsersCommand::Revoke(options) => change::change_role(wiring, &options, false).await,
        UsersCommand::Disable(options) => change::disable(wiring, &options).await,
        UsersCommand::Enable(options) => change::enable(wiring, &options).await,
        UsersCommand::Locks(options) => locks::locks(wiring, &options).await,
        UsersCommand::Unlock(options) => change::unlock(wiring, &options).await,
        UsersCommand::ResetMfa(options) => change::reset_mfa(wiring, &options).await,
        UsersCommand::Delete(options) => change::delete(wiring, &options).await,
        UsersCommand::Restore(options) => change::restore(wiring, &options).await,
        UsersCommand::Export(options) => person::export(wiring, &options).await,
        UsersCommand::Erase(options) => person::erase(wiring, &options).await,
    }
}

/// Tells what was done to an account: in words for people; for programs the account and `more`.
fn said(format: Format, text: &str, user: &User, more: Value) {
    if format.json {
        let mut object = user_json(user);
        if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
            object.extend(more);
        }
        print::json(&object);
    } else {
        println!("{text}");
    }
}

/// The names of roles, or a dash.
fn roles(roles: Roles) -> String {
    let names = roles.names().join(", ");
    if names.is_empty() { "-".to_owned() } else { names }
}

/// The second factors a login demands, or a word for none.
fn factors(user: &User) -> String {
    let names: Vec<&str> = user.factors.active().into_iter().map(FactorKind::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Whether attempts are looked at.
fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Open => "-".to_owned(),
        Standing::Waits(until) => format!("until {}", time(*until)),
        Standing::Closed => "closed".to_owned(),
    }
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

/// An account for programs: the names of `GET /api/auth/users`.
fn user_json(user: &User) -> Value {
    json!({
        "id": user.id.as_i64(),
        "tenant": user.tenant.as_str(),
        "email": user.email.as_str(),
        "full_name": user.full_name.as_ref().map(FullName::as_str),
        "status": user.status.as_str(),
        "is_verified": user.email_verified,
        "roles": user.roles.names(),
        "mfa": user.factors.active().into_iter().map(FactorKind::as_str).collect::<Vec<_>>(),
        "created_at": time(user.created_at),
        "updated_at": time(user.updated_at),
        "last_login_at": user.last_login_at.map(time),
    })
}

/// An account with what is counted for it.
fn account_json(user: &User, passwords: &LaneView) -> Value {
    let mut object = user_json(user);
    object["passwords"] = lane_json(passwords);
    object
}

fn lane_json(lane: &LaneView) -> Value {
    let (locked, until) = match lane.standing {
        Standing::Open => (false, None),
        Standing::Waits(until) => (true, Some(time(until))),
        Standing::Closed => (true, None),
    };
    json!({
        "failures": lane.state.map_or(0, |state| state.failures),
        "last_failure_at": lane.state.map(|state| time(state.last_attempt_at)),
        "is_locked": locked,
        "locked_until": until,
    })
}

#[cfg(test)]
mod tests {
    use auth_domain::guard::lockout::LockState;
    use chrono::DateTime;

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
