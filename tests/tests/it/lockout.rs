//! A stranger who fails on purpose, an owner who gets in all the same: over every adapter, over HTTP, on the
//! command line.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

use std::{sync::Arc, time::Duration};

use auth_domain::{
    client::Client,
    factor::DeviceTraits,
    guard::known_device::DeviceToken,
    tenant::TenantId,
    usecase::{CreateUser, LoginError, PasswordLogin, Policy, Unlock},
    user::{Email, Password, Roles},
};
use auth_testkit::{
    fake::{NoticeKind, TestEngine},
    part::redis::RedisServer,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{
        Answer, Api, PASSWORD, TestServer,
        parts::{REDIS, Replicas, SECRET, database},
        process::{Process, run},
    },
    second_factor::Installation,
};

const WRONG: &str = "Wr0ng&wrong&wrong";

/// How many strangers fail at once.
const CROWD: usize = 50;

/// Somebody with an account, and the token of a device they signed in from.
struct Owner {
    email: Email,
    password: String,
    device: DeviceToken,
}

impl Owner {
    async fn of(at: &Installation) -> Self {
        let test = at.replica(0);
        test.engine.keys.ensure().await.unwrap();
        let email = Email::parse("ada@example.com").unwrap();
        let request = CreateUser {
            tenant: TenantId::default(),
            email: email.clone(),
            full_name: None,
            roles: Roles::default(),
        };
        let created = test.engine.operators.create_user(&request).await.unwrap();
        let password = created.password.expose_secret().to_owned();
        let first = login(&email, &password, None);
        let signed_in = test.engine.login.with_password(&first).await.unwrap();
        Self { email, password, device: signed_in.device_token.unwrap() }
    }

    fn login(&self) -> PasswordLogin {
        login(&self.email, &self.password, Some(&self.device))
    }
}

fn login(email: &Email, password: &str, device: Option<&DeviceToken>) -> PasswordLogin {
    PasswordLogin {
        tenant: TenantId::default(),
        email: email.clone(),
        password: Password::new(password.to_owned()),
        code: None,
        device: DeviceTraits::default(),
        device_token: device.cloned(),
        client: Client::default(),
    }
}

