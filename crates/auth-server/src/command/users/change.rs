//! `auth-server users grant`, `revoke`, `disable`, `enable`, `unlock`, `reset-mfa`, `delete` and `restore`

use anyhow::Context as _;
use auth_domain::{
    usecase::{Actor, RoleChange},
    user::UserStatus,
};
use serde_json::json;

use super::{roles, said};
use crate::{
    cli::{ChangeRole, DisableUser, OneAccount},
    wire::Wiring,
};

/// Gives an account a role, or takes it.
pub(crate) async fn change_role(wiring: &Wiring, options: &ChangeRole, wanted: bool) -> anyhow::Result<()> {
    let change = RoleChange::of(options.role, wanted);
    let account = &options.account;
    let user = wiring.engine.admin.change_roles(Actor::Operator, &account.target(), change).await;
    let user = user.with_context(|| format!("cannot change the roles of {account}"))?;
    let text = format!("{} now holds: {}", user.email, roles(user.roles));
    said(options.format, &text, &user, json!({}));
    Ok(())
}

/// Switches an account off.
pub(crate) async fn disable(wiring: &Wiring, options: &DisableUser) -> anyhow::Result<()> {
    let status = if options.suspend { UserStatus::Suspended } else { UserStatus::Inactive };
    let (account, reason) = (&options.account, options.reason.as_deref());
    let change = wiring.engine.admin.change_status(Actor::Operator, &account.target(), status, reason).await;
    let change = change.with_context(|| format!("cannot disable {account}"))?;
    let text =
        format!("{} is {}; it was {}. Its sessions have ended", change.user.email, status, change.before);
    said(options.format, &text, &change.user, json!({"old_status": change.before.as_str()}));
    Ok(())
}

/// Switches an account on again.
pub(crate) async fn enable(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let (target, status) = (account.target(), UserStatus::Active);
    let change = wiring.engine.admin.change_status(Actor::Operator, &target, status, None).await;
    let change = change.with_context(|| {
        format!("cannot enable {account}; one that was deleted is brought back by `users restore`")
    })?;
    let text = format!("{} is active; it was {}", change.user.email, change.before);
    said(options.format, &text, &change.user, json!({"old_status": change.before.as_str()}));
    Ok(())
}

/// Forgets the failures of an account.
pub(crate) async fn unlock(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let user = wiring.engine.admin.unlock(Actor::Operator, &account.target()).await;
    let user = user.with_context(|| format!("cannot open {account}"))?;
    said(options.format, &format!("{} is open, for passwords and for codes", user.email), &user, json!({}));
    Ok(())
}

/// Takes the second factors of an account away.
pub(crate) async fn reset_mfa(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let reset = wiring.engine.admin.reset_factors(Actor::Operator, &account.target()).await;
    let (user, had) = reset.with_context(|| format!("cannot take the second factors of {account} away"))?;
    let names: Vec<&str> = had.iter().map(|kind| kind.as_str()).collect();
    let taken = if names.is_empty() {
        "had no second factor".to_owned()
    } else {
        format!("lost {}", names.join(", "))
    };
    let text = format!("{} {taken}. Its sessions have ended", user.email);
    said(options.format, &text, &user, json!({"removed": names}));
    Ok(())
}

/// Removes an account; its row stays.
pub(crate) async fn delete(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let user = wiring.engine.admin.delete(Actor::Operator, &options.account.target()).await;
    let user = user.with_context(|| format!("cannot delete {}", options.account))?;
    let text = format!(
        "{} is deleted. Its sessions have ended, its address stays taken; `users restore {}` brings it back, \
         `users erase {}` leaves nothing of it",
        user.email, user.id, user.id
    );
    said(options.format, &text, &user, json!({}));
    Ok(())
}

/// Brings a removed account back.
pub(crate) async fn restore(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let user = wiring.engine.admin.reactivate(Actor::Operator, &options.account.target()).await;
    let user = user.with_context(|| format!("cannot restore {}", options.account))?;
    said(options.format, &format!("{} is active, with the password it had", user.email), &user, json!({}));
    Ok(())
}
