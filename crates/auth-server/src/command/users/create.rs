//! `auth-server users create`

#![expect(clippy::print_stdout, reason = "prints the one-time password, once")]

use anyhow::Context as _;
use auth_domain::{usecase::CreateUser, user::Role};
use serde_json::Value;

use super::{
    super::print::{self, time},
    roles, user_json,
};
use crate::{cli, wire::Wiring};

/// Creates an account and prints its one-time password.
pub(crate) async fn create(wiring: &Wiring, options: cli::CreateUser) -> anyhow::Result<()> {
    let superuser = options.superuser.then_some(Role::Superuser);
    let request = CreateUser {
        tenant: options.tenant,
        email: options.email,
        full_name: options.name,
        roles: options.roles.into_iter().chain(superuser).collect(),
    };
    let created = wiring.engine.operators.create_user(&request).await.context("cannot create the account")?;
    let (user, until) = (&created.user, time(created.password_until));
    let password = created.password.expose_secret();
    if options.format.json {
        let mut object = user_json(user);
        object["password"] = Value::from(password);
        object["password_until"] = Value::from(until);
        print::json(&object);
        return Ok(());
    }
    println!("account   {} ({}) in tenant {}", user.email, user.id, user.tenant);
    println!("roles     {}", roles(user.roles));
    println!("password  {password}");
    println!("It works until {until}, must be changed after the first login, and is not shown again.");
    Ok(())
}
