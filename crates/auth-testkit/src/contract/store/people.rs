//! Duties of `PeopleRepo`.

use auth_domain::{
    audit::AuditEvent,
    id::UserId,
    port::{Arrival, Present, Record, RecordKind, StoreError, StoredTotp},
    secret::Sealed,
    tenant::TenantId,
    token::LinkPurpose,
    user::{Role, User, UserStatus},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Subject, at_the_latest_from_commit, begin,
    chain::{chain_all, check, page},
    given_session, given_user, read,
};
use crate::builder::{self, noon};

fn id(number: i64) -> UserId {
    UserId::from_i64(number)
}

fn arrival(number: i64) -> Arrival {
    let user = User { factors: builder::enrolment(), ..builder::user(number, noon()) };
    Arrival { user, totp: Some(Sealed::from_bytes(format!("sealed app {number}").into_bytes())) }
}

async fn add(store: &Subject, people: &[Arrival]) -> Result<(), StoreError> {
    let mut tx = begin(store).await;
    let added = tx.people().add(people).await;
    at_the_latest_from_commit(tx, added).await
}

async fn erase(store: &Subject, user: UserId) -> bool {
    let mut tx = begin(store).await;
    let erased = tx.people().erase(user, noon()).await.unwrap();
    tx.commit().await.unwrap();
    erased
}

async fn records(store: &Subject, user: UserId) -> Vec<Record> {
    read(store).await.people().records(user).await.unwrap()
}

/// Something of every kind, of one account.
async fn given_person(store: &Subject, number: i64) -> User {
    let user = given_user(store, number, noon()).await;
    given_session(store, 10 * number, &user, noon()).await;
    given_session(store, 10 * number + 1, &user, noon()).await;
    let link = u32::try_from(number).unwrap();
    let mut tx = begin(store).await;
    tx.links().replace(&builder::link(link, LinkPurpose::VerifyEmail, &user, noon())).await.unwrap();
    tx.factors().put_pending_totp(user.id, &builder::pending_totp(link, noon())).await.unwrap();
    let code = builder::recovery_code(link);
    tx.factors().replace_recovery_codes(user.id, &[code], noon()).await.unwrap();
    tx.devices().remember(&builder::device(number, user.id, noon())).await.unwrap();
    tx.identities().link(&builder::identity(number, user.id, noon())).await.unwrap().unwrap();
    tx.api_keys().insert(&builder::personal_key(number, user.id, noon())).await.unwrap();
    tx.known_devices().insert(&builder::known_device(number, user.id, noon()), 10).await.unwrap();
    let item = auth_domain::outbox::OutboxItem {
        user: Some(user.id),
        once: None,
        ..builder::outbox_item(number, noon())
    };
    tx.outbox().put(&item).await.unwrap();
    let entry = |event| builder::audit(event, noon());
    tx.audit().append(&entry(AuditEvent::LoginOk).by(user.id)).await.unwrap();
    tx.audit().append(&entry(AuditEvent::LoginFailed).about(user.id)).await.unwrap();
    tx.commit().await.unwrap();
    user
}

/// What [`given_person`] makes, kind by kind.
const EVERYTHING: [RecordKind; 13] = [
    RecordKind::User,
    RecordKind::Session,
    RecordKind::Session,
    RecordKind::Link,
    RecordKind::Totp,
    RecordKind::RecoveryCode,
    RecordKind::Device,
    RecordKind::Identity,
    RecordKind::ApiKey,
    RecordKind::KnownDevice,
    RecordKind::Audit,
    RecordKind::Audit,
    RecordKind::Outbox,
];

fn kinds(records: &[Record]) -> Vec<RecordKind> {
    records.iter().map(Record::kind).collect()
}

/// Ids are looked for everywhere, addresses in one tenant, and nobody comes twice.
pub async fn present_looks_for_ids_everywhere_and_for_addresses_in_one_tenant(store: Subject) {
    let web = TenantId::parse("web").unwrap();
    let mut people: Vec<Arrival> = (1..=4).map(arrival).collect();
    people[3].user.tenant = web.clone();
    people[2].user.tenant = web.clone();
    add(&store, &people).await.unwrap();
    let emails = [1, 3].map(|at: usize| people[at].user.email.clone());
    let found = read(&store).await.people().present(&web, &[id(2), id(3), id(9)], &emails).await.unwrap();
    let expected = [1, 2, 3].map(|at: usize| Present {
        id: people[at].user.id,
        tenant: people[at].user.tenant.clone(),
        email: people[at].user.email.clone(),
    });
    assert_eq!(found, expected);
    assert_eq!(read(&store).await.people().present(&web, &[], &[]).await.unwrap(), []);
}

