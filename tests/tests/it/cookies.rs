//! A browser that keeps its session in cookies, over a socket.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use crate::{
    factors::{server as asking_server, take_app},
    harness::{Answer, PASSWORD, TestServer},
};

const NEW_PASSWORD: &str = "another Good one 4711!";

/// A browser on one page: its cookies, and what the page knows.
pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    jar: BTreeMap<String, String>,
    csrf: Option<String>,
}

/// A cookie as it was set.
struct Cookie {
    name: String,
    value: String,
    attributes: Vec<String>,
}

fn set_cookies(answer: &Answer) -> Vec<Cookie> {
    let lines = answer.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("a text"));
    let read = |line: &str| {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a pair");
        assert!(line.len() < 4096, "browsers take no longer ones: {line}");
        let attributes = parts.map(ToOwned::to_owned).collect();
        Cookie { name: name.to_owned(), value: value.to_owned(), attributes }
    };
    lines.map(read).collect()
}

/// Whether an answer takes both cookies back, and leaves all others.
pub(crate) fn takes_cookies_back(answer: &Answer) -> bool {
    let set = set_cookies(answer);
    let names: Vec<&str> = set.iter().map(|cookie| cookie.name.as_str()).collect();
    let gone =
        |cookie: &Cookie| cookie.value.is_empty() && cookie.attributes.contains(&"Max-Age=0".to_owned());
    names == ["access", "refresh"] && set.iter().all(gone)
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a TestServer) -> Self {
        Self { server, jar: BTreeMap::new(), csrf: None }
    }

    async fn signed_in(server: &'a TestServer, email: &str) -> Self {
        let mut browser = Self::new(server);
        let login = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
        browser.call(Method::POST, "/api/auth/login", Some(&login)).await.expect(StatusCode::OK);
        browser
    }

    /// Sends as a page of the server's own does, and keeps what it gets.
    pub(crate) async fn call(&mut self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let answer = self.send(method, path, body, self.csrf.as_deref()).await;
        for cookie in set_cookies(&answer) {
            if cookie.value.is_empty() {
                self.jar.remove(&cookie.name);
            } else {
                self.jar.insert(cookie.name, cookie.value);
            }
        }
        if let Some(token) = answer.body["csrf_token"].as_str() {
            self.csrf = Some(token.to_owned());
        }
        answer
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        csrf: Option<&str>,
    ) -> Answer {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.server.request(method, path).header("sec-fetch-site", "same-origin");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await).await
    }
}

#[track_caller]
fn refused(answer: &Answer) {
    answer.refused(403, "CSRF token missing or invalid");
    assert_eq!(answer.body["code"], "csrf_failed");
}

