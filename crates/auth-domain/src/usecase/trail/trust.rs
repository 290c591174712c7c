//! What a process remembers of the chain, so that it signs no other one in its place.
//!
//! Whoever owns the tables can delete checkpoints and compute all links anew. The next signature would make
//! that good. So the chain must still go through what this process has seen signed before it signs again.

use std::sync::{Arc, Mutex, PoisonError};

use super::{AuditTrail, Fault, PAGE};
use crate::{
    audit::{Checkpoint, CheckpointKind},
    port::Repos,
};

/// Why the chain is not signed: it is not the one that was signed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// The checkpoint of this number, and all after it, are not in the store any more.
    #[error("checkpoint {0} of the audit log is gone")]
    CheckpointGone(i64),
    /// The checkpoint of this number was replaced, or is not signed by a key that is known.
    #[error("checkpoint {0} of the audit log is not one that this installation signed")]
    CheckpointForged(i64),
    /// The chain does not go through what the checkpoint of this number was signed for.
    #[error("the chain of the audit log is not the one that checkpoint {0} was signed for")]
    NotThrough(i64),
    /// An old entry cannot be pruned: it is gone, or the time the chain keeps of it is not its own.
    #[error("the entry at position {0} of the audit log's chain is not the one that was chained")]
    NotAsChained(i64),
}

/// What was seen last, of those that were believed.
#[derive(Clone)]
pub(super) struct Seen {
    /// With the highest number.
    last: Checkpoint,
    /// About the farthest place: a pruning is signed later, about an earlier one.
    farthest: Checkpoint,
}

impl Seen {
    const fn farther(one: Checkpoint, other: Checkpoint) -> Checkpoint {
        if other.head.position >= one.head.position { other } else { one }
    }

    fn and(self, other: Self) -> Self {
        let last = if other.last.number >= self.last.number { other.last } else { self.last };
        Self { last, farthest: Self::farther(self.farthest, other.farthest) }
    }
}

/// What this process has seen of the checkpoints. Everything in it was committed.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Option<Seen>>>);

impl Memory {
    fn recall(&self) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another task may have seen more in the meantime: that is not forgotten.
    pub(super) fn keep(&self, seen: Seen) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *memory = Some(match memory.take() {
            Some(before) => before.and(seen),
            None => seen,
        });
    }

    pub(super) fn keep_signed(&self, checkpoint: &Checkpoint) {
        self.keep(Seen { last: checkpoint.clone(), farthest: checkpoint.clone() });
    }
}

impl AuditTrail {
    /// Compares the stored chain with what this process remembers; one that remembers nothing has the last
    /// stored checkpoints to go by. Gives what is to be remembered.
    ///
    /// Only who has the turn may believe a [`BrokenChain`]: others prune while it is looked at.
    pub(super) async fn trusted<R: Repos + ?Sized>(&self, repos: &mut R) -> Result<Option<Seen>, Fault> {
        let before = self.memory.recall();
        let last = repos.chain().last_checkpoint().await?;
        let Some(last) = self.not_gone_back(last, before.as_ref())? else { return Ok(None) };
        let farthest = match before {
            Some(seen) => seen.farthest,
            None => self.last_regular(repos, &last).await?,
        };
        self.goes_through(repos, &farthest).await?;
        self.goes_through(repos, &last).await?;
        Ok(Some(Seen { farthest: Seen::farther(farthest, last.clone()), last }))
    }

    /// The last checkpoint there is, if it can follow what was seen.
    fn not_gone_back(
        &self,
        last: Option<Checkpoint>,
        before: Option<&Seen>,
    ) -> Result<Option<Checkpoint>, BrokenChain> {
        let seen = before.map_or(0, |seen| seen.last.number);
        let Some(last) = last.filter(|last| last.number >= seen) else {
            return if seen == 0 { Ok(None) } else { Err(BrokenChain::CheckpointGone(seen)) };
        };
        let is_another = before.is_some_and(|seen| seen.last.number == last.number && seen.last != last);
        if is_another || !self.is_ours(&last) {
            return Err(BrokenChain::CheckpointForged(last.number));
        }
        Ok(Some(last))
    }

    fn is_ours(&self, checkpoint: &Checkpoint) -> bool {
        let ports = &self.core.ports;
        ports.checkpoint_signer.known_keys().contains(&checkpoint.key)
            && checkpoint.is_signed(&*ports.checkpoint_verifier)
    }

    /// The last checkpoint about how far the chain was; `last` itself when only prunings are left.
    async fn last_regular<R: Repos + ?Sized>(
        &self,
        repos: &mut R,
        last: &Checkpoint,
    ) -> Result<Checkpoint, Fault> {
        let page = repos.chain().checkpoints(last.number - i64::from(PAGE), PAGE).await?;
        let regular = page.into_iter().rfind(|checkpoint| checkpoint.kind == CheckpointKind::Regular);
        let regular = regular.unwrap_or_else(|| last.clone());
        if self.is_ours(&regular) {
            Ok(regular)
        } else {
            Err(BrokenChain::CheckpointForged(regular.number).into())
        }
    }

    /// Whether the link that `checkpoint` is about is there, or was pruned with a signature.
    async fn goes_through<R: Repos + ?Sized>(
        &self,
        repos: &mut R,
        checkpoint: &Checkpoint,
    ) -> Result<(), Fault> {
        let head = checkpoint.head;
        let page = repos.chain().page(head.position - 1, 1).await?;
        let is_good = match page.first().filter(|chained| chained.link.position == head.position) {
            Some(chained) => chained.link.hash == head.hash,
            None => self.was_pruned(repos, checkpoint).await?,
        };
        if is_good { Ok(()) } else { Err(BrokenChain::NotThrough(checkpoint.number).into()) }
    }

    /// Whether the chain begins right behind a signed pruning that covers what `checkpoint` is about.
    async fn was_pruned<R: Repos + ?Sized>(
        &self,
        repos: &mut R,
        checkpoint: &Checkpoint,
    ) -> Result<bool, Fault> {
        let mut number = checkpoint.number - 1;
        let mut pruned = None;
        loop {
            let page = repos.chain().checkpoints(number, PAGE).await?;
            let Some(last) = page.last() else { break };
            number = last.number;
            let prunings = page.iter().filter(|other| other.kind == CheckpointKind::Pruned);
            let believed = prunings.filter(|pruning| self.is_ours(pruning));
            pruned = pruned.max(believed.map(|pruning| pruning.head.position).max());
        }
        let Some(pruned) = pruned.filter(|&pruned| pruned >= checkpoint.head.position) else {
            return Ok(false);
        };
        let first = repos.chain().page(i64::MIN, 1).await?;
        Ok(first.first().is_none_or(|chained| chained.link.position == pruned + 1))
    }
}