/// Whoever was added is there with every field, and with the app where there is one.
pub async fn whoever_was_added_is_there(store: Subject) {
    let plain = Arrival { user: builder::user(2, noon()), totp: None };
    let people = [arrival(1), plain];
    let mut tx = begin(&store).await;
    tx.people().add(&people).await.unwrap();
    assert_eq!(tx.people().find(&[id(1), id(2)]).await.unwrap(), people, "seen within its transaction");
    tx.commit().await.unwrap();
    let found = read(&store).await.people().find(&[id(2), id(7), id(1)]).await.unwrap();
    assert_eq!(found, people);
    let app = read(&store).await.factors().totp(id(1)).await.unwrap();
    assert_eq!(app, StoredTotp { secret: people[0].totp.clone(), ..StoredTotp::default() });
    assert_eq!(read(&store).await.users().by_id(id(1)).await.unwrap().as_ref(), Some(&people[0].user));
}

/// A thousand and more come at once.
pub async fn many_come_at_once(store: Subject) {
    let people: Vec<Arrival> = (1..=1_201).map(arrival).collect();
    add(&store, &people).await.unwrap();
    let ids: Vec<UserId> = people.iter().map(|arrival| arrival.user.id).collect();
    assert_eq!(read(&store).await.people().find(&ids).await.unwrap(), people);
}

/// An id or an address that is taken is a conflict, and nobody comes.
pub async fn a_clash_adds_nobody(store: Subject) {
    let there = given_user(&store, 1, noon()).await;
    let mut same_address = arrival(3);
    same_address.user.email = there.email.clone();
    for clashing in [Arrival { user: builder::user(1, noon()), totp: None }, same_address] {
        let clash = add(&store, &[arrival(2), clashing]).await;
        assert!(matches!(clash, Err(StoreError::Conflict)), "{clash:?}");
        assert_eq!(read(&store).await.people().find(&[id(2), id(3)]).await.unwrap(), []);
    }
    assert_eq!(read(&store).await.users().by_id(there.id).await.unwrap(), Some(there));
}

/// All of one person, in order, and nothing of anybody else.
pub async fn records_are_all_of_one_person(store: Subject) {
    let (ada, eve) = (given_person(&store, 1).await, given_person(&store, 2).await);
    let all = records(&store, ada.id).await;
    assert_eq!(kinds(&all), EVERYTHING);
    assert_eq!(all[0], Record::User(ada.clone()));
    let theirs = records(&store, eve.id).await;
    assert_eq!(kinds(&theirs), EVERYTHING);
    assert!(all.iter().all(|record| !theirs.contains(record)));
    for record in &all {
        if let Record::Session(session, tokens) = record {
            assert_eq!((session.user, tokens.len()), (ada.id, 1));
        }
    }
    assert_eq!(records(&store, id(9)).await, []);
}

/// What somebody did to others is about both.
pub async fn records_tell_what_was_done_to_others(store: Subject) {
    let (ada, eve) = (given_user(&store, 1, noon()).await, given_user(&store, 2, noon()).await);
    let mut done = builder::audit(AuditEvent::LanesCleared, noon()).about(eve.id);
    done.actor = Some(ada.id);
    read(&store).await.audit().append(&done).await.unwrap();
    for user in [ada.id, eve.id] {
        assert_eq!(kinds(&records(&store, user).await), [RecordKind::User, RecordKind::Audit]);
    }
}

/// Nothing of the person is left but the audit log, and nothing of anybody else goes.
pub async fn erase_leaves_nothing_but_the_log(store: Subject) {
    let (ada, eve) = (given_person(&store, 1).await, given_person(&store, 2).await);
    let theirs = records(&store, eve.id).await;
    assert!(erase(&store, ada.id).await);
    assert_eq!(kinds(&records(&store, ada.id).await), [RecordKind::Audit, RecordKind::Audit]);
    let mut repos = read(&store).await;
    assert_eq!(repos.users().by_email(&ada.tenant, &ada.email).await.unwrap(), None);
    let token = builder::generation(auth_domain::id::SessionId::from_i64(10), 0, noon());
    assert_eq!(repos.sessions().presented(&token.digest).await.unwrap(), None);
    assert_eq!(records(&store, eve.id).await, theirs);
}

