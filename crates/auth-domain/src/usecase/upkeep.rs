//! Deleting what nobody needs any more, so that tables stay bounded.

use std::sync::Arc;

use super::{Core, Fault};

/// Rows deleted per statement: small enough that nobody waits for it.
const BATCH: u32 = 500;

/// Deletes old rows.
#[derive(Clone)]
pub struct Upkeep {
    core: Arc<Core>,
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
    /// Entries of the audit log.
    pub audit_entries: u64,
}

impl UpkeepReport {
    /// Whether a table gave a full batch, so that another run is worthwhile at once.
    pub fn is_unfinished(&self) -> bool {
        let Self { sessions, links, devices, known_devices, locks, dead_letters, audit_entries } = *self;
        [sessions, links, devices, known_devices, locks, dead_letters, audit_entries]
            .iter()
            .any(|&rows| rows >= u64::from(BATCH))
    }
}

impl Upkeep {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
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
        Ok(UpkeepReport {
            sessions: repos.sessions().purge(before, BATCH).await?,
            links: repos.links().purge(before, BATCH).await?,
            // At once: they are worth nothing any more, and tell where somebody was.
            devices: repos.devices().purge(now, BATCH).await?,
            known_devices: repos.known_devices().purge(now, BATCH).await?,
            locks: repos.locks().purge(self.core.policy.lock.old(now), BATCH).await?,
            dead_letters: repos.outbox().purge(before, BATCH).await?,
            // Last: its store refuses what the others would not notice, a clock far ahead.
            audit_entries: repos.audit().purge(unaudited, BATCH).await?,
        })
    }
}
