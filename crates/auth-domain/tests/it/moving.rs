//! People who come and go, over the real SQLite store.

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{
    audit::AuditEvent,
    client::Client,
    factor::DeviceTraits,
    id::UserId,
    port::{AuditFilter, Comer, MockTx, Newcomer, OldUser, Origin, PeopleSource, Record, Store, StoreError},
    tenant::TenantId,
    usecase::{
        CreateUser, EraseError, ImportCounts, ImportError, ImportNews, ImportTerms, LoginError,
        PasswordLogin, Policy, Target,
    },
    user::{Password, PasswordHash, Role},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder::{self, noon},
    fake::{FastHasher, TestEngine},
};

const PASSWORD: &str = "plain words at dawn";

async fn bench() -> (TestEngine, Arc<SqliteStore>) {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    let store = Arc::new(store);
    let test = TestEngine::new(store.clone(), Policy::default());
    test.engine.keys.ensure().await.expect("a signing key");
    (test, store)
}

/// People in a list.
struct List {
    people: Vec<Newcomer>,
    next: usize,
}

impl List {
    fn of(people: Vec<Newcomer>) -> Self {
        Self { people, next: 0 }
    }
}

#[async_trait]
impl PeopleSource for List {
    async fn count(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(Some(self.people.len() as u64))
    }

    async fn rewind(&mut self) -> Result<(), StoreError> {
        self.next = 0;
        Ok(())
    }

    async fn next(&mut self, limit: u32) -> Result<Vec<Comer>, StoreError> {
        let some = self.people.iter().skip(self.next).take(limit as usize).cloned();
        let some: Vec<Comer> = some.map(|newcomer| Comer::Entry(Box::new(newcomer))).collect();
        self.next += some.len();
        Ok(some)
    }
}

fn terms() -> ImportTerms {
    ImportTerms { tenant: TenantId::default(), region: "US".to_owned(), strict: true }
}

fn person(number: u64) -> Newcomer {
    Newcomer {
        email_verified: true,
        hash: Some(FastHasher::outdated_hash_of(PASSWORD)),
        ..Newcomer::new(Origin::Line(number), format!("user{number}@example.com"))
    }
}

async fn import(test: &TestEngine, people: Vec<Newcomer>, dry_run: bool) -> ImportCounts {
    let mut list = List::of(people);
    test.engine.imports.run(&mut list, &terms(), dry_run, |_| {}).await.expect("an import")
}

async fn login(test: &TestEngine, number: u64, password: &str) -> Result<(), LoginError> {
    let login = PasswordLogin {
        tenant: TenantId::default(),
        email: builder::email(&format!("user{number}@example.com")),
        password: Password::new(password.to_owned()),
        code: None,
        device: DeviceTraits::default(),
        device_token: None,
        client: builder::client(),
    };
    test.engine.login.with_password(&login).await.map(drop)
}

async fn entries(store: &SqliteStore, event: AuditEvent) -> Vec<Vec<(String, String)>> {
    let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
    let mut repos = store.read().await.expect("a store");
    let entries = repos.audit().list(&filter, 100).await.expect("entries");
    entries.into_iter().map(|entry| entry.details).collect()
}