/// An id that was erased is remembered, and only such a one; it is erased once.
pub async fn an_erased_id_is_remembered(store: Subject) {
    given_user(&store, 1, noon()).await;
    given_user(&store, 2, noon()).await;
    let erased = || async { read(&store).await.people().erased(&[id(2), id(1), id(3)]).await.unwrap() };
    assert_eq!(erased().await, []);
    assert!(!erase(&store, id(3)).await, "nobody has that id");
    assert_eq!(erased().await, []);
    assert!(erase(&store, id(1)).await);
    assert_eq!(erased().await, [id(1)]);
    assert!(!erase(&store, id(1)).await);
}

/// The address is free for whoever comes next.
pub async fn an_erased_address_is_free(store: Subject) {
    let ada = given_user(&store, 1, noon()).await;
    erase(&store, ada.id).await;
    let another = User { id: id(2), ..ada };
    add(&store, &[Arrival { user: another.clone(), totp: None }]).await.unwrap();
    assert_eq!(read(&store).await.users().by_id(id(2)).await.unwrap(), Some(another));
}

/// The stores judge by their own clocks what is young.
#[expect(clippy::disallowed_methods, reason = "no fake reaches the clock of a store")]
fn today() -> DateTime<Utc> {
    Utc::now()
}

/// Entries of today: by somebody, about them by nobody known, about them by somebody else, by them about
/// somebody else, and one of somebody else.
async fn given_entries(store: &Subject, user: UserId, other: UserId) {
    let entry = || builder::audit(AuditEvent::LoginOk, today() - TimeDelta::minutes(1));
    let (mut done_to, mut done_by) = (entry().about(user), entry().about(other));
    (done_to.actor, done_by.actor) = (Some(other), Some(user));
    for record in [entry().by(user), entry().about(user), done_to, done_by, entry().by(other)] {
        read(store).await.audit().append(&record).await.unwrap();
    }
    chain_all(store).await;
}

/// The clients of somebody erased go at once, of everything they did and of what nobody known did to them;
/// the chain still knows every entry.
pub async fn clients_of_the_erased_go_at_once(store: Subject) {
    let (ada, eve) = (given_user(&store, 1, noon()).await.id, given_user(&store, 2, noon()).await.id);
    given_entries(&store, ada, eve).await;
    erase(&store, ada).await;
    let erase = || async { read(&store).await.people().erase_clients(ada, 2).await.unwrap() };
    assert_eq!((erase().await, erase().await, erase().await), (2, 1, 0));
    let page = page(&store).await;
    let is_gone: Vec<bool> = page.iter().map(|chained| chained.link.salt.is_none()).collect();
    assert_eq!(is_gone, [true, true, false, true, false]);
    for chained in &page {
        let row = chained.row.as_ref().unwrap();
        assert_eq!(row.user_agent.is_none(), chained.link.salt.is_none());
        assert_eq!(row.ip.as_deref() == Some("192.0.2.7"), chained.link.salt.is_some());
    }
    let report = check(&store).await;
    assert!(report.is_good() && report.erased_clients == 3, "{report:?}");
}

/// Of somebody who is there nothing goes before its time.
pub async fn clients_of_others_stay(store: Subject) {
    let (ada, eve) = (given_user(&store, 1, noon()).await.id, given_user(&store, 2, noon()).await.id);
    given_entries(&store, ada, eve).await;
    erase(&store, ada).await;
    read(&store).await.people().erase_clients(eve, 10).await.unwrap_err();
    assert!(page(&store).await.iter().all(|chained| chained.link.salt.is_some()));
}

/// Only those count who could do something: active, superuser, somebody else.
pub async fn other_superusers_are_counted(store: Subject) {
    let superuser = |number, status| {
        let mut user = builder::user(number, noon());
        user.roles = user.roles.with(Role::Superuser);
        user.status = status;
        Arrival { user, totp: None }
    };
    let people = [
        superuser(1, UserStatus::Active),
        superuser(2, UserStatus::Suspended),
        superuser(3, UserStatus::Active),
        arrival(4),
    ];
    add(&store, &people).await.unwrap();
    for (user, others) in [(1, 1), (2, 2), (4, 2)] {
        let mut tx = begin(&store).await;
        assert_eq!(tx.people().other_superusers(id(user)).await.unwrap(), others, "{user}");
        tx.commit().await.unwrap();
    }
}
