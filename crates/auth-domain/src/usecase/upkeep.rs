//! Deleting what nobody needs any more, so that tables stay bounded.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{AuditTrail, Core, Fault};

/// Rows deleted per statement: small enough that nobody waits for it.
const BATCH: u32 = 500;

/// Deletes old rows.
#[derive(Clone)]
pub struct Upkeep {
    core: Arc<Core>,
    trail: AuditTrail,
}

/// How many rows one run deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepReport {
    /// Ended or expired sessions, with their refresh tokens.
    pub sessions: u64,
    /// Used or expired links.
    pub links: u64,
    /// Devices that have to prove their second factor again.
    pub devices: u64,
    /// Devices that nobody signed in from for long.
    pub known_devices: u64,
    /// Failure counts long past.
    pub locks: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Entries of the audit log that forgot from where.
    pub audit_clients: u64,
    /// Entries of the audit log.
    pub audit_entries: u64,
}

impl UpkeepReport {
    /// Whether a table gave a full batch, so that another run is worthwhile at once.
    pub fn is_unfinished(&self) -> bool {
        let Self {
            sessions,
            links,
            devices,
            known_devices,
            locks,
            dead_letters,
            audit_clients,
            audit_entries,
        } = self;
        [sessions, links, devices, known_devices, locks, dead_letters, audit_clients, audit_entries]
            .iter()
            .any(|&&rows| rows >= u64::from(BATCH))
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
            locks: repos.locks().purge(self.core.policy.lock.old(now), BATCH).await?,
            dead_letters: repos.outbox().purge(before, BATCH).await?,
            // The rest last: stores refuse there what they do not notice elsewhere, a clock far ahead.
            audit_clients: 0,
            audit_entries: 0,
        };
        let unplaced = now - self.core.policy.audit_ip_life;
        report.audit_clients = repos.chain().erase_clients(unplaced, BATCH).await?;
        drop(repos);
        report.audit_entries = self.old_entries(unaudited).await?;
        Ok(report)
    }

    /// What is in the chain goes with its links, at the beginning of the chain. What never came into it goes by
    /// itself, after that: to find it means to look past all that is old.
    async fn old_entries(&self, before: DateTime<Utc>) -> Result<u64, Fault> {
        let pruned = self.trail.prune(before, BATCH).await?;
        if pruned >= u64::from(BATCH) {
            return Ok(pruned);
        }
        Ok(pruned + self.core.ports.store.read().await?.audit().purge(before, BATCH).await?)
    }
}