/// More than two batches without ids: each of one moment, and no two with one id.
#[tokio::test]
async fn many_without_ids_come_and_come_once() {
    let (test, store) = bench().await;
    let people: Vec<Newcomer> = (1..=1_201).map(person).collect();
    let dry = import(&test, people.clone(), true).await;
    assert_eq!((dry.found, dry.added), (1_201, 1_201));
    assert_eq!(entries(&store, AuditEvent::UsersImported).await.len(), 0);
    assert_eq!(import(&test, people.clone(), false).await, dry);
    let counts: Vec<String> = entries(&store, AuditEvent::UsersImported)
        .await
        .into_iter()
        .map(|mut details| details.remove(0).1)
        .collect();
    assert_eq!(counts, ["201", "500", "500"]);
    let again = import(&test, people, false).await;
    assert_eq!((again.added, again.present), (0, 1_201));
    assert_eq!(entries(&store, AuditEvent::UsersImported).await.len(), 3, "nothing happened");
    login(&test, 1_201, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn progress_and_findings_are_told() {
    let (test, _) = bench().await;
    let mut people = vec![person(1), person(2), person(3)];
    people[1].email = "USER1@example.com".to_owned();
    people[2].factors.totp = true;
    let mut news = Vec::new();
    let mut list = List::of(people);
    let counts = test.engine.imports.run(&mut list, &terms(), true, |step| news.push(step)).await.unwrap();
    assert_eq!((counts.added, counts.refusals()), (2, 1));
    let told = |what: fn(&ImportNews) -> bool| news.iter().filter(|news| what(news)).count();
    assert_eq!(told(|news| matches!(news, ImportNews::Progress(_, 3))), 2);
    assert_eq!(told(|news| matches!(news, ImportNews::Refused(Origin::Line(2), _))), 1);
    assert_eq!(told(|news| matches!(news, ImportNews::Remarked(Origin::Line(3), _))), 2);
}

/// A source that broke in the middle leaves whole batches, and another try goes on.
#[tokio::test]
async fn an_interrupted_import_goes_on() {
    let (test, _) = bench().await;
    let people: Vec<Newcomer> = (1..=1_201).map(person).collect();
    import(&test, people[..700].to_vec(), false).await;
    let rest = import(&test, people, false).await;
    assert_eq!((rest.added, rest.present), (501, 700));
}

/// What is written is read back: a store that forgets is found out.
#[tokio::test]
async fn a_store_that_keeps_something_else_is_found_out() {
    let scripted = || {
        let mut tx = MockTx::default();
        tx.people.expect_present().returning(|_, _, _| Ok(Vec::new()));
        tx.people.expect_erased().returning(|_| Ok(Vec::new()));
        tx.people.expect_add().returning(|_| Ok(()));
        tx.people.expect_find().returning(|_| Ok(Vec::new()));
        tx.audit.expect_append().returning(|_| Ok(()));
        Box::new(tx)
    };
    let mut store = auth_testkit::mock::MockStore::new();
    store.expect_begin().returning(move || Ok(scripted()));
    store.expect_read().returning(move || Ok(scripted()));
    let test = TestEngine::new(Arc::new(store), Policy::default());
    let mut list = List::of(vec![Newcomer { id: Some(UserId::from_i64(7)), ..person(1) }]);
    let outcome = test.engine.imports.run(&mut list, &terms(), false, |_| {}).await;
    assert!(matches!(outcome, Err(ImportError::Differs(id)) if id.as_i64() == 7), "{outcome:?}");
}

/// A row keeps its id, and the sealed secret of its app opens under it.
#[tokio::test]
async fn a_row_keeps_its_id_and_its_app() {
    struct One(bool);
    #[async_trait]
    impl PeopleSource for One {
        async fn count(&mut self) -> Result<Option<u64>, StoreError> {
            Ok(Some(1))
        }
        async fn rewind(&mut self) -> Result<(), StoreError> {
            self.0 = false;
            Ok(())
        }
        async fn next(&mut self, _: u32) -> Result<Vec<Comer>, StoreError> {
            let mut old = OldUser { id: 7, email: "ada@example.com".to_owned(), ..OldUser::default() };
            old.factors.totp = true;
            old.factors.totp_secret = Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned().into());
            let first = !std::mem::replace(&mut self.0, true);
            Ok(first.then(|| Comer::Old(Box::new(old))).into_iter().collect())
        }
    }
    let (test, store) = bench().await;
    test.engine.imports.run(&mut One(false), &terms(), false, |_| {}).await.unwrap();
    let leavers = test.engine.exports.page(&*store, None, 10, true).await.unwrap();
    assert_eq!((leavers.len(), leavers[0].user.id.as_i64()), (1, 7));
    assert_eq!(leavers[0].totp.as_ref().unwrap().expose_secret(), b"12345678901234567890");
    let without = test.engine.exports.page(&*store, None, 10, false).await.unwrap();
    assert!(without[0].totp.is_none(), "nobody asked");
    let after = test.engine.exports.page(&*store, Some(UserId::from_i64(7)), 10, true).await.unwrap();
    assert!(after.is_empty());
}

/// A hash that this server cannot verify matches no password. It costs as much, and the log says why.
#[tokio::test]
async fn a_hash_that_cannot_be_verified_is_a_wrong_password() {
    for hash in ["$fake$dear$", "md5"] {
        let (test, store) = bench().await;
        import(&test, vec![person(1)], false).await;
        let mut tx = store.begin().await.unwrap();
        let (tenant, email) = (TenantId::default(), builder::email("user1@example.com"));
        let id = tx.users().by_email(&tenant, &email).await.unwrap().unwrap().id;
        let mut user = tx.users().lock(id).await.unwrap().unwrap();
        user.credential.as_mut().unwrap().hash = PasswordHash::new(hash);
        tx.users().save(&user).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let before = test.hasher.calls().dummy;
        let refused = login(&test, 1, PASSWORD).await;
        assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
        assert_eq!(test.hasher.calls().dummy, before + 1, "as much work");
        let reason = ("reason".to_owned(), "unverifiable_hash".to_owned());
        assert!(entries(&store, AuditEvent::LoginFailed).await[0].contains(&reason));
    }
}

async fn superuser(test: &TestEngine, address: &str) -> UserId {
    let request = CreateUser {
        tenant: TenantId::default(),
        email: builder::email(address),
        full_name: None,
        roles: [Role::Superuser].into_iter().collect(),
    };
    test.engine.operators.create_user(&request).await.expect("a superuser").user.id
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let (test, _) = bench().await;
    let (ada, eve) = (superuser(&test, "ada@example.com").await, superuser(&test, "eve@example.com").await);
    test.engine.persons.erase(ada).await.unwrap();
    assert!(matches!(test.engine.persons.erase(eve).await, Err(EraseError::LastSuperuser)));
    assert!(matches!(test.engine.persons.erase(ada).await, Err(EraseError::NotFound)));
    assert!(test.engine.persons.find(eve).await.unwrap().is_some());
    assert!(test.engine.persons.is_erased(ada).await.unwrap());
}

/// Failures that are counted by the address do not meet whoever has it next.
#[tokio::test]
async fn erasing_forgets_the_failures_of_the_address() {
    let (test, _) = bench().await;
    import(&test, vec![person(1)], false).await;
    for _ in 0..5 {
        login(&test, 1, "wrong").await.unwrap_err();
    }
    assert!(matches!(login(&test, 1, PASSWORD).await, Err(LoginError::Locked(_))));
    let email = builder::email("user1@example.com");
    let id = test
        .engine
        .operators
        .lanes(&Target::Address { tenant: TenantId::default(), email })
        .await
        .unwrap()
        .user
        .id;
    let data = test.engine.persons.export(id).await.unwrap().unwrap();
    assert_eq!(data.passwords.map(|state| state.failures), Some(5));
    test.engine.persons.erase(id).await.unwrap();
    import(&test, vec![person(1)], false).await;
    login(&test, 1, PASSWORD).await.unwrap();
}

/// Where somebody came from who looked after the account is theirs.
#[tokio::test]
async fn an_export_does_not_tell_where_others_came_from() {
    let (test, store) = bench().await;
    let ada = builder::user(1, noon());
    let mut tx = store.begin().await.unwrap();
    tx.users().insert(&ada).await.unwrap().unwrap();
    let entry = || builder::audit(AuditEvent::LanesCleared, noon());
    let mut by_another = entry().about(ada.id);
    by_another.actor = Some(UserId::from_i64(9));
    for record in [entry().by(ada.id), entry().about(ada.id), by_another] {
        tx.audit().append(&record).await.unwrap();
    }
    tx.commit().await.unwrap();
    let data = test.engine.persons.export(ada.id).await.unwrap().unwrap();
    let clients: Vec<bool> = data
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Audit(entry) => Some(entry.client != Client::default()),
            _ => None,
        })
        .collect();
    assert_eq!(clients, [true, true, false]);
    assert_eq!(entries(&store, AuditEvent::PersonExported).await.len(), 1);
    assert!(test.engine.persons.export(UserId::from_i64(9)).await.unwrap().is_none());
}

