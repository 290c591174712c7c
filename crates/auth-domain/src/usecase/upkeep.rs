//! Deleting what nobody needs any more, so that tables stay bounded.

use std::sync::Arc;

use super::{AuditTrail, Core, Fault};
use crate::audit::Checkpoint;

/// Rows deleted per statement: small enough that nobody waits for it.
const BATCH: u32 = 500;

/// Deletes old rows.
#[derive(Clone)]
pub struct Upkeep {
    core: Arc<Core>,
    trail: AuditTrail,
}

/// How many rows one run deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpkeepReport {
    /// Ended or expired sessions, with their refresh tokens.
    pub sessions: u64,
    /// Used or expired links.
    pub links: u64,
    /// Devices that have to prove their second factor again.
    pub devices: u64,
    /// Devices that nobody signed in from for long.
    pub known_devices: u64,
    /// Revoked or expired API keys.
    pub api_keys: u64,
    /// Failure counts long past.
    pub locks: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Entries of the audit log that forgot from where.
    pub audit_clients: u64,
    /// Entries of the audit log.
    pub audit_entries: u64,
    /// What was signed about their end: for the log of the server, as every checkpoint.
    pub pruned: Option<Checkpoint>,
}

impl UpkeepReport {
    /// Whether a table gave a full batch, or the audit log some of its chain, so that another run is
    /// worthwhile at once.
    pub fn is_unfinished(&self) -> bool {
        let Self {
            sessions,
            links,
            devices,
            known_devices,
            api_keys,
            locks,
            dead_letters,
            audit_clients,
            audit_entries,
            pruned,
        } = self;
        [sessions, links, devices, known_devices, api_keys, locks, dead_letters, audit_clients, audit_entries]
            .iter()
            .any(|&&rows| rows >= u64::from(BATCH))
            || pruned.is_some()
    }
}

impl Upkeep {
    pub(super) const fn new(core: Arc<Core>, trail: AuditTrail) -> Self {
        Self { core, trail }
    }

    /// Deletes one batch per table.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn run(&self) -> Result<UpkeepReport, Fault> {
        let now = self.core.now();
        let before = now - self.core.policy.retention;
        let unaudited = now - self.core.policy.audit_retention;
        let mut repos = self.core.ports.store.read().await?;
        let mut report = UpkeepReport {
            sessions: repos.sessions().purge(before, BATCH).await?,
            links: repos.links().purge(before, BATCH).await?,
            // At once: they are worth nothing any more, and tell where somebody was.
            devices: repos.devices().purge(now, BATCH).await?,
            known_devices: repos.known_devices().purge(now, BATCH).await?,
            api_keys: repos.api_keys().purge(before, BATCH).await?,
            locks: repos.locks().purge(self.core.policy.lock.old(now), BATCH).await?,
            dead_letters: repos.outbox().purge(before, BATCH).await?,
            // The rest last: stores refuse there what they do not notice elsewhere, a clock far ahead.
            audit_clients: 0,
            audit_entries: 0,
            pruned: None,
        };
        let unplaced = now - self.core.policy.audit_ip_life;
        report.audit_clients = repos.chain().erase_clients(unplaced, BATCH).await?;
        drop(repos);
        let pruned = self.trail.prune(unaudited, BATCH).await?;
        report.audit_entries = match pruned.checkpoint {
            // What never came into the chain goes by itself, after that: to find it means to look past all that
            // is old. In a run of its own, so that no failure there loses the checkpoint.
            None => self.core.ports.store.read().await?.audit().purge(unaudited, BATCH).await?,
            Some(_) => pruned.entries,
        };
        report.pruned = pruned.checkpoint;
        Ok(report)
    }
}
