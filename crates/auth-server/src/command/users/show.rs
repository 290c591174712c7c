//! `auth-server users show`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use anyhow::Context as _;
use auth_domain::usecase::{AccountView, Actor};
use serde_json::{Value, json};

use super::{
    super::{
        print::{self, harmless, or_dash, time},
        sessions,
    },
    account_json, factors, in_words, roles,
};
use crate::{
    cli::{Format, OfAccount},
    wire::Wiring,
};

/// Shows everything about an account but its secrets.
pub(crate) async fn show(wiring: &Wiring, account: &OfAccount, format: Format) -> anyhow::Result<()> {
    let view = wiring.engine.admin.show(Actor::Operator, &account.target()).await;
    let view = view.with_context(|| format!("cannot show {account}"))?;
    if format.json {
        print::json(&json(&view));
    } else {
        print(&view);
    }
    Ok(())
}

fn print(view: &AccountView) {
    let user = &view.user;
    println!("account    {} ({}) in tenant {}", user.email, user.id, user.tenant);
    println!("name       {}", or_dash(user.full_name.as_ref(), |name| harmless(name.as_str())));
    println!(
        "status     {}, address {}",
        user.status,
        if user.email_verified { "proved" } else { "not proved" }
    );
    println!("roles      {}", roles(user.roles));
    println!("password   {}", password(view));
    println!("factors    {}, {} recovery codes left", factors(user), view.recovery_codes);
    println!("passwords  {}", in_words(&view.passwords, "wrong passwords"));
    println!("codes      {}", in_words(&view.codes, "wrong codes"));
    println!(
        "devices    {} known, {} without second factor for now",
        view.known_devices.len(),
        view.devices.len()
    );
    for identity in &view.identities {
        println!("linked     {} since {}", harmless(identity.key.issuer()), time(identity.linked_at));
    }
    println!(
        "made {}, changed {}, last login {}",
        time(user.created_at),
        time(user.updated_at),
        or_dash(user.last_login_at, time)
    );
    if !view.sessions.is_empty() {
        print!("\n{}", sessions::text(&view.sessions));
    }
}

fn password(view: &AccountView) -> String {
    match &view.user.credential {
        None => "none".to_owned(),
        Some(credential) => credential
            .temporary_until
            .map_or_else(|| "set".to_owned(), |until| format!("handed out, good until {}", time(until))),
    }
}

fn json(view: &AccountView) -> Value {
    let mut account = account_json(&view.user, &view.passwords);
    let identities: Vec<Value> = view
        .identities
        .iter()
        .map(|identity| json!({"issuer": identity.key.issuer(), "linked_at": time(identity.linked_at)}))
        .collect();
    let more = json!({
        "password": password(view),
        "recovery_codes_left": view.recovery_codes,
        "codes": super::lane_json(&view.codes),
        "known_devices": view.known_devices.len(),
        "devices_without_second_factor": view.devices.len(),
        "identities": identities,
        "sessions": sessions::json(&view.sessions),
    });
    if let (Value::Object(account), Value::Object(more)) = (&mut account, more) {
        account.extend(more);
    }
    account
}
