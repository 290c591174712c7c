//! `auth-server users locks`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use anyhow::Context as _;
use auth_domain::usecase::{AccountView, Actor};
use serde_json::{Value, json};

use super::{
    super::print::{self, time},
    in_words, lane_json, user_json,
};
use crate::{cli::OneAccount, wire::Wiring};

/// Shows what is counted for an account.
pub(crate) async fn locks(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let view = wiring.engine.admin.show(Actor::Operator, &account.target()).await;
    let view = view.with_context(|| format!("cannot show the locks of {account}"))?;
    if options.format.json {
        print::json(&json(&view));
        return Ok(());
    }
    println!("account    {} ({}) in tenant {}", view.user.email, view.user.id, view.user.tenant);
    println!("passwords  {}", in_words(&view.passwords, "wrong passwords"));
    println!("codes      {}", in_words(&view.codes, "wrong codes"));
    println!("devices    {} known", view.known_devices.len());
    for device in &view.known_devices {
        let (first, last) = (time(device.created_at), time(device.last_used_at));
        let (until, failures) = (time(device.expires_at), device.failures);
        println!(
            "           first login {first}, last {last}, known until {until}, {failures} failures since"
        );
    }
    Ok(())
}

fn json(view: &AccountView) -> Value {
    let devices = view.known_devices.iter().map(|device| {
        json!({
            "created_at": time(device.created_at),
            "last_used_at": time(device.last_used_at),
            "expires_at": time(device.expires_at),
            "failures": device.failures,
        })
    });
    let mut object = user_json(&view.user);
    object["passwords"] = lane_json(&view.passwords);
    object["codes"] = lane_json(&view.codes);
    object["known_devices"] = devices.collect();
    object
}
