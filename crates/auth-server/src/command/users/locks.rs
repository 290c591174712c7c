//! `auth-server users locks`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use anyhow::Context as _;
use auth_domain::usecase::AccountLanes;
use serde_json::{Value, json};

use super::{
    super::print::{self, time},
    in_words, lane_json, user_json,
};
use crate::{cli::OneAccount, wire::Wiring};

/// Shows what is counted for an account.
pub(crate) async fn locks(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let lanes = wiring.engine.operators.lanes(&account.target()).await;
    let lanes = lanes.with_context(|| format!("cannot show the locks of {account}"))?;
    if options.format.json {
        print::json(&json(&lanes));
        return Ok(());
    }
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

fn json(lanes: &AccountLanes) -> Value {
    let devices = lanes.devices.iter().map(|device| {
        json!({
            "created_at": time(device.created_at),
            "last_used_at": time(device.last_used_at),
            "expires_at": time(device.expires_at),
            "failures": device.failures,
        })
    });
    let mut object = user_json(&lanes.user);
    object["passwords"] = lane_json(&lanes.passwords);
    object["codes"] = lane_json(&lanes.codes);
    object["known_devices"] = devices.collect();
    object
}
