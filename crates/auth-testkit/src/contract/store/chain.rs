//! Duties of `AuditChain`. That links and checkpoints cannot be changed is for the adapter to test: the port has
//! no method that could try.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use auth_domain::{
    audit::{
        AuditEvent, ChainCheck, ChainHash, ChainHead, ChainLink, ChainedRow, CheckReport, Checkpoint,
        CheckpointKind, Salt, StoredRow,
    },
    client::Client,
    port::{AuditFilter, CheckpointSigner as _, StoreError},
    usecase::Policy,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, race, read};
use crate::{
    builder,
    fake::{FakeCheckpoints, TestEngine},
};

/// Long enough ago for every store to let go of it.
fn long_ago() -> DateTime<Utc> {
    builder::noon() - TimeDelta::days(10 * 365)
}

/// The stores judge by their own clocks what is young.
#[expect(clippy::disallowed_methods, reason = "no fake reaches the clock of a store")]
fn today() -> DateTime<Utc> {
    Utc::now()
}

/// One entry per number, so many days after [`long_ago`], none of them chained.
async fn given_days(store: &Subject, days: &[i64]) {
    let mut tx = begin(store).await;
    for &day in days {
        let record = builder::audit(AuditEvent::LoginOk, long_ago() + TimeDelta::days(day));
        tx.audit().append(&record).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn waiting(store: &Subject, after: i64, limit: u32) -> Vec<StoredRow> {
    read(store).await.chain().waiting(after, limit).await.unwrap()
}

/// Chains all that waits.
pub(super) async fn chain_all(store: &Subject) -> Vec<ChainLink> {
    let mut tx = begin(store).await;
    assert!(tx.chain().take_turn().await.unwrap());
    let mut head = tx.chain().head().await.unwrap();
    let mut links = Vec::new();
    for row in tx.chain().waiting(i64::MIN, 1_000).await.unwrap() {
        let link = head.link(&row, Salt::from_bytes([7; 16]));
        head = ChainHead::from(&link);
        links.push(link);
    }
    tx.chain().extend(&links).await.unwrap();
    tx.commit().await.unwrap();
    links
}

pub(super) async fn page(store: &Subject) -> Vec<ChainedRow> {
    read(store).await.chain().page(0, 1_000).await.unwrap()
}

async fn checkpoints(store: &Subject) -> Vec<Checkpoint> {
    read(store).await.chain().checkpoints(0, 1_000).await.unwrap()
}

async fn sign(store: &Subject, number: i64, kind: CheckpointKind, head: ChainHead) -> Checkpoint {
    let checkpoint =
        Checkpoint::sign(number, kind, head, builder::noon(), &FakeCheckpoints::default()).unwrap();
    read(store).await.chain().put_checkpoint(&checkpoint).await.unwrap();
    checkpoint
}

/// Deletes the links up to one and their entries.
async fn prune(store: &Subject, number: i64, up_to: &ChainLink, day: i64) -> Result<u64, StoreError> {
    let (kind, head) = (CheckpointKind::Pruned, ChainHead::from(up_to));
    let checkpoint =
        Checkpoint::sign(number, kind, head, builder::noon(), &FakeCheckpoints::default()).unwrap();
    let mut tx = begin(store).await;
    let pruned = tx.chain().prune(&checkpoint, long_ago() + TimeDelta::days(day)).await?;
    tx.commit().await?;
    Ok(pruned)
}

/// Checks the whole chain.
pub(super) async fn check(store: &Subject) -> CheckReport {
    let fake = FakeCheckpoints::default();
    let mut check = ChainCheck::new(&fake, fake.known_keys(), ChainHead::GENESIS);
    for checkpoint in checkpoints(store).await {
        check.checkpoint(&checkpoint);
    }
    for chained in page(store).await {
        check.link(&chained.link, chained.row.as_ref());
    }
    check.finish()
}

/// A new store has no chain.
pub async fn nothing_is_chained_at_first(store: Subject) {
    let mut repos = read(&store).await;
    assert_eq!(repos.chain().head().await.unwrap(), ChainHead::GENESIS);
    assert_eq!(repos.chain().newest().await.unwrap(), None);
    assert_eq!(repos.chain().last_checkpoint().await.unwrap(), None);
    assert_eq!(repos.chain().backlog().await.unwrap(), 0);
    assert_eq!(page(&store).await, []);
}

/// `waiting` gives what is in the log and not in the chain, in the order of the log.
pub async fn what_is_not_chained_waits_in_order(store: Subject) {
    given_days(&store, &[2, 0, 1]).await;
    let all = waiting(&store, i64::MIN, 10).await;
    let days: Vec<i64> = all.iter().map(|row| (row.at - long_ago()).num_days()).collect();
    assert_eq!(days, [2, 0, 1]);
    assert_eq!(waiting(&store, all[0].seq, 1).await, all[1..2]);
    let link = ChainHead::GENESIS.link(&all[1], Salt::from_bytes([7; 16]));
    read(&store).await.chain().extend(&[link]).await.unwrap();
    assert_eq!(waiting(&store, i64::MIN, 10).await, [all[0].clone(), all[2].clone()]);
    let mut repos = read(&store).await;
    assert_eq!(repos.chain().backlog().await.unwrap(), 2);
    assert_eq!(repos.chain().newest().await.unwrap(), Some(all[1].seq));
}

/// Nothing is lost or changed on the way in and out, with a client and without.
pub async fn every_field_of_a_link_survives(store: Subject) {
    let mut bare = builder::audit(AuditEvent::KeyRotated, builder::noon());
    bare.client = Client::default();
    let full = builder::audit(AuditEvent::LoginOk, builder::noon() + TimeDelta::microseconds(1));
    for record in [bare, full] {
        read(&store).await.audit().append(&record).await.unwrap();
    }
    let links = chain_all(&store).await;
    let kept: Vec<ChainLink> = page(&store).await.into_iter().map(|chained| chained.link).collect();
    assert_eq!(kept, links);
    assert!(kept[0].client.is_none() && kept[1].client.is_some() && kept[1].salt.is_some());
    assert_eq!(read(&store).await.chain().head().await.unwrap(), ChainHead::from(&links[1]));
}

/// The entry of a link is what was appended, field by field: it is what the hash is made of.
pub async fn a_page_shows_links_with_their_entries(store: Subject) {
    let record = builder::audit(AuditEvent::LoginFailed, builder::noon())
        .by(auth_domain::id::UserId::from_i64(7))
        .with("zebra", "\"quotes\" and 😀")
        .with("alpha", "");
    read(&store).await.audit().append(&record).await.unwrap();
    given_days(&store, &[0, 1]).await;
    chain_all(&store).await;
    let rows = page(&store).await;
    let first = rows[0].row.as_ref().unwrap();
    assert_eq!(*first, StoredRow::of(first.seq, &record));
    assert_eq!(read(&store).await.chain().page(1, 1).await.unwrap(), rows[1..2]);
    assert!(check(&store).await.is_good());
}

/// Two links cannot have one position.
pub async fn a_place_is_taken_once(store: Subject) {
    given_days(&store, &[0, 0]).await;
    let rows = waiting(&store, i64::MIN, 10).await;
    let links = [0, 1].map(|at: usize| ChainHead::GENESIS.link(&rows[at], Salt::from_bytes([7; 16])));
    refused(&store, &links).await;
}

/// An entry has one place.
pub async fn an_entry_is_chained_once(store: Subject) {
    given_days(&store, &[0]).await;
    let rows = waiting(&store, i64::MIN, 10).await;
    let first = ChainHead::GENESIS.link(&rows[0], Salt::from_bytes([7; 16]));
    let second = ChainHead::from(&first).link(&rows[0], Salt::from_bytes([7; 16]));
    refused(&store, &[first, second]).await;
}

/// The first of two links is kept, the second is not.
async fn refused(store: &Subject, links: &[ChainLink; 2]) {
    read(store).await.chain().extend(&links[..1]).await.unwrap();
    let mut tx = begin(store).await;
    let told = tx.chain().extend(&links[1..]).await;
    assert!(tx.commit().await.is_err() || told.is_err());
    assert_eq!(page(store).await.len(), 1);
}

/// Nothing is lost or changed on the way in and out.
pub async fn every_field_of_a_checkpoint_survives(store: Subject) {
    let head = ChainHead { position: 7, hash: ChainHash::from_bytes([3; 32]) };
    let at = builder::noon() + TimeDelta::microseconds(1);
    let both = [
        builder::checkpoint(1, CheckpointKind::Regular, head, at),
        builder::checkpoint(2, CheckpointKind::Pruned, ChainHead::GENESIS, at),
    ];
    for checkpoint in &both {
        read(&store).await.chain().put_checkpoint(checkpoint).await.unwrap();
    }
    assert_eq!(checkpoints(&store).await, both);
    let mut repos = read(&store).await;
    assert_eq!(repos.chain().last_checkpoint().await.unwrap().as_ref(), Some(&both[1]));
    assert_eq!(repos.chain().checkpoints(1, 1).await.unwrap(), both[1..]);
}

/// Two checkpoints cannot have one number.
pub async fn the_number_of_a_checkpoint_is_taken_once(store: Subject) {
    let first = builder::checkpoint(1, CheckpointKind::Regular, ChainHead::GENESIS, builder::noon());
    read(&store).await.chain().put_checkpoint(&first).await.unwrap();
    let mut tx = begin(&store).await;
    let other = Checkpoint { kind: CheckpointKind::Pruned, ..first.clone() };
    let told = tx.chain().put_checkpoint(&other).await;
    assert!(tx.commit().await.is_err() || told.is_err());
    assert_eq!(checkpoints(&store).await, [first]);
}

/// `first_since` looks at the times of the entries.
pub async fn first_since_finds_the_lowest_position(store: Subject) {
    given_days(&store, &[1, 3, 2]).await;
    chain_all(&store).await;
    for (day, expected) in [(0, Some(1)), (1, Some(1)), (2, Some(2)), (3, Some(2)), (4, None)] {
        let first = read(&store).await.chain().first_since(long_ago() + TimeDelta::days(day)).await;
        assert_eq!(first.unwrap(), expected, "day {day}");
    }
}

/// No link of a transaction that did not end well.
pub async fn a_discarded_link_is_not_in_the_chain(store: Subject) {
    given_days(&store, &[0]).await;
    let row = waiting(&store, i64::MIN, 1).await.remove(0);
    let mut tx = begin(&store).await;
    tx.chain().extend(&[ChainHead::GENESIS.link(&row, Salt::from_bytes([7; 16]))]).await.unwrap();
    drop(tx);
    assert_eq!(page(&store).await, []);
}

/// What is in the chain goes with its link only.
pub async fn chained_entries_are_not_purged(store: Subject) {
    given_days(&store, &[0]).await;
    chain_all(&store).await;
    given_days(&store, &[0]).await;
    let before = long_ago() + TimeDelta::days(1);
    assert_eq!(read(&store).await.audit().purge(before, 10).await.unwrap(), 1);
    assert!(check(&store).await.is_good());
    assert_eq!(page(&store).await.len(), 1);
}

/// What is up to the place goes with its entries, and what is left can be proved from there.
pub async fn prune_deletes_the_beginning_with_its_entries(store: Subject) {
    given_days(&store, &[0, 1, 2, 3]).await;
    let links = chain_all(&store).await;
    sign(&store, 1, CheckpointKind::Regular, ChainHead::from(&links[3])).await;
    assert_eq!(prune(&store, 2, &links[1], 2).await.unwrap(), 2);
    let left = page(&store).await;
    assert_eq!(left.iter().map(|chained| chained.link.position).collect::<Vec<_>>(), [3, 4]);
    let entries = read(&store).await.audit().list(&AuditFilter::default(), 10).await.unwrap();
    assert_eq!(entries.len(), 2);
    let report = check(&store).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.from, report.good_rows), (ChainHead::from(&links[1]), 2));
}

