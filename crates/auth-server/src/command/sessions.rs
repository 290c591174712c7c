//! `auth-server sessions list` and `sessions revoke`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use anyhow::Context as _;
use auth_domain::{
    client::UserAgent,
    session::Session,
    tenant::TenantId,
    usecase::{Actor, Target, UserQuery},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::print::{self, harmless, or_dash, table, time};
use crate::{
    cli::{OneAccount, RevokeSessions},
    wire::Wiring,
};

/// Accounts read at once by `revoke --everyone`.
const PAGE: u32 = 200;

/// Lists the sessions of an account.
pub(super) async fn list(wiring: &Wiring, options: &OneAccount) -> anyhow::Result<()> {
    let account = &options.account;
    let found = wiring.engine.admin.sessions(Actor::Operator, &account.target()).await;
    let (user, sessions) = found.with_context(|| format!("cannot list the sessions of {account}"))?;
    if options.format.json {
        print::json(&json(&sessions));
    } else if sessions.is_empty() {
        println!("{} has no session", user.email);
    } else {
        print!("{}", text(&sessions));
    }
    Ok(())
}

/// Ends the sessions of an account, or of all.
pub(super) async fn revoke(wiring: &Wiring, options: &RevokeSessions) -> anyhow::Result<()> {
    let (accounts, sessions) = match &options.account {
        Some(account) => {
            let target = account.target(&options.tenant.clone().unwrap_or_default());
            let ended = wiring.engine.admin.end_sessions(Actor::Operator, &target).await;
            let (_, ended) = ended.with_context(|| format!("cannot end the sessions of {account}"))?;
            (1, ended)
        }
        None => revoke_everyones(wiring, options.tenant.clone()).await?,
    };
    if options.format.json {
        print::json(&json!({"accounts": accounts, "sessions_revoked": sessions}));
    } else {
        println!(
            "{sessions} sessions of {accounts} accounts have ended; their tokens are refused from now on"
        );
    }
    Ok(())
}

/// Account by account, so that each has its entry in the audit log.
async fn revoke_everyones(wiring: &Wiring, tenant: Option<TenantId>) -> anyhow::Result<(u64, u64)> {
    let admin = &wiring.engine.admin;
    let stats = admin.stats(Actor::Operator).await.context("cannot count the accounts")?;
    let within = |name: &TenantId| tenant.as_ref().is_none_or(|tenant| tenant == name);
    let total = stats.users.iter().filter(|counts| within(&counts.tenant)).map(|counts| counts.active).sum();
    let bar = ProgressBar::new(total).with_style(style()?);
    let query = UserQuery { tenant, ..UserQuery::default() };
    let (mut accounts, mut sessions, mut cursor) = (0, 0, None);
    loop {
        let page = admin.list(Actor::Operator, &query, PAGE, cursor.as_deref()).await;
        let page =
            page.with_context(|| format!("the sessions of {accounts} accounts have ended; cannot go on"))?;
        for listed in &page.items {
            let (_, ended) = admin
                .end_sessions(Actor::Operator, &Target::Id(listed.user.id))
                .await
                .with_context(|| format!("the sessions of {accounts} accounts have ended; cannot go on"))?;
            (accounts, sessions) = (accounts + 1, sessions + ended);
            bar.inc(1);
        }
        cursor = page.next;
        if cursor.is_none() {
            bar.finish_and_clear();
            return Ok((accounts, sessions));
        }
    }
}

fn style() -> anyhow::Result<ProgressStyle> {
    ProgressStyle::with_template("accounts {bar:30} {human_pos}/{human_len} {per_sec} {eta} left")
        .context("the template of the progress bar is wrong")
}

/// Sessions for people.
pub(super) fn text(sessions: &[Session]) -> String {
    let row = |session: &Session| {
        [
            session.id.to_string(),
            time(session.created_at),
            time(session.last_used_at),
            session.ended.map_or_else(
                || format!("until {}", time(session.expires_at)),
                |ended| format!("{} ({})", time(ended.at), ended.reason.as_str()),
            ),
            or_dash(session.ip, |ip| ip.to_string()),
            or_dash(session.user_agent.as_ref(), |agent| harmless(agent.as_str())),
        ]
    };
    table(["SESSION", "OPENED", "LAST USED", "ENDS OR ENDED", "FROM", "WITH"], sessions.iter().map(row))
}

/// Sessions for programs.
pub(super) fn json(sessions: &[Session]) -> Value {
    let object = |session: &Session| {
        json!({
            "id": session.id.as_i64(),
            "created_at": time(session.created_at),
            "last_used_at": time(session.last_used_at),
            "expires_at": time(session.expires_at),
            "ended_at": session.ended.map(|ended| time(ended.at)),
            "end_reason": session.ended.map(|ended| ended.reason.as_str()),
            "ip_address": session.ip,
            "user_agent": session.user_agent.as_ref().map(UserAgent::as_str),
        })
    };
    sessions.iter().map(object).collect()
}
