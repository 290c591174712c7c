//! `auth-server users list`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]
#![expect(clippy::print_stderr, reason = "keeps hints out of what a program may read")]

use anyhow::Context as _;
use auth_domain::usecase::{Actor, ListedUser, UserPage, UserQuery};
use serde_json::json;

use super::{
    super::print::{self, harmless, or_dash, table, time},
    account_json, roles, standing,
};
use crate::{cli::ListUsers, wire::Wiring};

/// Lists accounts, oldest first.
pub(crate) async fn list(wiring: &Wiring, options: ListUsers) -> anyhow::Result<()> {
    let query = UserQuery { tenant: options.tenant, statuses: options.statuses, search: options.search };
    let cursor = options.cursor.as_deref();
    let page = wiring.engine.admin.list(Actor::Operator, &query, options.limit, cursor).await;
    let page = page.context("cannot list the accounts")?;
    if options.format.json {
        print::json(&json(&page));
    } else if page.items.is_empty() {
        println!("no account fits");
    } else {
        print!("{}", text(&page.items));
        if let Some(next) = page.next {
            eprintln!("There are more: add --cursor {next}");
        }
    }
    Ok(())
}

fn text(accounts: &[ListedUser]) -> String {
    let headings = ["ID", "ADDRESS", "NAME", "TENANT", "STATUS", "VERIFIED", "ROLES", "LOCK", "LAST LOGIN"];
    table(
        headings,
        accounts.iter().map(|ListedUser { user, passwords }| {
            [
                user.id.to_string(),
                user.email.to_string(),
                or_dash(user.full_name.as_ref(), |name| harmless(name.as_str())),
                user.tenant.to_string(),
                user.status.to_string(),
                if user.email_verified { "yes" } else { "no" }.to_owned(),
                roles(user.roles),
                standing(&passwords.standing),
                or_dash(user.last_login_at, time),
            ]
        }),
    )
}

fn json(page: &UserPage) -> serde_json::Value {
    let items: Vec<_> =
        page.items.iter().map(|ListedUser { user, passwords }| account_json(user, passwords)).collect();
    json!({"items": items, "next_cursor": page.next})
}