/// Checkpoints about what is gone go with it, those after them stay without a gap.
pub async fn prune_keeps_checkpoints_that_are_of_use(store: Subject) {
    given_days(&store, &[0, 1, 2, 3, 4]).await;
    let links = chain_all(&store).await;
    for (number, link) in [(1, 0), (2, 1), (3, 2)] {
        sign(&store, number, CheckpointKind::Regular, ChainHead::from(&links[link])).await;
    }
    prune(&store, 4, &links[0], 1).await.unwrap();
    sign(&store, 5, CheckpointKind::Regular, ChainHead::from(&links[3])).await;
    prune(&store, 6, &links[1], 2).await.unwrap();
    let numbers: Vec<i64> = checkpoints(&store).await.iter().map(|checkpoint| checkpoint.number).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6]);
    let report = check(&store).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.good_rows, report.unsigned_rows), (3, 1));
}

/// Nobody empties the log by pruning.
pub async fn prune_spares_the_last_days(store: Subject) {
    given_days(&store, &[0]).await;
    read(&store).await.audit().append(&builder::audit(AuditEvent::Logout, today())).await.unwrap();
    let links = chain_all(&store).await;
    prune(&store, 1, &links[1], 1).await.unwrap_err();
    prune(&store, 1, &links[1], 365_000).await.unwrap_err();
    assert_eq!(page(&store).await.len(), 2);
    assert_eq!(prune(&store, 1, &links[0], 1).await.unwrap(), 1, "what is old may go");
}

