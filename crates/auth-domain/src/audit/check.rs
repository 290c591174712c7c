//! Going through the chain to see whether it still is what was signed.
//!
//! First all checkpoints, in the order of their numbers, then all links, in the order of their positions. The
//! same for a database and for an export.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};

use super::{
    chain::{AuditKey, ChainHash, ChainHead, ChainLink, StoredRow},
    checkpoint::{Checkpoint, CheckpointKind},
};
use crate::port::CheckpointVerifier;

/// How far behind the newest entry one may stand that is put into the chain later. Stores give positions
/// in the log before the commit, so a slow transaction comes in behind quicker ones.
pub const LOOK_BACK: i64 = 10_000;

/// Findings kept; one fault can show at every checkpoint after it.
const MOST: usize = 100;

/// Something is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where in the chain; for checkpoints, what they are about.
    pub position: i64,
    /// Which entry of the log.
    pub seq: Option<i64>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The entry is not the one that was chained.
    Changed,
    /// The address or the device of the entry is not the one that was chained.
    ClientChanged,
    /// The link is there, its entry is not.
    RowMissing,
    /// Links are missing from this position up to the next one there is.
    LinksMissing,
    /// The time the chain keeps of the entry, by which it is pruned, is not the entry's.
    TimeChanged,
    /// The entry came into the log long after others with higher positions.
    Late,
    /// The chain does not come to what the checkpoint of this number says.
    NotAsSigned(i64),
    /// The chain ends before the checkpoint of this number.
    CutOff(i64),
    /// The checkpoint of this number is not signed by the key it names.
    BadSignature(i64),
    /// The checkpoint of this number is signed by a key that is not known.
    UnknownKey(i64),
    /// Checkpoints are missing before the one of this number.
    CheckpointsMissing(i64),
    /// Nothing is signed about this link and those after it, though it was time.
    Unsigned,
    /// The chain does not go through the place that was asked for.
    NotThrough(ChainHash),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {}", self.position)?;
        if let Some(seq) = self.seq {
            write!(f, ", seq {seq}")?;
        }
        match &self.flaw {
            Flaw::Changed => f.write_str(": the entry was changed, or stands at another's place"),
            Flaw::ClientChanged => f.write_str(": the address or the device of the entry was changed"),
            Flaw::TimeChanged => f.write_str(": the time that the chain keeps of the entry is not its own"),
            Flaw::RowMissing => f.write_str(": the entry was deleted"),
            Flaw::LinksMissing => f.write_str(": links of the chain are missing from here on"),
            Flaw::Late => f.write_str(": the entry was put in between others long after them"),
            Flaw::NotAsSigned(number) => {
                write!(f, ": the chain is not the one that checkpoint {number} was signed for")
            }
            Flaw::CutOff(number) => {
                write!(f, ": the chain ends before what checkpoint {number} was signed for")
            }
            Flaw::BadSignature(number) => write!(f, ": the signature of checkpoint {number} is wrong"),
            Flaw::UnknownKey(number) => {
                write!(f, ": checkpoint {number} is signed by a key that is not known")
            }
            Flaw::CheckpointsMissing(number) => write!(f, ": checkpoints are missing before number {number}"),
            Flaw::Unsigned => f.write_str(": no checkpoint is signed for the entries from here on"),
            Flaw::NotThrough(hash) => write!(f, ": the chain does not have the hash {hash} here"),
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// Behind which position the check began: what is up to it was pruned, or is not in the export.
    pub from: ChainHead,
    /// Where the chain ends.
    pub to: ChainHead,
    /// Entries that are as they were chained.
    pub good_rows: u64,
    /// Checkpoints that are signed as they should be.
    pub good_checkpoints: u64,
    /// Entries of which the address was shortened by age.
    pub erased_clients: u64,
    /// Links behind the last checkpoint: nothing is signed about them yet.
    pub unsigned_rows: u64,
    /// What is wrong, in the order of the check; not more than a hundred.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// A check under way.
pub struct ChainCheck<'a> {
    verifier: &'a dyn CheckpointVerifier,
    keys: Vec<AuditKey>,
    number: Option<i64>,
    was_pruned: bool,
    first_gap: Option<Finding>,
    /// What the chain must come to at a position, and which checkpoint says so.
    signed: BTreeMap<i64, (ChainHash, i64)>,
    through: Option<ChainHead>,
    /// Since when entries may wait for their signature.
    signed_since: Option<DateTime<Utc>>,
    /// When the last good checkpoint was signed.
    last_signed: Option<DateTime<Utc>>,
    /// The first link behind the last checkpoint that should have been signed.
    overdue: Option<i64>,
    begun: bool,
    newest: i64,
    report: CheckReport,
}

impl<'a> ChainCheck<'a> {
    /// Begins a check behind `from`, which believes signatures of `keys` only.
    pub const fn new(verifier: &'a dyn CheckpointVerifier, keys: Vec<AuditKey>, from: ChainHead) -> Self {
        let report = CheckReport {
            from,
            to: from,
            good_rows: 0,
            good_checkpoints: 0,
            erased_clients: 0,
            unsigned_rows: 0,
            findings: Vec::new(),
        };
        Self {
            verifier,
            keys,
            number: None,
            was_pruned: false,
            first_gap: None,
            signed: BTreeMap::new(),
            through: None,
            signed_since: None,
            last_signed: None,
            overdue: None,
            begun: false,
            newest: i64::MIN,
            report,
        }
    }

