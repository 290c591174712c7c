//! Everybody calls everything, and the answers are compared with `matrix.txt` (AZ-01). Then what people might put
//! into a request to be somebody else (AZ-02, AZ-03).

use std::collections::{BTreeMap, BTreeSet};

use auth_crypto::SystemClock;
use auth_domain::{
    factor::Enrolment,
    id::UserId,
    port::{Clock as _, Store as _},
    user::{Role, UserStatus},
};
use auth_testkit::builder;
use serde_json::{Value, json};

use crate::harness::{
    Answer,
    staff::{On, Person, Staffed, address},
};

const USER: Person = (11, "default", &[]);
const MANAGER: Person = (12, "default", &[Role::Manager]);
const ADMIN: Person = (13, "default", &[Role::ApplicationAdmin]);
const SUPER: Person = (14, "default", &[Role::Superuser]);
const INTRUDER: Person = (15, "other", &[Role::Superuser]);
const DISABLED: Person = (16, "default", &[]);
/// To whom things are done.
const TARGET: Person = (17, "default", &[]);
/// A key of theirs.
const TARGET_KEY: i64 = 99;
const PEOPLE: [Person; 7] = [USER, MANAGER, ADMIN, SUPER, INTRUDER, DISABLED, TARGET];

/// Somebody who calls: with whose token, and in which tenant.
const CALLERS: [(&str, Option<Person>, &str); 8] = [
    ("anonymous", None, "default"),
    ("user", Some(USER), "default"),
    ("manager", Some(MANAGER), "default"),
    ("admin", Some(ADMIN), "default"),
    ("super", Some(SUPER), "default"),
    ("intruder", Some(INTRUDER), "default"),
    ("foreign", Some(INTRUDER), "other"),
    ("disabled", Some(DISABLED), "default"),
];

/// What the table says about each route, in the order of its columns.
struct Table {
    persons: Vec<&'static str>,
    routes: BTreeMap<String, Vec<&'static str>>,
}

fn table() -> Table {
    let lines = include_str!("matrix.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut table = Table { persons: Vec::new(), routes: BTreeMap::new() };
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["persons", persons @ ..] => table.persons = persons.to_vec(),
            [method, path, answers @ ..] => {
                assert_eq!(answers.len(), table.persons.len(), "{line}");
                let before = table.routes.insert(format!("{method} {path}"), answers.to_vec());
                assert!(before.is_none(), "twice: {line}");
            }
            _ => panic!("{line}"),
        }
    }
    table
}

/// Every route that the server's own document names.
async fn served(staffed: &Staffed) -> BTreeSet<String> {
    let document = staffed.call("GET", "/openapi.json", (None, "default"), None).await.body;
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut routes = BTreeSet::new();
    for (path, item) in &paths {
        for method in item.as_object().expect("methods").keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    routes
}

fn class(answer: &Answer) -> &'static str {
    match answer.status.as_u16() {
        401 => "401",
        403 => "403",
        404 => "404",
        status if status < 500 => "in",
        _ => "fault",
    }
}

/// A server with everybody in it, and tokens that are replaced when a call has spoilt them.
struct Stage {
    staffed: Staffed,
    tokens: BTreeMap<i64, String>,
    session: i64,
}

impl Stage {
    async fn set() -> Self {
        let staffed = Staffed::start(On::Postgres, &PEOPLE, &[]).await;
        let mut tokens = BTreeMap::new();
        for person in PEOPLE {
            tokens.insert(person.0, staffed.token(person).await);
        }
        let key = builder::personal_key(TARGET_KEY, UserId::from_i64(TARGET.0), SystemClock.now());
        let store = staffed.store.as_ref().expect("PostgreSQL");
        store.read().await.expect("a store").api_keys().insert(&key).await.expect("a key");
        staffed.change(DISABLED.0, |user| user.status = UserStatus::Inactive).await;
        let mut stage = Self { staffed, tokens, session: 0 };
        stage.put_target_back().await;
        stage
    }

    /// The target as it was, with a session.
    async fn put_target_back(&mut self) {
        self.staffed
            .change(TARGET.0, |user| {
                user.status = UserStatus::Active;
                user.roles = auth_domain::user::Roles::default();
            })
            .await;
        let store = self.staffed.store.as_ref().expect("PostgreSQL");
        let mut repos = store.read().await.expect("a store");
        let live = repos.sessions().live_of(UserId::from_i64(TARGET.0), chrono::DateTime::UNIX_EPOCH).await;
        if let Some(session) = live.expect("an answer").first() {
            self.session = session.id.as_i64();
            return;
        }
        self.staffed.token(TARGET).await;
        Box::pin(self.put_target_back()).await;
    }

    fn path(&self, route: &str) -> String {
        route
            .replace("{user_id}", &TARGET.0.to_string())
            .replace("{session_id}", &self.session.to_string())
            .replace("{key_id}", &TARGET_KEY.to_string())
            .replace(['{', '}'], "1")
    }

