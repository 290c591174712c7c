//! `auth-server tenants`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use std::collections::BTreeMap;

use anyhow::Context as _;
use auth_domain::{port::UserCounts, tenant::TenantId, usecase::Actor};
use serde_json::{Value, json};

use super::print::{self, table};
use crate::{cli::Format, settings::Settings, wire::Wiring};

const HEADINGS: [&str; 9] =
    ["TENANT", "SERVED", "ACTIVE", "INACTIVE", "SUSPENDED", "PENDING", "DELETED", "VERIFIED", "WITH MFA"];

/// One tenant.
struct Row<'a> {
    tenant: &'a TenantId,
    is_served: bool,
    counts: Option<&'a UserCounts>,
}

/// Lists the tenants of the settings, and any other that has accounts.
pub(super) async fn list(wiring: &Wiring, format: Format) -> anyhow::Result<()> {
    let settings = Settings::load()?;
    let stats = wiring.engine.admin.stats(Actor::Operator).await.context("cannot count the accounts")?;
    let counts: BTreeMap<&TenantId, &UserCounts> =
        stats.users.iter().map(|counts| (&counts.tenant, counts)).collect();
    let mut tenants: Vec<&TenantId> = settings.tenants.iter().chain(counts.keys().copied()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let rows = tenants.into_iter().map(|tenant| Row {
        tenant,
        is_served: settings.tenants.contains(tenant),
        counts: counts.get(tenant).copied(),
    });
    if format.json {
        print::json(&rows.map(|row| row.json()).collect());
    } else {
        print!("{}", table(HEADINGS, rows.map(|row| row.cells())));
    }
    Ok(())
}

impl Row<'_> {
    /// Active, inactive, suspended, pending, deleted, verified, with a second factor.
    fn numbers(&self) -> [u64; 7] {
        self.counts.map_or([0; 7], |counts| {
            let UserCounts { active, inactive, suspended, pending, .. } = *counts;
            [active, inactive, suspended, pending, counts.deleted, counts.verified, counts.with_second_factor]
        })
    }

    fn cells(&self) -> [String; 9] {
        let served = if self.is_served { "yes" } else { "no" };
        let mut cells = [self.tenant.as_str(), served, "", "", "", "", "", "", ""].map(str::to_owned);
        for (cell, number) in cells.iter_mut().skip(2).zip(self.numbers()) {
            *cell = number.to_string();
        }
        cells
    }

    fn json(&self) -> Value {
        let [active, inactive, suspended, pending, deleted, verified, with_mfa] = self.numbers();
        json!({
            "tenant": self.tenant.as_str(),
            "is_served": self.is_served,
            "active": active,
            "inactive": inactive,
            "suspended": suspended,
            "pending": pending,
            "deleted": deleted,
            "verified": verified,
            "with_mfa": with_mfa,
        })
    }
}