/// The end of a chain without links is where it was pruned.
pub async fn a_chain_that_was_pruned_altogether_goes_on(store: Subject) {
    given_days(&store, &[0, 1]).await;
    let links = chain_all(&store).await;
    prune(&store, 1, &links[1], 2).await.unwrap();
    assert_eq!(read(&store).await.chain().head().await.unwrap(), ChainHead::from(&links[1]));
    given_days(&store, &[2]).await;
    assert_eq!(chain_all(&store).await[0].position, 3);
    let report = check(&store).await;
    assert!(report.is_good() && report.good_rows == 1, "{report:?}");
}

/// The network stays, the rest of the client goes, and the chain holds.
pub async fn erase_clients_shortens_old_addresses_only(store: Subject) {
    given_days(&store, &[0, 1, 2]).await;
    chain_all(&store).await;
    let before = long_ago() + TimeDelta::days(2);
    let erase = || async { read(&store).await.chain().erase_clients(before, 1).await.unwrap() };
    assert_eq!((erase().await, erase().await, erase().await), (1, 1, 0));
    let full = StoredRow::of(0, &builder::audit(AuditEvent::LoginOk, long_ago()));
    let network = full.ip.as_deref().and_then(auth_domain::audit::network_text);
    assert_ne!(full.ip, network, "the sample must have something to lose");
    let rows = page(&store).await;
    for chained in &rows[..2] {
        let row = chained.row.as_ref().unwrap();
        assert_eq!((&row.ip, &row.user_agent), (&network, &None));
        assert_eq!(row.request_id, full.request_id);
        assert!(chained.link.client.is_some() && chained.link.salt.is_none());
    }
    let young = rows[2].row.as_ref().unwrap();
    assert_eq!((&young.ip, &young.user_agent), (&full.ip, &full.user_agent));
    let report = check(&store).await;
    assert!(report.is_good() && report.erased_clients == 2, "{report:?}");
}

