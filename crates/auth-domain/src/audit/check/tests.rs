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

/// As exports are checked: they end at a checkpoint.
fn exported(log: &Log) -> Vec<(i64, Flaw)> {
    let check = ChainCheck::new(&SIGNER, vec![SIGNER.0], ChainHead::GENESIS);
    let mut check = check.signed_since(DateTime::<Utc>::MAX_UTC);
    log.checkpoints.iter().for_each(|checkpoint| check.checkpoint(checkpoint));
    log.rows.iter().for_each(|chained| check.link(&chained.link, chained.row.as_ref()));
    check.finish().findings.into_iter().map(|finding| (finding.position, finding.flaw)).collect()
}

#[test]
fn an_export_with_unsigned_entries_is_not_believed() {
    assert_eq!(exported(&Log::new()), []);
    let mut forged = Log::new();
    forged.checkpoints.clear();
    assert_eq!(exported(&forged), [(1, Flaw::Unsigned)]);
    let mut longer = Log::new();
    longer.checkpoints.pop();
    assert_eq!(exported(&longer), [(9, Flaw::Unsigned)]);
}

#[test]
fn a_link_that_was_dated_back_is_named() {
    let mut log = Log::new();
    log.rows[5].link.at -= chrono::TimeDelta::days(400);
    assert_eq!(log.findings(), [(6, Flaw::TimeChanged)]);
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
    log.checkpoints[1] = sign(&Digester(AuditKey::from_bytes([2; 32])), 2, CheckpointKind::Regular, forged);
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