#[tokio::test]
async fn a_whole_session_lives_in_cookies() {
    let server = TestServer::start().await;
    let bearer = server.signed_in("ada@example.com").await;
    let mut browser = Browser::new(&server);

    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "session": "cookie" });
    refused(&server.post("/api/auth/login", &login).await);
    let form = server.request(Method::POST, "/api/auth/login").header("content-type", "text/plain");
    let form = Answer::of(form.header("origin", server.base()).body(login.to_string()).send().await).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let sessions = server.get("/api/auth/sessions", &bearer.access).await.body;
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "a foreign page signed nobody in");

    let answer = browser.call(Method::POST, "/api/auth/login", Some(&login)).await.expect(StatusCode::OK);
    for absent in ["access_token", "refresh_token", "token_type", "device_token"] {
        assert!(answer.body.get(absent).is_none(), "{absent}: {answer:?}");
    }
    assert_eq!(answer.body["expires_in"], 1800);
    let set = set_cookies(&answer);
    let names: Vec<&str> = set.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, ["access", "refresh", "device"]);
    for (cookie, life) in set.iter().zip(["Max-Age=1800", "Max-Age=604800", "Max-Age=7776000"]) {
        assert_eq!(cookie.attributes, ["Path=/", life, "HttpOnly", "SameSite=Lax"], "{}", cookie.name);
    }

    let me = browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], "ada@example.com");
    assert!(me.headers.get_all("vary").iter().any(|value| value == "Cookie"), "{me:?}");

    let name = json!({ "full_name": "Ada L" });
    refused(&browser.send(Method::PATCH, "/api/auth/me", Some(&name), None).await);
    let me = browser.call(Method::GET, "/api/auth/me", None).await;
    assert_eq!(me.body["full_name"], Value::Null, "nothing was changed");
    let changed = browser.call(Method::PATCH, "/api/auth/me", Some(&name)).await.expect(StatusCode::OK);
    assert_eq!(changed.body["full_name"], "Ada L");

    let token = browser.csrf.clone().expect("a token");
    refused(&browser.send(Method::POST, "/api/auth/refresh", Some(&json!({})), None).await);
    let before = browser.jar.clone();
    let refreshed = browser.call(Method::POST, "/api/auth/refresh", Some(&json!({}))).await;
    let refreshed = refreshed.expect(StatusCode::OK);
    assert!(refreshed.body.get("refresh_token").is_none() && refreshed.body["grace_period"].is_object());
    assert!(browser.jar["refresh"] != before["refresh"] && browser.jar["access"] != before["access"]);
    let other_tab = browser.send(Method::PATCH, "/api/auth/me", Some(&name), Some(&token)).await;
    assert_eq!(other_tab.status, StatusCode::OK, "a token is good as long as its session is");

    // After a long sleep the browser has dropped the access cookie, and the page has lost its token.
    browser.jar.remove("access");
    browser.csrf = None;
    browser.call(Method::GET, "/api/auth/csrf", None).await.expect(StatusCode::OK);
    browser.call(Method::POST, "/api/auth/refresh", Some(&json!({}))).await.expect(StatusCode::OK);
    browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);

    refused(&browser.send(Method::POST, "/api/auth/logout", None, None).await);
    browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);
    let (kept, csrf) = (browser.jar.clone(), browser.csrf.clone());
    let left = browser.call(Method::POST, "/api/auth/logout", None).await;
    left.message("Successfully logged out");
    assert!(takes_cookies_back(&left), "{left:?}");
    assert_eq!(left.headers["clear-site-data"], r#""cache","storage""#);
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["device"]);
    browser.call(Method::GET, "/api/auth/csrf", None).await.refused(401, "Not authenticated");

    // Whoever kept a copy of the cookies has nothing.
    let thief = Browser { server: &server, jar: kept, csrf };
    let me = thief.send(Method::GET, "/api/auth/me", None, None).await;
    me.refused(401, "Could not validate credentials");
    let refresh =
        thief.send(Method::POST, "/api/auth/refresh", Some(&json!({})), thief.csrf.as_deref()).await;
    refresh.refused(401, "Invalid refresh token");
    assert!(takes_cookies_back(&refresh), "{refresh:?}");
    server.get("/api/auth/me", &bearer.access).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_good_for_one_session_and_a_refused_refresh_spends_nothing() {
    let server = TestServer::with(&[("REFRESH_GRACE_SECONDS", "0")]).await;
    server.signed_in("ada@example.com").await;
    server.signed_in("eve@example.com").await;
    let mut ada = Browser::signed_in(&server, "ada@example.com").await;
    let eve = Browser::signed_in(&server, "eve@example.com").await;
    let body = json!({});
    for path in ["/api/auth/refresh", "/api/auth/logout", "/api/auth/recover-session"] {
        refused(&ada.send(Method::POST, path, Some(&body), eve.csrf.as_deref()).await);
    }
    refused(&ada.send(Method::DELETE, "/api/auth/sessions", None, eve.csrf.as_deref()).await);
    for _ in 0..2 {
        ada.call(Method::POST, "/api/auth/refresh", Some(&body)).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn whatever_ends_the_own_session_takes_its_cookies_back() {
    let server = TestServer::start().await;
    let bearer = server.signed_in("ada@example.com").await;
    let own = async |browser: &mut Browser<'_>| -> String {
        let sessions = browser.call(Method::GET, "/api/auth/sessions", None).await.expect(StatusCode::OK);
        let list = sessions.body.as_array().expect("a list").clone();
        let current = list.iter().find(|session| session["is_current"] == true).expect("the present one");
        format!("/api/auth/sessions/{}", current["id"])
    };
    let mut one = Browser::signed_in(&server, "ada@example.com").await;
    let mut two = Browser::signed_in(&server, "ada@example.com").await;
    let (path_of_one, path_of_two) = (own(&mut one).await, own(&mut two).await);

    let other = one.call(Method::DELETE, &path_of_two, None).await.expect(StatusCode::OK);
    assert_eq!(set_cookies(&other).len(), 0, "{other:?}");
    two.call(Method::GET, "/api/auth/me", None).await.refused(401, "Could not validate credentials");
    let by_header = server.send(Method::POST, "/api/auth/recover-session", &bearer.access, None).await;
    let bearer = by_header.tokens();
    let ended = one.call(Method::DELETE, &path_of_one, None).await;
    ended.refused(401, "Could not validate credentials");

    let mut one = Browser::signed_in(&server, "ada@example.com").await;
    let path = own(&mut one).await;
    assert!(takes_cookies_back(&one.call(Method::DELETE, &path, None).await));

    let mut one = Browser::signed_in(&server, "ada@example.com").await;
    let recovered = one.call(Method::POST, "/api/auth/recover-session", None).await.expect(StatusCode::OK);
    assert!(recovered.body.get("access_token").is_none() && set_cookies(&recovered).len() == 2);
    server.get("/api/auth/me", &bearer.access).await.refused(401, "Could not validate credentials");
    let everywhere = one.call(Method::POST, "/api/auth/logout", Some(&json!({ "all": true }))).await;
    assert!(takes_cookies_back(&everywhere), "{everywhere:?}");

    let mut one = Browser::signed_in(&server, "ada@example.com").await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let changed = one.call(Method::POST, "/api/auth/change-password", Some(&change)).await;
    assert!(takes_cookies_back(&changed.expect(StatusCode::OK)));

    let mut one = Browser::new(&server);
    let login = json!({ "email": "ada@example.com", "password": NEW_PASSWORD, "session": "cookie" });
    one.call(Method::POST, "/api/auth/login", Some(&login)).await.expect(StatusCode::OK);
    let close = json!({ "password": NEW_PASSWORD });
    let closed = one.call(Method::DELETE, "/api/auth/me", Some(&close)).await;
    assert!(takes_cookies_back(&closed.expect(StatusCode::OK)));
}

#[tokio::test]
async fn a_second_factor_leads_to_cookies_as_well() {
    let server = asking_server().await;
    let tokens = server.signed_in("ada@example.com").await;
    let (mut app, _) = take_app(&server, &tokens).await;
    let mut browser = Browser::new(&server);
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "session": "cookie" });
    let asked = browser.call(Method::POST, "/api/auth/login", Some(&login)).await;
    asked.refused(400, "TOTP code required");
    assert_eq!(set_cookies(&asked).len(), 0);
    let proof = json!({ "mfa_token": asked.body["mfa_token"], "code": app.code(), "session": "cookie" });
    refused(&server.post("/api/auth/mfa/verify", &proof).await);
    let answer = browser.call(Method::POST, "/api/auth/mfa/verify", Some(&proof)).await;
    assert!(answer.expect(StatusCode::OK).body.get("access_token").is_none());
    browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);
}