/// Where somebody came from cannot be wiped out while it matters.
pub async fn erase_clients_spares_the_last_days(store: Subject) {
    read(&store).await.audit().append(&builder::audit(AuditEvent::LoginOk, today())).await.unwrap();
    chain_all(&store).await;
    let ahead = today() + TimeDelta::days(365);
    read(&store).await.chain().erase_clients(ahead, 10).await.unwrap_err();
    assert!(page(&store).await[0].link.salt.is_some());
}

/// Replicas chain while everybody writes: each entry is in the chain once, without a gap and without a fork.
pub async fn two_chainers_next_to_many_writers_make_one_chain(store: Subject) {
    const EACH: u32 = 4;
    let done = Arc::new(AtomicBool::new(false));
    let chainers: Vec<_> = (0..2)
        .map(|_| {
            let (done, engine) =
                (Arc::clone(&done), TestEngine::new(store.clone(), Policy::default()).engine);
            tokio::spawn(async move {
                let mut chained = 0;
                loop {
                    let was_done = done.load(Ordering::SeqCst);
                    let batch = engine.trail.chain().await.unwrap();
                    engine.trail.checkpoint().await.unwrap();
                    chained += batch.entries;
                    if was_done && batch.entries == 0 && !batch.is_busy {
                        return chained;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    race(|_| {
        let store = store.clone();
        async move {
            for _ in 0..EACH {
                let mut tx = begin(&store).await;
                tx.audit().append(&builder::audit(AuditEvent::LoginFailed, builder::noon())).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    })
    .await;
    done.store(true, Ordering::SeqCst);
    let mut chained = 0;
    for chainer in chainers {
        chained += chainer.await.unwrap();
    }
    assert_eq!(chained, u64::from(CALLERS * EACH));
    let report = check(&store).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.good_rows, report.unsigned_rows), (u64::from(CALLERS * EACH), 0));
    assert_eq!(read(&store).await.chain().backlog().await.unwrap(), 0);
}
