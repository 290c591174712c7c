//! `auth-server users export` and `users erase`

mod json;

use std::io::{self, Write as _};

use anyhow::Context as _;
use auth_domain::{
    id::UserId,
    usecase::{EraseError, Fault, Persons},
    user::User,
};

use super::output;
use crate::{
    cli::{EraseUser, ExportUser},
    wire::Wiring,
    worker::settle_audit,
};

/// Writes everything that is kept about a person.
pub(super) async fn export(wiring: &Wiring, options: &ExportUser) -> anyhow::Result<()> {
    let data = wiring.engine.persons.export(options.id).await.context("cannot read the account")?;
    let data = data.with_context(|| format!("there is no account {}", options.id))?;
    let mut out = output::create(&options.to)?;
    writeln!(out, "{:#}", json::person(&data)).and_then(|()| out.flush()).context("cannot write")
}

/// Erases an account, after a question.
#[expect(clippy::print_stdout, reason = "tells the operator what was done")]
pub(super) async fn erase(wiring: &Wiring, options: &EraseUser) -> anyhow::Result<()> {
    let (persons, id) = (&wiring.engine.persons, options.id);
    match persons.find(id).await.context("cannot read the account")? {
        Some(user) => {
            anyhow::ensure!(options.yes || is_confirmed(&user)?, "not confirmed: nothing was erased");
            erase_account(persons, &user).await?;
            println!("{} ({id}) in tenant {} is erased", user.email, user.tenant);
        }
        None if persons.is_erased(id).await.context("cannot read the account")? => {
            println!("account {id} was erased before");
        }
        None => anyhow::bail!("there is no account {id}; `auth-server users locks ADDRESS` shows ids"),
    }
    let forgotten = forget(wiring, id).await.context(
        "the audit log still tells where the person came from, until AUDIT_IP_DAYS: erase again to go on",
    )?;
    println!("the audit log forgot where they came from, in {forgotten} entries");
    Ok(())
}

async fn erase_account(persons: &Persons, user: &User) -> anyhow::Result<()> {
    match persons.erase(user.id).await {
        Err(EraseError::NotFound) => Ok(()), // somebody else was faster
        outcome => outcome.context("nothing was erased"),
    }
}

/// Has the person at the terminal type whom they mean.
#[expect(clippy::print_stderr, reason = "a question is not part of the answer")]
fn is_confirmed(user: &User) -> anyhow::Result<bool> {
    eprintln!("This erases {} ({}) in tenant {} for good.", user.email, user.id, user.tenant);
    eprint!("Type the address to go on: ");
    io::stderr().flush().context("cannot ask")?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("cannot read the answer")?;
    Ok(typed.trim() == user.email.as_str())
}

/// Only chained entries can forget. Where the end of the log is not signed, that is no reason to keep them.
async fn forget(wiring: &Wiring, id: UserId) -> Result<u64, Fault> {
    match settle_audit(&wiring.engine).await {
        Ok(()) | Err(Fault::AuditChain(_)) => {}
        Err(fault) => return Err(fault),
    }
    wiring.engine.persons.forget_clients(id).await
}
