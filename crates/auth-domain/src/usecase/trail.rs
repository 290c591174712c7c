//! The audit log made provable: entries are put into the hash chain, the chain is signed, pruned and checked.
//!
//! Not in the transactions of the changes: one end of a chain would have them wait for each other. A worker
//! of every replica puts in what was committed, one at a time, a moment later.

mod extract;
mod trust;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

use self::trust::Memory;
pub use self::{extract::Extract, trust::BrokenChain};
use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::{
        AuditEntry, AuditEvent, AuditKey, AuditRecord, ChainCheck, ChainHead, ChainLink, ChainedRow,
        CheckReport, Checkpoint, CheckpointKind, LOOK_BACK, Salt, StoredRow,
    },
    client::Client,
    port::{AuditFilter, Repos, StoreError, Tx},
    tenant::TenantId,
};

/// Entries put into the chain per transaction: few enough that nobody on an embedded store waits for it.
const BATCH: u32 = 500;
/// What is read at once by a check.
const PAGE: u32 = 1_000;
/// A sweep is over.
const SWEPT: i64 = i64::MAX;
/// How often a check begins anew because the log was pruned under it.
const CHECKS: u32 = 3;
/// How long an entry may wait for its signature, which comes every minute.
const SIGNING: TimeDelta = TimeDelta::minutes(5);

/// Keeps the chain over the audit log, and shows the log to operators.
#[derive(Clone)]
pub struct AuditTrail {
    core: Arc<Core>,
    /// How far the first walk through the whole log is. After it, only the end of the log is looked at.
    sweep: Arc<AtomicI64>,
    memory: Memory,
}

/// What one batch of pruning did.
#[derive(Clone, Debug, Default)]
pub(super) struct Pruned {
    pub(super) entries: u64,
    /// Its signature, where there was anything to prune.
    pub(super) checkpoint: Option<Checkpoint>,
}

/// What one batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chained {
    /// How many entries are in the chain now that were not before.
    pub entries: u64,
    /// Whether more may wait, so that another batch is worthwhile at once.
    pub is_unfinished: bool,
    /// Whether somebody else was at it, so that nothing was done.
    pub is_busy: bool,
}

