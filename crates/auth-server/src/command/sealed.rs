//! `auth-server keys status` and `keys rotate-data`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]
#![expect(clippy::print_stderr, reason = "tells how far it is")]

use std::collections::BTreeSet;

use anyhow::Context as _;
use auth_domain::{
    port::SealedPlace,
    secret::SealLabel,
    usecase::{Rekey, RekeyProgress, Rekeyed, SealCount, SealKey},
};

use serde_json::{Value, json};

use super::print;
use crate::{
    cli::{Format, RotateData},
    wire::Wiring,
};

/// Tells how many values each secret holds.
pub(super) async fn status(wiring: &Wiring, format: Format) -> anyhow::Result<()> {
    wiring.stores.ready_schema().await?;
    let rekey = &wiring.engine.rekey;
    let counts = counts(rekey).await?;
    if format.json {
        print::json(&json(rekey, &counts));
        return Ok(());
    }
    println!("{:<11} {:<35} {:<30} VALUES", "KEY", "SECRET", "PLACE");
    for (number, label) in rekey.keys().into_iter().enumerate() {
        print_key(label, &secret_name(number), &counts);
    }
    for label in missing(&counts) {
        print_key(label, "MISSING", &counts);
    }
    Ok(())
}

/// The keys of values that no secret of the settings opens.
fn missing(counts: &[SealCount]) -> BTreeSet<SealLabel> {
    counts.iter().filter(|count| count.key == SealKey::Unknown).map(|count| count.label).collect()
}

fn json(rekey: &Rekey, counts: &[SealCount]) -> Value {
    let key = |label: SealLabel, secret: Option<String>| {
        let held = counts.iter().filter(|count| count.label == label);
        let held: Vec<Value> =
            held.map(|count| json!({"place": count.place.as_str(), "values": count.count})).collect();
        json!({"key": label.to_string(), "secret": secret, "held": held})
    };
    let known = rekey.keys().into_iter().enumerate();
    let known = known.map(|(number, label)| key(label, Some(secret_name(number))));
    known.chain(missing(counts).into_iter().map(|label| key(label, None))).collect()
}

/// Seals anew what former secrets sealed.
pub(super) async fn rotate(wiring: &Wiring, options: &RotateData) -> anyhow::Result<()> {
    wiring.stores.ready_schema().await?;
    let rekey = &wiring.engine.rekey;
    let done = rekey
        .run(options.dry_run, tell)
        .await
        .context("not everything was sealed anew; what was done stays, run it again")?;
    for rekeyed in &done {
        println!("{}", summary(rekeyed, options.dry_run));
    }
    let counts = counts(rekey).await?;
    let former: Vec<SealLabel> = rekey.keys().into_iter().skip(1).collect();
    if former.is_empty() {
        println!("SECRET_KEY_FORMER is not set: there is nothing to seal anew");
    }
    for (number, label) in former.into_iter().enumerate() {
        println!("{}", verdict(label, number + 1, &counts));
    }
    for count in counts.iter().filter(|count| count.key == SealKey::Unknown) {
        println!(
            "{} of {} are sealed with {}, which no secret of the settings gives",
            count.count, count.place, count.label
        );
    }
    Ok(())
}

async fn counts(rekey: &Rekey) -> anyhow::Result<Vec<SealCount>> {
    rekey.counts().await.context("cannot count what is sealed")
}

/// One line for each place where a key holds something.
fn print_key(label: SealLabel, secret: &str, counts: &[SealCount]) {
    let mut found = false;
    for count in counts.iter().filter(|count| count.label == label) {
        found = true;
        println!("{label:<11} {secret:<35} {:<30} {}", count.place.as_str(), count.count);
    }
    if !found {
        println!("{label:<11} {secret:<35} {:<30} 0", "-");
    }
}

/// The secret of that number in the ring, as the settings call it.
fn secret_name(number: usize) -> String {
    match number {
        0 => "SECRET_KEY".to_owned(),
        number => format!("SECRET_KEY_FORMER, number {number}"),
    }
}

fn tell(progress: RekeyProgress) {
    eprintln!("{}: {} of {}", progress.place, progress.done, progress.total);
}

fn summary(rekeyed: &Rekeyed, dry_run: bool) -> String {
    let Rekeyed { place, label, sealed, changed, unreadable } = rekeyed;
    let done = if dry_run { "would be sealed anew" } else { "sealed anew" };
    let mut parts = vec![format!("{place} under {label}: {sealed} {done}")];
    if *changed > 0 {
        parts.push(format!("{changed} changed meanwhile and left alone"));
    }
    if *unreadable > 0 {
        parts.push(format!("{unreadable} do not open and were left alone"));
    }
    parts.join(", ")
}

/// Whether a former secret is still needed.
fn verdict(label: SealLabel, number: usize, counts: &[SealCount]) -> String {
    let left: Vec<(SealedPlace, u64)> = counts
        .iter()
        .filter(|count| count.label == label && count.count > 0)
        .map(|count| (count.place, count.count))
        .collect();
    let name = format!("{} (key {label})", secret_name(number));
    if left.is_empty() {
        return format!("{name} holds nothing any more and may be taken out of the settings");
    }
    let places: Vec<String> = left.iter().map(|(place, count)| format!("{count} of {place}")).collect();
    format!("{name} still holds {}; keep it", places.join(", "))
}