/// Tries it once; says whether the password was looked at.
async fn is_looked_at(test: Arc<TestEngine>, wrong: PasswordLogin) -> bool {
    match test.engine.login.with_password(&wrong).await {
        Err(LoginError::BadCredentials) => true,
        Err(LoginError::Locked(_)) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_gets_in_while_a_crowd_fails_at_both_replicas() {
    for at in Installation::all(&Policy::default()).await {
        let ada = Owner::of(&at).await;
        let strangers: Vec<_> = (0..CROWD)
            .map(|number| {
                let wrong = login(&ada.email, WRONG, None);
                tokio::spawn(is_looked_at(at.replica(number).clone(), wrong))
            })
            .collect();
        for number in 0..20 {
            let signed_in = at.replica(number).engine.login.with_password(&ada.login()).await;
            let signed_in = signed_in.unwrap_or_else(|error| panic!("{}, {number}: {error:?}", at.name));
            let token = signed_in.device_token.unwrap();
            assert_eq!(token.expose_secret(), ada.device.expose_secret(), "{}", at.name);
        }
        let mut looked_at = 0;
        for stranger in strangers {
            looked_at += usize::from(stranger.await.unwrap());
        }
        assert_eq!(looked_at, 5, "{}", at.name);
        for number in 0..2 {
            let right = login(&ada.email, &ada.password, None);
            let refused = at.replica(number).engine.login.with_password(&right).await;
            assert!(matches!(refused, Err(LoginError::Locked(_))), "{}: {refused:?}", at.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stolen_token_is_good_for_ten_guesses() {
    for at in Installation::all(&Policy::default()).await {
        let ada = Owner::of(&at).await;
        let guesses: Vec<_> = (0..CROWD)
            .map(|number| {
                let wrong = login(&ada.email, WRONG, Some(&ada.device));
                tokio::spawn(is_looked_at(at.replica(number).clone(), wrong))
            })
            .collect();
        let mut looked_at = 0;
        for guess in guesses {
            looked_at += usize::from(guess.await.unwrap());
        }
        // Those of the device, and then those of any stranger.
        assert_eq!(looked_at, 10 + 5, "{}", at.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_opens_once_whoever_races_for_it() {
    for at in Installation::all(&Policy::default()).await {
        let ada = Owner::of(&at).await;
        for _ in 0..5 {
            assert!(is_looked_at(at.replica(0).clone(), login(&ada.email, WRONG, None)).await);
        }
        let test = at.replica(0);
        test.engine.delivery.run(50).await.unwrap();
        let token = test.mailer.token(NoticeKind::AccountLocked, &ada.email).unwrap();
        let calls: Vec<_> = (0..CROWD)
            .map(|number| {
                let (test, token) = (at.replica(number).clone(), token.clone());
                let request = Unlock { token, client: Client::default() };
                tokio::spawn(async move { test.engine.recovery.unlock(&request).await.ok() })
            })
            .collect();
        let mut opened = Vec::new();
        for call in calls {
            opened.extend(call.await.unwrap());
        }
        assert_eq!(opened.len(), 1, "{}", at.name);
        let from_there = login(&ada.email, &ada.password, opened.first());
        at.replica(1).engine.login.with_password(&from_there).await.unwrap();
    }
}

/// Signs in with the token of a device.
async fn from_device(api: &Api, email: &str, password: &str, device: &str) -> Answer {
    let request = api.request(Method::POST, "/api/auth/login").header("X-Device-Token", device);
    Answer::of(request.json(&json!({"email": email, "password": password})).send().await).await
}

fn device_token(answer: &Answer) -> String {
    let token = answer.body["device_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    assert!(token.starts_with("dt_") && token.len() == 46, "{token}");
    token
}

async fn lock(api: &Api, email: &str) {
    for _ in 0..5 {
        api.login(email, WRONG).await.refused(401, "Incorrect email or password");
    }
    api.login(email, PASSWORD).await.refused(423, "account_locked");
}

#[tokio::test]
async fn a_device_is_known_by_the_token_of_its_login() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    server.signed_in(email).await;
    let device = device_token(&server.login(email, PASSWORD).await.expect(StatusCode::OK));
    server.signed_in("eve@example.com").await;
    let foreign = device_token(&server.login("eve@example.com", PASSWORD).await.expect(StatusCode::OK));
    lock(&server, email).await;
    for token in [foreign.as_str(), "dt_", "", &format!("dt_{}", "A".repeat(43)), &"x".repeat(5000)] {
        from_device(&server, email, PASSWORD, token).await.refused(423, "account_locked");
        from_device(&server, "nobody@example.com", PASSWORD, token)
            .await
            .refused(401, "Incorrect email or password");
    }
    from_device(&server, "nobody@example.com", PASSWORD, &foreign).await.refused(423, "account_locked");
    let again = from_device(&server, email, PASSWORD, &device).await.expect(StatusCode::OK);
    assert_eq!(device_token(&again), device);
    let access = again.tokens().access;
    let revoked = server.send(Method::POST, "/api/auth/me/revoke-mfa-devices", &access, None).await;
    revoked.expect(StatusCode::OK);
    from_device(&server, email, PASSWORD, &device).await.refused(423, "account_locked");
}

#[tokio::test]
async fn the_mailed_link_opens_the_account_by_its_button_only() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    server.signed_in(email).await;
    lock(&server, email).await;
    let token = server.mailed_token(email, "/unlock").await;
    for _ in 0..3 {
        let page = server.request(Method::GET, &format!("/unlock?token={token}")).send().await;
        let page = Answer::of(page).await.expect(StatusCode::OK);
        assert!(page.body.as_str().unwrap().contains("api/auth/unlock"));
    }
    server.login(email, PASSWORD).await.refused(423, "account_locked");
    let body = json!({ "token": token });
    let opened = server.post("/api/auth/unlock", &body).await;
    opened.message("Account unlocked");
    let device = device_token(&opened);
    server.post("/api/auth/unlock", &body).await.refused(400, "Invalid unlock token");
    server.post("/api/auth/unlock", &json!({"token": "x"})).await.refused(400, "Invalid unlock token");
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
    lock(&server, email).await;
    let signed_in = from_device(&server, email, PASSWORD, &device).await.expect(StatusCode::OK);
    assert_eq!(device_token(&signed_in), device);
}

#[tokio::test]
async fn with_a_front_end_the_mailed_link_leads_to_the_server_and_works() {
    let server = TestServer::with(&[("FRONTEND_URL", "https://app.example.com")]).await;
    let email = "ada@example.com";
    server.signed_in(email).await;
    lock(&server, email).await;
    let token = server.mailed_token(email, "/unlock").await;
    let link = format!("{}/unlock?token={token}", server.base());
    let texts = server.messages(email).await;
    assert!(texts.iter().any(|text| text.lines().any(|line| line == link)), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("https://app.example.com/verify-email?token=")));
    let page = server.request(Method::GET, &format!("/unlock?token={token}")).send().await;
    let page = Answer::of(page).await.expect(StatusCode::OK);
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("'nonce-"));
    server.post("/api/auth/unlock", &json!({ "token": token })).await.message("Account unlocked");
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn opening_is_limited_as_asking_for_a_new_password_is() {
    let server = TestServer::with(&[("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "3")]).await;
    crate::replicas::early_in_a_minute().await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = server.post("/api/auth/unlock", &json!({"token": "x"})).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 400, 429, 429]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_forget_everything_and_the_lock_holds() {
    let redis = RedisServer::start();
    let replicas = Replicas::start(2, &database(), &redis.url(), &[]);
    replicas.api(0).signed_in("ada@example.com").await;
    lock(&replicas.api(0), "ada@example.com").await;
    redis.cli(&["FLUSHALL"]);
    for number in 0..2 {
        replicas.api(number).login("ada@example.com", PASSWORD).await.refused(423, "account_locked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_and_opens_a_locked_account() {
    let (database, directory) = (database(), TempDir::new().unwrap());
    let redis = REDIS.url();
    let prefix = format!("{}:", database.rsplit('/').next().unwrap());
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("REDIS_URL", redis.as_str()),
        ("REDIS_KEY_PREFIX", prefix.as_str()),
        ("SECRET_KEY", SECRET),
        ("PUBLIC_URL", "http://auth.test"),
    ];
    let command = |words: &[&str]| {
        let output = tokio::task::block_in_place(|| run(words, &settings));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(command(&["migrate"]).0, Some(0));
    let process = tokio::task::block_in_place(|| Process::start(directory.path(), &settings));
    let api = Api::at(process.base());
    let email = "ada@example.com";
    let device = {
        api.signed_in(email).await;
        device_token(&api.login(email, PASSWORD).await.expect(StatusCode::OK))
    };
    let (_, shown, _) = command(&["users", "locks", email]);
    assert!(shown.contains("passwords  open\n") && shown.contains("codes      open\n"), "{shown}");
    assert!(shown.contains("devices    2 known") && !shown.contains("dt_") && !shown.contains(&device));

    lock(&api, email).await;
    let (_, shown, _) = command(&["users", "locks", email]);
    assert!(shown.contains("passwords  locked until ") && shown.contains("5 wrong passwords"), "{shown}");
    let opened = command(&["users", "unlock", email]);
    let words = "ada@example.com is open, for passwords and for codes\n";
    assert_eq!(opened, (Some(0), words.to_owned(), String::new()));
    api.login(email, PASSWORD).await.expect(StatusCode::OK);
    for verb in ["locks", "unlock"] {
        let (code, out, err) = command(&["users", verb, email, "--tenant", "other"]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains("there is no such account"), "{err}");
    }
    drop(process);
}

/// What a login answers, without what changes each time.
fn shape(answer: &Answer) -> (u16, Option<Value>, Vec<String>) {
    let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status.as_u16(), answer.body.get("detail").cloned(), headers)
}

#[tokio::test]
async fn a_token_tells_nothing_about_an_address() {
    let server = TestServer::start().await;
    server.signed_in("ada@example.com").await;
    server.signed_in("eve@example.com").await;
    let foreign = device_token(&server.login("eve@example.com", PASSWORD).await.expect(StatusCode::OK));
    for attempt in 0..7 {
        let known = from_device(&server, "ada@example.com", WRONG, &foreign).await;
        let unknown = from_device(&server, "nobody@example.com", WRONG, &foreign).await;
        assert_eq!(shape(&known), shape(&unknown), "{attempt}");
        let wait = |answer: &Answer| {
            answer.headers.get("retry-after").map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap())
        };
        let (known, unknown) = (wait(&known), wait(&unknown));
        assert_eq!(known.is_some(), attempt >= 5);
        let difference = known.zip(unknown).map_or(0, |(known, unknown)| known.abs_diff(unknown));
        assert!(Duration::from_secs(difference) <= Duration::from_secs(2));
    }
}
