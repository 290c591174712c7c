//! `auth-server migrate`

#![expect(clippy::print_stdout, reason = "tells the operator what was done")]

use crate::wire::Wiring;

/// Brings the database to the layout of this version.
pub(super) async fn run(wiring: Wiring) -> anyhow::Result<()> {
    let done = wiring.stores.migrate().await?;
    for migration in &done {
        println!("applied {migration}");
    }
    println!(
        "{}",
        if done.is_empty() { "the database is up to date" } else { "the database is up to date now" }
    );
    Ok(())
}