    async fn call(&mut self, method: &str, path: &str, who: Option<Person>, tenant: &str) -> Answer {
        let token = who.map(|person| self.tokens[&person.0].clone());
        let body = smallest_body(path);
        let answer = self.staffed.call(method, path, (token.as_deref(), tenant), body.as_ref()).await;
        if let (Some(person), true) = (who, method != "GET" && person_is_usable(who)) {
            // A factor that was just set up must not stand in the way of the next call.
            self.staffed.change(person.0, |user| user.factors = Enrolment::default()).await;
            let token = (token.as_deref(), person.1);
            if self.staffed.call("GET", "/api/auth/me", token, None).await.status == 401 {
                self.tokens.insert(person.0, self.staffed.token(person).await);
            }
        }
        answer
    }
}

/// What a route needs to look at the id in its path at all. The others get no body.
fn smallest_body(path: &str) -> Option<Value> {
    match path {
        _ if path.ends_with("/status") && path.starts_with("/api/admin/") => {
            Some(json!({ "status": "active" }))
        }
        _ if path.contains("/update-user/") => Some(json!({})),
        _ => None,
    }
}

fn person_is_usable(who: Option<Person>) -> bool {
    who.is_some_and(|person| person.0 != DISABLED.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_calls_everything_and_gets_as_far_as_the_table_says() {
    let (table, mut stage) = (table(), Stage::set().await);
    let served = served(&stage.staffed).await;
    let written: BTreeSet<String> = table.routes.keys().cloned().collect();
    assert_eq!(
        served.difference(&written).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "missing in matrix.txt"
    );
    assert_eq!(written.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new(), "not served any more");
    let mut wrong = Vec::new();
    for (route, expected) in &table.routes {
        let (method, path) = route.split_once(' ').expect("two words");
        for (name, who, tenant) in CALLERS {
            let column = table.persons.iter().position(|person| *person == name).expect("a column");
            let path = stage.path(path);
            let answer = stage.call(method, &path, who, tenant).await;
            if class(&answer) != expected[column] {
                wrong.push(format!("{name} {route}: {} is not {}", answer.status, expected[column]));
            }
            if method != "GET" {
                stage.put_target_back().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// AZ-02: of two ordinary people, neither reaches what is the other's, on any route with an id in it. What they are
/// told is what they are told about an id that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_others_are_answered_like_ids_of_nobody() {
    let mut stage = Stage::set().await;
    let routes = served(&stage.staffed).await;
    let mut swept = 0;
    for route in routes.iter().filter(|route| route.contains("_id}")) {
        let (method, path) = route.split_once(' ').expect("two words");
        for who in [USER, MANAGER, INTRUDER] {
            let theirs = stage.path(path);
            let nobodys =
                path.replace("{user_id}", "4242").replace("{session_id}", "4242").replace("{key_id}", "4242");
            let theirs = stage.call(method, &theirs, Some(who), who.1).await;
            let nobodys = stage.call(method, &nobodys, Some(who), who.1).await;
            assert!([403, 404, 422].contains(&theirs.status.as_u16()), "{} {route}: {theirs:?}", who.0);
            let said = |answer: &Answer, id: &str| answer.body["detail"].to_string().replace(id, "#");
            let own_id = TARGET.0.to_string();
            assert_eq!(
                (theirs.status, said(&theirs, &own_id)),
                (nobodys.status, said(&nobodys, "4242")),
                "{} {route}",
                who.0
            );
            swept += 1;
        }
    }
    assert!(swept >= 30, "{swept}");
}

/// AZ-03: whoever writes somebody else's id into body or query acts for themselves all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_in_the_body_chooses_nobody() {
    let stage = Stage::set().await;
    let token = stage.tokens[&USER.0].clone();
    let (own, theirs) = (USER.0, TARGET.0);
    let names = ["user_id", "userId", "sub", "id", "email", "tenant_id", "is_superuser", "application_admin"];
    let mut body = json!({ "full_name": "Eve" });
    for name in names {
        let value =
            if name.starts_with("is_") || name.ends_with("admin") { json!(true) } else { json!(theirs) };
        body[name] = value;
    }
    let query = format!("?user_id={theirs}&userId={theirs}&sub={theirs}");
    let caller = (Some(token.as_str()), "default");
    let changed = stage.staffed.call("PATCH", &format!("/api/auth/me{query}"), caller, Some(&body)).await;
    assert_eq!(changed.body["id"], json!(own), "{changed:?}");
    for path in ["/api/auth/me", "/api/auth/sessions", "/api/auth/me/activity", "/api/auth/mfa"] {
        let plain = stage.staffed.call("GET", path, caller, None).await;
        let asked = stage.staffed.call("GET", &format!("{path}{query}"), caller, None).await;
        assert_eq!((asked.status, &asked.body), (plain.status, &plain.body), "{path}");
    }
    for path in ["/api/auth/validate-session", "/api/auth/extend-session"] {
        let answer = stage.staffed.call("POST", &format!("{path}{query}"), caller, Some(&body)).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        assert!(!answer.body.to_string().contains(&address(theirs)), "{path}: {answer:?}");
    }
    let target =
        stage.staffed.call("GET", "/api/auth/me", (Some(&stage.tokens[&TARGET.0]), "default"), None).await;
    assert_eq!(target.body["full_name"], Value::from("Ada Lovelace"), "{target:?}");
    let own = stage.staffed.call("GET", "/api/auth/me", caller, None).await.body;
    assert_eq!((&own["is_superuser"], &own["application_admin"]), (&json!(false), &json!(false)));
}