impl AuditTrail {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, sweep: Arc::new(AtomicI64::new(i64::MIN)), memory: Memory::default() }
    }

    /// Puts one batch of entries into the chain.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn chain(&self) -> Result<Chained, Fault> {
        {
            // Looking does not take the turn to write, which on an embedded store everybody needs.
            let mut repos = self.core.ports.store.read().await?;
            let after = self.horizon(&mut *repos).await?;
            if repos.chain().waiting(after, 1).await?.is_empty() {
                self.sweep.store(SWEPT, Ordering::Relaxed);
                return Ok(Chained::default());
            }
        }
        let Some(rows) = transaction!(self.core, tx => self.chain_in(tx))? else {
            return Ok(Chained { is_busy: true, ..Chained::default() });
        };
        let is_unfinished = rows.len() == BATCH as usize;
        if self.sweep.load(Ordering::Relaxed) != SWEPT {
            let reached = rows.last().filter(|_| is_unfinished).map_or(SWEPT, |row| row.seq);
            self.sweep.store(reached, Ordering::Relaxed);
        }
        Ok(Chained { entries: rows.len() as u64, is_unfinished, is_busy: false })
    }

    /// Behind which position of the log entries may wait: at first everywhere, later near its end, where
    /// slow transactions come in behind quicker ones.
    async fn horizon(&self, repos: &mut dyn Repos) -> Result<i64, StoreError> {
        match self.sweep.load(Ordering::Relaxed) {
            SWEPT => Ok(repos.chain().newest().await?.map_or(i64::MIN, |seq| seq.saturating_sub(LOOK_BACK))),
            reached => Ok(reached),
        }
    }

    async fn chain_in(&self, tx: &mut dyn Tx) -> Result<Option<Vec<StoredRow>>, Fault> {
        if !tx.chain().take_turn().await? {
            return Ok(None);
        }
        let after = self.horizon(tx).await?;
        let rows = tx.chain().waiting(after, BATCH).await?;
        let mut head = tx.chain().head().await?;
        let mut links: Vec<ChainLink> = Vec::with_capacity(rows.len());
        for row in &rows {
            let link = head.link(row, Salt::mint(self.core.entropy())?);
            head = ChainHead::from(&link);
            links.push(link);
        }
        tx.chain().extend(&links).await?;
        Ok(Some(rows))
    }

    /// Signs how far the chain is, if it went on since the last checkpoint. `None` when it did not, or when
    /// somebody else writes to the chain at this moment.
    ///
    /// # Errors
    /// [`Fault`] when a port fails; [`Fault::AuditChain`] when the chain is not the one that was signed before.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, Fault> {
        if !self.is_due().await? {
            return Ok(None);
        }
        let signed = transaction!(self.core, tx => self.checkpoint_in(tx))?;
        if let Some(checkpoint) = &signed {
            self.memory.keep_signed(checkpoint);
        }
        Ok(signed)
    }

    /// Whether there is something to sign, or to be looked at by somebody who has the turn.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn is_due(&self) -> Result<bool, Fault> {
        let mut repos = self.core.ports.store.read().await?;
        match self.trusted(&mut *repos).await {
            Ok(seen) => seen.into_iter().for_each(|seen| self.memory.keep(seen)),
            Err(Fault::AuditChain(_)) => return Ok(true),
            Err(fault) => return Err(fault),
        }
        Ok(Self::due(&mut *repos).await?.is_some())
    }

    async fn checkpoint_in(&self, tx: &mut dyn Tx) -> Result<Option<Checkpoint>, Fault> {
        if !tx.chain().take_turn().await? {
            return Ok(None);
        }
        self.trusted(tx).await?;
        let Some((number, head)) = Self::due(tx).await? else { return Ok(None) };
        let checkpoint = self.sign(number, CheckpointKind::Regular, head)?;
        tx.chain().put_checkpoint(&checkpoint).await?;
        Ok(Some(checkpoint))
    }

    /// The number and the place of the checkpoint that is due, if one is.
    async fn due<R: Repos + ?Sized>(repos: &mut R) -> Result<Option<(i64, ChainHead)>, StoreError> {
        let last = repos.chain().last_checkpoint().await?;
        let head = repos.chain().head().await?;
        let (number, signed) = last.map_or((0, 0), |last| (last.number, last.head.position));
        Ok((head.position != signed).then_some((number + 1, head)))
    }

    fn sign(&self, number: i64, kind: CheckpointKind, head: ChainHead) -> Result<Checkpoint, Fault> {
        Ok(Checkpoint::sign(number, kind, head, self.core.now(), &*self.core.ports.checkpoint_signer)?)
    }

    /// Deletes up to `limit` entries at the beginning of the chain that happened before `before`, with their
    /// links, and signs that they were deleted. An older entry behind a younger one waits for it: the chain
    /// is cut at its beginning only.
    pub(super) async fn prune(&self, before: DateTime<Utc>, limit: u32) -> Result<Pruned, Fault> {
        let pruned = transaction!(self.core, tx => self.prune_in(tx, before, limit))?;
        if let Some(checkpoint) = &pruned.checkpoint {
            self.memory.keep_signed(checkpoint);
        }
        Ok(pruned)
    }

    async fn prune_in(&self, tx: &mut dyn Tx, before: DateTime<Utc>, limit: u32) -> Result<Pruned, Fault> {
        if !tx.chain().take_turn().await? {
            return Ok(Pruned::default());
        }
        self.trusted(tx).await?;
        let page = tx.chain().page(0, limit).await?;
        let old = page.iter().take_while(|chained| chained.link.at < before);
        // The store deletes by the link's time: a wrong one must not take a young entry away.
        let Some(last) = old.clone().take_while(|chained| chained.is_dated()).last() else {
            return match old.clone().next() {
                Some(wrong) => Err(BrokenChain::NotAsChained(wrong.link.position).into()),
                None => Ok(Pruned::default()),
            };
        };
        let number = tx.chain().last_checkpoint().await?.map_or(1, |last| last.number + 1);
        let checkpoint = self.sign(number, CheckpointKind::Pruned, ChainHead::from(&last.link))?;
        let entries = tx.chain().prune(&checkpoint, before).await?;
        Ok(Pruned { entries, checkpoint: Some(checkpoint) })
    }

    /// Goes through the whole chain. `through` is a place that the chain must go through: one that was kept
    /// outside of the store. Tells `progress` now and then how many entries it has seen.
    ///
    /// # Errors
    /// [`Fault`] when a port fails; what is wrong with the log is in the report.
    pub async fn check(
        &self,
        through: Option<ChainHead>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<CheckReport, Fault> {
        let mut tries = 1;
        loop {
            let pruned = self.beginning().await?;
            let report = self.check_once(through, &mut progress).await?;
            if report.is_good() || tries == CHECKS || self.beginning().await? == pruned {
                return Ok(report);
            }
            tries += 1;
        }
    }

    async fn beginning(&self) -> Result<Option<i64>, Fault> {
        let first = self.core.ports.store.read().await?.chain().page(0, 1).await?;
        Ok(first.first().map(|chained| chained.link.position))
    }

    async fn check_once(
        &self,
        through: Option<ChainHead>,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<CheckReport, Fault> {
        let ports = &self.core.ports;
        let keys = ports.checkpoint_signer.known_keys();
        let mut check =
            ChainCheck::new(&*ports.checkpoint_verifier, keys, ChainHead::GENESIS).through(through);
        check = check.signed_since(self.core.now() - SIGNING);
        let mut repos = ports.store.read().await?;
        let mut number = 0;
        loop {
            let page = repos.chain().checkpoints(number, PAGE).await?;
            let Some(last) = page.last() else { break };
            number = last.number;
            for checkpoint in &page {
                check.checkpoint(checkpoint);
            }
        }
        let (mut position, mut seen) = (i64::MIN, 0);
        loop {
            let page = repos.chain().page(position, PAGE).await?;
            let Some(last) = page.last() else { break };
            position = last.link.position;
            for chained in &page {
                check.link(&chained.link, chained.row.as_ref());
            }
            seen += page.len() as u64;
            progress(seen);
        }
        Ok(check.finish())
    }

    /// How long the oldest entry has been waiting for a signature; zero when all are signed. Not audited: it
    /// names nobody, and is asked all the time.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn unsigned_for(&self) -> Result<TimeDelta, Fault> {
        let mut repos = self.core.ports.store.read().await?;
        let signed = repos.chain().last_checkpoint().await?.map_or(0, |last| last.head.position);
        let mut oldest = repos.chain().page(signed, 1).await?.first().map(|row| row.link.at);
        if oldest.is_none() {
            let after = self.horizon(&mut *repos).await?;
            oldest = repos.chain().waiting(after, 1).await?.first().map(|row| row.at);
        }
        let age = oldest.map(|at| self.core.now() - at);
        Ok(age.unwrap_or_default().max(TimeDelta::zero()))
    }

    /// How many entries are not in the chain yet.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn backlog(&self) -> Result<u64, Fault> {
        Ok(self.core.ports.store.read().await?.chain().backlog().await?)
    }

    /// The public keys to believe: the present one first, then those of former secrets.
    pub fn keys(&self) -> Vec<AuditKey> {
        self.core.ports.checkpoint_signer.known_keys()
    }

    /// Entries that fit `filter`, newest first, at most `limit`. Looking is an event itself.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn list(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, Fault> {
        transaction!(self.core, tx => self.list_in(tx, filter, limit))
    }

    async fn list_in(
        &self,
        tx: &mut dyn Tx,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Fault> {
        let entries = tx.audit().list(filter, limit).await?;
        let mut record = self.note(AuditEvent::AuditRead).with("count", entries.len().to_string());
        if let Some(subject) = filter.subject {
            record = record.about(subject);
        }
        tx.audit().append(&record).await?;
        Ok(entries)
    }

    /// Links behind the position `after` with their entries, in order, at most `limit`.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn page(&self, after: i64, limit: u32) -> Result<Vec<ChainedRow>, Fault> {
        Ok(self.core.ports.store.read().await?.chain().page(after, limit).await?)
    }

    /// Where the chain ends now.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn head(&self) -> Result<ChainHead, Fault> {
        Ok(self.core.ports.store.read().await?.chain().head().await?)
    }

    /// Checkpoints with numbers above `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn checkpoints(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, Fault> {
        Ok(self.core.ports.store.read().await?.chain().checkpoints(after, limit).await?)
    }

    fn note(&self, event: AuditEvent) -> AuditRecord {
        AuditRecord::new(event, &TenantId::default(), &Client::default(), self.core.now())
    }
}