/// The log forgets where an erased person came from, as far as it is chained, and stays provable.
#[tokio::test]
async fn the_log_forgets_where_an_erased_person_came_from() {
    let (test, store) = bench().await;
    import(&test, vec![person(1), person(2)], false).await;
    for number in [1, 2] {
        login(&test, number, PASSWORD).await.unwrap();
    }
    let email = builder::email("user1@example.com");
    let id =
        store.read().await.unwrap().users().by_email(&TenantId::default(), &email).await.unwrap().unwrap().id;
    test.engine.persons.erase(id).await.unwrap();
    assert_eq!(test.engine.persons.forget_clients(id).await.unwrap(), 0, "nothing is chained yet");
    while test.engine.trail.chain().await.unwrap().is_unfinished {}
    assert_eq!(test.engine.persons.forget_clients(id).await.unwrap(), 1);
    assert_eq!(test.engine.persons.forget_clients(id).await.unwrap(), 0);
    let report = test.engine.trail.check(None, |_| {}).await.unwrap();
    assert_eq!(report.erased_clients, 1);
    let of = |user| AuditFilter {
        subject: Some(user),
        event: Some(AuditEvent::LoginOk),
        ..AuditFilter::default()
    };
    let entries = store.read().await.unwrap().audit().list(&of(id), 10).await.unwrap();
    assert!(
        entries[0].client.user_agent.is_none() && entries[0].client.ip.unwrap().to_string() == "192.0.2.0"
    );
}