/// Decision 017: nothing in a token says how it travels.
#[tokio::test]
async fn tokens_move_between_the_modes_one_way() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("ada@example.com").await;
    let mut browser = Browser::new(&server);
    let into_cookies = json!({ "refresh_token": tokens.refresh, "session": "cookie" });
    refused(&server.post("/api/auth/refresh", &into_cookies).await);
    browser.call(Method::POST, "/api/auth/refresh", Some(&into_cookies)).await.expect(StatusCode::OK);
    for path in ["/api/auth/refresh", "/api/auth/recover-session"] {
        let out_of_cookies = browser.call(Method::POST, path, Some(&json!({ "session": "bearer" }))).await;
        assert_eq!(out_of_cookies.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(out_of_cookies.body["detail"][0]["loc"], json!(["body", "session"]), "{path}");
    }
    let access = browser.jar["access"].clone();
    server.get("/api/auth/me", &access).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn behind_tls_cookies_are_bound_to_the_host_and_plain_names_are_not_read() {
    let settings = [("PUBLIC_URL", "https://auth.example.com"), ("CORS_ORIGINS", "https://app.example.com")];
    let server = TestServer::with(&settings).await;
    server.signed_in("ada@example.com").await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "session": "cookie" });
    for (origin, status) in [
        ("https://auth.example.com", 200),
        ("https://app.example.com", 200),
        ("http://app.example.com", 403),
        ("https://app.example.com.evil.test", 403),
        ("https://evil.test", 403),
        ("null", 403),
    ] {
        let request = server.request(Method::POST, "/api/auth/login").header("origin", origin).json(&login);
        let answer = Answer::of(request.send().await).await;
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
        let set = set_cookies(&answer);
        assert_eq!(set.len(), if status == 200 { 3 } else { 0 }, "{origin}");
        for (cookie, name) in set.iter().zip(["__Host-access", "__Host-refresh", "__Host-device"]) {
            assert_eq!(cookie.name, name);
            let [path, _, rest @ ..] = &cookie.attributes[..] else { panic!("{:?}", cookie.attributes) };
            assert_eq!(
                (path.as_str(), rest.join(" ")),
                ("Path=/", "HttpOnly SameSite=Lax Secure".to_owned())
            );
        }
        let Some(access) = set.first() else { continue };
        for (name, status) in [("__Host-access", 200), ("access", 401)] {
            let me = server.request(Method::GET, "/api/auth/me");
            let me = me.header("cookie", format!("{name}={}", access.value));
            assert_eq!(Answer::of(me.send().await).await.status, status, "{name}");
        }
    }
}

