//! Going through the chain to see whether it still is what was signed.
//!
//! First all checkpoints, in the order of their numbers, then all links, in the order of their positions. The
//! same for a database and for an export.

use std::{collections::BTreeMap, fmt};

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
            Some(_) if link.seq < self.newest.saturating_sub(LOOK_BACK) => Some(Flaw::Late),
            Some(_) => None,
        };
        match flaw {
            Some(flaw) => self.report.find(Finding { position: link.position, seq: Some(link.seq), flaw }),
            None => self.report.good_rows += 1,
        }
        self.report.erased_clients += u64::from(link.client.is_some() && link.salt.is_none());
        self.report.unsigned_rows += 1;
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
mod tests {
    use chrono::{DateTime, Utc};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::{
        audit::{AuditEvent, AuditRecord, ChainedRow, Salt, Signature},
        client::Client,
        port::{CheckpointSigner, KeyError},
        tenant::TenantId,
    };

    /// Signs with a digest.
    struct Digester(AuditKey);

    impl CheckpointSigner for Digester {
        fn key(&self) -> AuditKey {
            self.0
        }
        fn known_keys(&self) -> Vec<AuditKey> {
            vec![self.0]
        }
        fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
            let digest = Sha256::new().chain_update(self.0.as_bytes()).chain_update(message).finalize();
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&digest);
            Ok(Signature::from_bytes(bytes))
        }
    }

    impl CheckpointVerifier for Digester {
        fn verify(&self, key: &AuditKey, message: &[u8], signature: &Signature) -> bool {
            Self(*key).sign(message).unwrap() == *signature
        }
    }

    const SIGNER: Digester = Digester(AuditKey::from_bytes([1; 32]));

    fn at() -> DateTime<Utc> {
        "2026-03-04T05:06:07Z".parse().unwrap()
    }

    fn sign(signer: &Digester, number: i64, kind: CheckpointKind, head: ChainHead) -> Checkpoint {
        Checkpoint::sign(number, kind, head, at(), signer).unwrap()
    }

    /// Ten entries, and checkpoints at positions 4, 8 and 10.
    struct Log {
        rows: Vec<ChainedRow>,
        checkpoints: Vec<Checkpoint>,
    }

    impl Log {
        fn new() -> Self {
            let client = Client { ip: Some("203.0.113.77".parse().unwrap()), ..Client::default() };
            let stored = (1..=10).map(|seq| {
                let record = AuditRecord::new(AuditEvent::LoginOk, &TenantId::default(), &client, at());
                StoredRow::of(seq, &record.with("number", seq.to_string()))
            });
            let mut log = Self { rows: Vec::new(), checkpoints: Vec::new() };
            log.chain(stored.collect(), ChainHead::GENESIS);
            for (number, position) in [(1, 4), (2, 8), (3, 10)] {
                log.sign(number, position);
            }
            log
        }

        fn chain(&mut self, rows: Vec<StoredRow>, mut head: ChainHead) {
            for row in rows {
                let link = head.link(&row, Salt::from_bytes([7; 16]));
                head = ChainHead::from(&link);
                self.rows.push(ChainedRow { link, row: Some(row) });
            }
        }

        fn head(&self, position: usize) -> ChainHead {
            ChainHead::from(&self.rows[position - 1].link)
        }

        fn sign(&mut self, number: i64, position: usize) {
            self.checkpoints.push(sign(&SIGNER, number, CheckpointKind::Regular, self.head(position)));
        }

        fn row(&mut self, position: usize) -> &mut StoredRow {
            self.rows[position - 1].row.as_mut().unwrap()
        }

        fn check_through(&self, from: ChainHead, through: Option<ChainHead>) -> CheckReport {
            let mut check = ChainCheck::new(&SIGNER, vec![SIGNER.0], from).through(through);
            for checkpoint in &self.checkpoints {
                check.checkpoint(checkpoint);
            }
            for chained in &self.rows {
                check.link(&chained.link, chained.row.as_ref());
            }
            check.finish()
        }

        fn check(&self) -> CheckReport {
            self.check_through(ChainHead::GENESIS, None)
        }

        fn findings(&self) -> Vec<(i64, Flaw)> {
            self.check().findings.into_iter().map(|finding| (finding.position, finding.flaw)).collect()
        }
    }

    #[test]
    fn a_log_as_it_was_is_good() {
        let report = Log::new().check();
        assert!(report.is_good(), "{report:?}");
        assert_eq!((report.good_rows, report.good_checkpoints, report.unsigned_rows), (10, 3, 0));
        let mut log = Log::new();
        log.checkpoints.pop();
        assert_eq!(log.check().unsigned_rows, 2);
        let empty = Log { rows: Vec::new(), checkpoints: Vec::new() };
        assert!(empty.check().is_good());
    }

    #[test]
    fn a_changed_entry_is_named() {
        let mut log = Log::new();
        "logout".clone_into(&mut log.row(6).event);
        assert_eq!(log.findings(), [(6, Flaw::Changed)]);
        assert_eq!(log.check().findings[0].seq, Some(6));
        let mut log = Log::new();
        log.row(6).ip = Some("203.0.113.78".to_owned());
        assert_eq!(log.findings(), [(6, Flaw::ClientChanged)]);
    }

    #[test]
    fn a_deleted_entry_is_named() {
        let mut log = Log::new();
        log.rows[4].row = None;
        assert_eq!(log.findings(), [(5, Flaw::RowMissing)]);
        let mut log = Log::new();
        log.rows.remove(4);
        assert_eq!(log.findings(), [(5, Flaw::LinksMissing), (6, Flaw::Changed)]);
    }

    #[test]
    fn swapped_entries_are_named() {
        let mut log = Log::new();
        let (second, third) = (log.row(2).clone(), log.row(3).clone());
        *log.row(2) = StoredRow { seq: 2, ..third };
        *log.row(3) = StoredRow { seq: 3, ..second };
        assert_eq!(log.findings(), [(2, Flaw::Changed), (3, Flaw::Changed)]);
    }

    #[test]
    fn a_tail_cut_off_is_found() {
        let mut log = Log::new();
        log.rows.truncate(9);
        assert_eq!(log.findings(), [(10, Flaw::CutOff(3))]);
        // Whoever cuts the checkpoint, too, is found by the copy of it elsewhere.
        let through = Log::new().head(10);
        log.checkpoints.pop();
        assert_eq!(log.findings(), []);
        let report = log.check_through(ChainHead::GENESIS, Some(through));
        assert_eq!(report.findings[0].flaw, Flaw::NotThrough(through.hash));
        assert!(Log::new().check_through(ChainHead::GENESIS, Some(through)).is_good());
    }

    #[test]
    fn a_chain_computed_anew_does_not_fit_its_checkpoints() {
        let mut log = Log::new();
        let mut rows: Vec<StoredRow> = log.rows.drain(5..).filter_map(|chained| chained.row).collect();
        "logout".clone_into(&mut rows[0].event);
        let head = log.head(5);
        log.chain(rows, head);
        assert_eq!(log.findings(), [(8, Flaw::NotAsSigned(2)), (10, Flaw::NotAsSigned(3))]);
        let forged = log.head(8);
        log.checkpoints[1] =
            sign(&Digester(AuditKey::from_bytes([2; 32])), 2, CheckpointKind::Regular, forged);
        assert_eq!(log.findings()[0], (8, Flaw::UnknownKey(2)));
        log.checkpoints[1].key = SIGNER.0;
        assert_eq!(log.findings()[0], (8, Flaw::BadSignature(2)));
    }

    #[test]
    fn missing_checkpoints_are_found() {
        let mut log = Log::new();
        log.checkpoints.remove(1);
        assert_eq!(log.findings(), [(10, Flaw::CheckpointsMissing(3))]);
        let mut log = Log::new();
        log.checkpoints.remove(0);
        assert_eq!(log.findings(), [(8, Flaw::CheckpointsMissing(2))]);
    }

    #[test]
    fn a_pruned_log_begins_where_it_was_signed() {
        let mut log = Log::new();
        let pruned = log.head(5);
        log.checkpoints.push(sign(&SIGNER, 4, CheckpointKind::Pruned, pruned));
        log.checkpoints.remove(0);
        log.rows.drain(..5);
        let report = log.check();
        assert!(report.is_good(), "{report:?}");
        assert_eq!((report.from, report.good_rows, report.good_checkpoints), (pruned, 5, 3));
        // One row more is not what was signed.
        log.rows.remove(0);
        assert_eq!(log.findings()[0], (6, Flaw::LinksMissing));
        let mut unsigned = Log::new();
        unsigned.rows.drain(..5);
        assert_eq!(unsigned.findings()[0], (1, Flaw::LinksMissing));
    }

    #[test]
    fn an_extract_begins_where_it_says() {
        let mut log = Log::new();
        let from = log.head(6);
        log.rows.drain(..6);
        log.checkpoints.remove(0);
        assert!(log.check_through(from, None).is_good());
        let elsewhere = ChainHead { hash: ChainHash::from_bytes([9; 32]), ..from };
        assert_eq!(log.check_through(elsewhere, None).findings[0].flaw, Flaw::Changed);
    }

    #[test]
    fn an_entry_put_in_between_is_named() {
        let mut log = Log::new();
        let (newest, late) = (log.row(10).clone(), log.row(9).clone());
        let far = StoredRow { seq: 3 + LOOK_BACK, ..newest.clone() };
        let (just, late) = (StoredRow { seq: 3, ..newest }, StoredRow { seq: 2, ..late });
        let head = log.head(10);
        log.chain(vec![far, just, late], head);
        assert_eq!(log.findings(), [(13, Flaw::Late)]);
    }

    #[test]
    fn findings_are_bounded() {
        let mut log = Log::new();
        let rows = (11..=500).map(|seq| StoredRow { seq, ..log.rows[0].row.clone().unwrap() }).collect();
        let head = log.head(10);
        log.chain(rows, head);
        for chained in &mut log.rows {
            chained.row = None;
        }
        let report = log.check();
        assert_eq!((report.findings.len(), report.good_rows), (MOST, 0));
    }
}