    /// Demands that the chain goes through `head`: a checkpoint that was kept elsewhere.
    #[must_use]
    pub const fn through(mut self, head: Option<ChainHead>) -> Self {
        self.through = head;
        self
    }

    /// Demands a signature for what happened before `since`, unless one was made after that. An export ends at
    /// a checkpoint: there the end of time says that nothing may wait.
    #[must_use]
    pub const fn signed_since(mut self, since: DateTime<Utc>) -> Self {
        self.signed_since = Some(since);
        self
    }

    /// The next checkpoint.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint { number, kind, head, key, .. } = checkpoint;
        let expected = self.number.map_or(1, |before| before + 1);
        if *number != expected {
            let gap = Finding { position: head.position, seq: None, flaw: Flaw::CheckpointsMissing(*number) };
            // Those at the beginning go with what they were about.
            if self.number.is_none() { self.first_gap = Some(gap) } else { self.report.find(gap) }
        }
        self.number = Some(*number);
        let flaw = if !self.keys.contains(key) {
            Flaw::UnknownKey(*number)
        } else if !checkpoint.is_signed(self.verifier) {
            Flaw::BadSignature(*number)
        } else {
            self.last_signed = self.last_signed.max(Some(checkpoint.at));
            self.believe(*number, *kind, *head);
            return;
        };
        self.report.find(Finding { position: head.position, seq: None, flaw });
    }

    fn believe(&mut self, number: i64, kind: CheckpointKind, head: ChainHead) {
        self.report.good_checkpoints += 1;
        if kind == CheckpointKind::Pruned {
            self.was_pruned = true;
            if head.position > self.report.from.position {
                self.report.from = head;
                self.report.to = head;
            }
        }
        let (hash, _) = *self.signed.entry(head.position).or_insert((head.hash, number));
        if hash != head.hash {
            let flaw = Flaw::NotAsSigned(number);
            self.report.find(Finding { position: head.position, seq: None, flaw });
        }
    }

    /// The next link, and its entry as far as that is there.
    pub fn link(&mut self, link: &ChainLink, row: Option<&StoredRow>) {
        self.begin();
        if link.position != self.report.to.position + 1 {
            let position = self.report.to.position + 1;
            self.report.find(Finding { position, seq: None, flaw: Flaw::LinksMissing });
        }
        let flaw = match row {
            None => Some(Flaw::RowMissing),
            Some(row) if !self.report.to.covers(link, row) => Some(Flaw::Changed),
            Some(row) if !link.knows_client_of(row) => Some(Flaw::ClientChanged),
            Some(row) if link.at != row.at => Some(Flaw::TimeChanged),
            Some(_) if link.seq < self.newest.saturating_sub(LOOK_BACK) => Some(Flaw::Late),
            Some(_) => None,
        };
        match flaw {
            Some(flaw) => self.report.find(Finding { position: link.position, seq: Some(link.seq), flaw }),
            None => self.report.good_rows += 1,
        }
        self.report.erased_clients += u64::from(link.client.is_some() && link.salt.is_none());
        self.report.unsigned_rows += 1;
        if self.signed_since.is_some_and(|since| link.at < since) {
            self.overdue.get_or_insert(link.position);
        }
        self.newest = self.newest.max(link.seq);
        self.report.to = link.into();
        self.compare_with_signed();
    }

    /// Once, between the last checkpoint and the first link.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        if let Some(gap) =
            self.first_gap.take().filter(|_| !self.was_pruned && self.report.from.position == 0)
        {
            self.report.find(gap);
        }
        self.compare_with_signed(); // an export may begin at a checkpoint
        let from = self.report.from.position;
        self.signed.retain(|position, _| *position > from);
    }

    fn compare_with_signed(&mut self) {
        let to = self.report.to;
        if let Some(&(hash, number)) = self.signed.get(&to.position) {
            if hash == to.hash {
                self.report.unsigned_rows = 0;
                self.overdue = None;
            } else {
                let flaw = Flaw::NotAsSigned(number);
                self.report.find(Finding { position: to.position, seq: None, flaw });
            }
        }
        if let Some(through) = self.through.take_if(|through| through.position == to.position)
            && through.hash != to.hash
        {
            let flaw = Flaw::NotThrough(through.hash);
            self.report.find(Finding { position: to.position, seq: None, flaw });
        }
    }

    /// Ends the check.
    pub fn finish(mut self) -> CheckReport {
        self.begin();
        let end = self.report.to.position;
        if let Some((&position, &(_, number))) = self.signed.last_key_value()
            && position > end
        {
            self.report.find(Finding { position: end + 1, seq: None, flaw: Flaw::CutOff(number) });
        }
        if let Some(position) = self.overdue.filter(|_| self.last_signed < self.signed_since) {
            self.report.find(Finding { position, seq: None, flaw: Flaw::Unsigned });
        }
        if let Some(missed) = self.through.filter(|through| through.position > self.report.from.position) {
            let flaw = Flaw::NotThrough(missed.hash);
            self.report.find(Finding { position: missed.position, seq: None, flaw });
        }
        self.report
    }
}

impl CheckReport {
    fn find(&mut self, finding: Finding) {
        if self.findings.len() < MOST {
            self.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests;
