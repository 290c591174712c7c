//! `auth-server users create` and `users grant`

#![expect(clippy::print_stdout, reason = "prints the one-time password, once")]

use anyhow::Context as _;
use auth_domain::usecase::CreateUser;
use chrono::SecondsFormat;

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