/// Locks the account for strangers.
async fn fail_as_a_stranger(server: &TestServer, email: &str) {
    for _ in 0..5 {
        server.login(email, "Wr0ng&wrong").await.expect(StatusCode::UNAUTHORIZED);
    }
    server.login(email, PASSWORD).await.expect(StatusCode::LOCKED);
}

#[tokio::test]
async fn a_browser_is_a_known_device_by_its_cookie() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    server.signed_in(email).await;
    let mut browser = Browser::signed_in(&server, email).await;
    let device = browser.jar["device"].clone();
    assert!(device.starts_with("dt_"));
    let left = browser.call(Method::POST, "/api/auth/logout", Some(&json!({}))).await.expect(StatusCode::OK);
    assert!(takes_cookies_back(&left));
    browser.csrf = None;

    fail_as_a_stranger(&server, email).await;
    let login = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
    browser.call(Method::POST, "/api/auth/login", Some(&login)).await.expect(StatusCode::OK);
    assert_eq!(browser.jar["device"], device, "it stays the same device");
    server.login(email, PASSWORD).await.expect(StatusCode::LOCKED);
}

#[tokio::test]
async fn the_link_that_opens_an_account_makes_its_browser_a_known_device() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    server.signed_in(email).await;
    fail_as_a_stranger(&server, email).await;
    let token = server.mailed_token(email, "/unlock").await;

    let mut browser = Browser::new(&server);
    let open = json!({ "token": token, "session": "cookie" });
    refused(&server.post("/api/auth/unlock", &open).await);
    let opened = browser.call(Method::POST, "/api/auth/unlock", Some(&open)).await;
    opened.message("Account unlocked");
    assert!(opened.body.get("device_token").is_none(), "{opened:?}");
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["device"]);

    fail_as_a_stranger(&server, email).await;
    let login = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
    browser.call(Method::POST, "/api/auth/login", Some(&login)).await.expect(StatusCode::OK);
}
