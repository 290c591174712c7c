//! What an export covers.

use chrono::{DateTime, Utc};

use super::{AuditTrail, Fault, PAGE};
use crate::{
    audit::{AuditEvent, AuditKey, ChainHead, Checkpoint, CheckpointKind},
    port::{Repos, StoreError},
};

/// Which part of the chain is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// Behind which link it begins.
    pub from: ChainHead,
    /// The position of its last link.
    pub to: i64,
    /// The public keys to believe, the present one first.
    pub keys: Vec<AuditKey>,
}

impl AuditTrail {
    /// Marks out what an export of the entries between two times covers. It ends at a checkpoint, so it may
    /// hold some later entries; call [`chain`](Self::chain) and [`checkpoint`](Self::checkpoint) before. The
    /// export is an event itself.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn extract(
        &self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Result<Extract, Fault> {
        let mut repos = self.core.ports.store.read().await?;
        let from = match since {
            Some(since) => Self::start(&mut *repos, since).await?,
            None => ChainHead::GENESIS,
        };
        let to = match until {
            Some(until) => Self::end(&mut *repos, until).await?,
            None => Self::signed(&mut *repos).await?,
        };
        let record = self.note(AuditEvent::AuditExported);
        let record = record.with("from", (from.position + 1).to_string()).with("to", to.to_string());
        repos.audit().append(&record).await?;
        Ok(Extract { from, to, keys: self.keys() })
    }

    /// The link before the first one of `since` or later.
    async fn start(repos: &mut dyn Repos, since: DateTime<Utc>) -> Result<ChainHead, StoreError> {
        let Some(first) = repos.chain().first_since(since).await? else { return repos.chain().head().await };
        let before = repos.chain().page(first - 2, 1).await?;
        let before = before.first().filter(|chained| chained.link.position == first - 1);
        Ok(before.map_or(ChainHead::GENESIS, |chained| ChainHead::from(&chained.link)))
    }

    /// The position of the checkpoint that covers all links before the first one of `until` or later.
    async fn end(repos: &mut dyn Repos, until: DateTime<Utc>) -> Result<i64, StoreError> {
        let Some(first) = repos.chain().first_since(until).await? else { return Self::signed(repos).await };
        let mut number = 0;
        loop {
            let page = repos.chain().checkpoints(number, PAGE).await?;
            let Some(last) = page.last() else { return Self::signed(repos).await };
            number = last.number;
            let covers = |checkpoint: &&Checkpoint| {
                checkpoint.kind == CheckpointKind::Regular && checkpoint.head.position >= first - 1
            };
            if let Some(covering) = page.iter().find(covers) {
                return Ok(covering.head.position);
            }
        }
    }

    /// The position of the last checkpoint: what was chained behind it since is in the next export. A pruning
    /// is signed later, about an earlier place.
    async fn signed(repos: &mut dyn Repos) -> Result<i64, StoreError> {
        let Some(last) = repos.chain().last_checkpoint().await? else { return Ok(0) };
        let page = repos.chain().checkpoints(last.number - i64::from(PAGE), PAGE).await?;
        Ok(page.iter().map(|checkpoint| checkpoint.head.position).max().unwrap_or(last.head.position))
    }
}
