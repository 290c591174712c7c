//! Calls by cookie, and calls that ask for cookies: who is let in, and what is said to the others.

use actix_web::{http::Method, test::TestRequest, web::Json};
use auth_domain::usecase::CsrfFlaw;
use auth_http::{
    HttpSettings, Limit, Operation,
    body::{BodyKind, Fields, FromBody, NoBody, Refused},
    cookie::{CookieStyle, TokenPlace},
    extract::{Browser, Holder, Identified, Open},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::toy::{Answer, Toy, ToyCsrf, get, good, post};

const ASK: &str = "/toy/ask";
const HOLD: &str = "/toy/hold";
const KEPT: &str = "/toy/kept";
const IDENTIFIED: &str = "/toy/identified";

/// A body that says where tokens go.
#[derive(ToSchema)]
struct Asking {
    #[schema(value_type = Option<String>)]
    session: TokenPlace,
    email: String,
}

impl FromBody for Asking {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.text("email");
        let session = fields.session();
        Ok(Self { session: session?, email: email? })
    }
}

/// The same, and nothing else.
#[derive(ToSchema)]
struct Holding {
    #[schema(value_type = Option<String>)]
    session: TokenPlace,
}

impl FromBody for Holding {
    const KIND: BodyKind = BodyKind::OptionalModel;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.session().map(|session| Self { session })
    }
}

fn word(place: TokenPlace) -> &'static str {
    match place {
        TokenPlace::Body => "body",
        TokenPlace::Cookies(CookieStyle::Host) => "host",
        TokenPlace::Cookies(CookieStyle::Plain) => "plain",
    }
}

async fn ask(request: Open<Asking>) -> Json<Value> {
    Json(json!({ "place": word(request.body.session), "email": request.body.email }))
}

async fn hold(request: Holder<Holding>) -> Json<Value> {
    let refresh = request.refresh_cookie.as_ref().map(ExposeSecret::expose_secret);
    Json(json!({ "refresh": refresh, "place": word(request.body.session) }))
}

async fn kept(request: Browser<NoBody>) -> Json<Value> {
    Json(json!({ "session": request.session.as_i64() }))
}

async fn identified(request: Identified<NoBody>) -> Json<Value> {
    Json(json!({ "user": request.identity.claims.subject.as_i64() }))
}

/// The operations of the toy that this file is about.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(ASK, ask).limit(Limit::Login).answers_any(200, "Where tokens go"),
        Operation::post(HOLD, hold).answers_any(200, "What was held"),
        Operation::get(KEPT, kept).answers_any(200, "The session"),
        Operation::post(IDENTIFIED, identified).answers_any(200, "Who called"),
    ]
}

const LISTED: &str = "https://good.test";

fn toy() -> Toy {
    Toy::with(allowing)
}

fn allowing(settings: &mut HttpSettings) {
    settings.cors_origins = vec![LISTED.to_owned()];
}

/// Headers on top of a request.
type Pairs = &'static [(&'static str, &'static str)];

fn with(request: TestRequest, pairs: Pairs) -> TestRequest {
    pairs.iter().fold(request, |request, pair| request.append_header(*pair))
}

/// One call for each way in which a caller is found by cookie, and the session of that.
fn every_call() -> Vec<(&'static str, TestRequest)> {
    let access = |request: TestRequest| request.insert_header(("cookie", "access=good"));
    vec![
        ("POST /toy/signed", access(post("/toy/signed").set_json(good()))),
        ("DELETE /toy/me", access(get("/toy/me").method(Method::DELETE))),
        ("POST /toy/either", access(post("/toy/either"))),
        ("POST /toy/identified", access(post(IDENTIFIED))),
        ("POST /toy/perhaps", access(post("/toy/perhaps"))),
        ("POST /toy/perhaps", post("/toy/perhaps").insert_header(("cookie", "refresh=rt_good"))),
        ("POST /toy/hold", post(HOLD).insert_header(("cookie", "refresh=rt_good"))),
    ]
}

fn refused(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (403, Some("csrf_failed")),
        "{}",
        answer.text
    );
    assert_eq!(answer.detail(), "CSRF token missing or invalid");
}

/// The matrix of CB-03: everything but the one thing is right.
#[actix_web::test]
async fn a_call_by_cookie_needs_a_page_that_may_ask_and_the_token_of_its_session() {
    let own = ("x-csrf-token", "token-of-1");
    let same = ("sec-fetch-site", "same-origin");
    let flaws: [(CsrfFlaw, &[(&str, &str)]); 15] = [
        (CsrfFlaw::Token, &[same]),
        (CsrfFlaw::Token, &[same, ("x-csrf-token", "")]),
        (CsrfFlaw::Token, &[same, ("x-csrf-token", "token-of-2")]),
        (CsrfFlaw::Token, &[same, own, own]),
        (CsrfFlaw::Token, &[("origin", LISTED), ("x-csrf-token", "rubbish")]),
        (CsrfFlaw::Origin, &[own]),
        (CsrfFlaw::Origin, &[own, ("sec-fetch-site", "cross-site")]),
        (CsrfFlaw::Origin, &[own, ("sec-fetch-site", "same-site")]),
        (CsrfFlaw::Origin, &[own, ("sec-fetch-site", "none")]),
        (CsrfFlaw::Origin, &[own, ("origin", "null")]),
        (CsrfFlaw::Origin, &[own, ("origin", "https://good.test.evil.test")]),
        (CsrfFlaw::Origin, &[own, ("origin", "https://evilgood.test")]),
        (CsrfFlaw::Origin, &[own, ("origin", "http://good.test")]),
        (CsrfFlaw::Origin, &[own, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")]),
        (CsrfFlaw::Origin, &[]),
    ];
    for (flaw, pairs) in flaws {
        // Refusals count, and this is not about limits.
        let toy = toy();
        for (route, request) in every_call() {
            let request = pairs.iter().fold(request, |request, pair| request.append_header(*pair));
            refused(&toy.send(request).await);
            assert_eq!(toy.csrf.denials(), [(flaw, Some(1), route.to_owned())], "{pairs:?}");
        }
    }
}

#[actix_web::test]
async fn with_both_it_is_as_good_as_a_header() {
    let token = ("x-csrf-token", ToyCsrf::token(1));
    let pages: [Pairs; 5] = [
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-site"), ("origin", LISTED)],
        &[("sec-fetch-site", "cross-site"), ("origin", LISTED)],
        &[("origin", LISTED)],
        &[("origin", "http://localhost:8000")],
    ];
    for page in pages {
        let toy = toy();
        for (route, request) in every_call() {
            let answer = toy.send(with(request, page).insert_header(token.clone())).await;
            assert_eq!(answer.status, 200, "{route} {page:?}: {}", answer.text);
            assert!(answer.headers.get_all("vary").any(|value| value == "Cookie"), "{route}");
        }
        assert_eq!(toy.csrf.denials(), []);
    }
}

#[actix_web::test]
async fn reading_needs_no_token() {
    let toy = toy();
    for pairs in [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "https://evil.test")]] {
        let answer = toy.send(with(get("/toy/me").insert_header(("cookie", "access=good")), pairs)).await;
        assert_eq!((answer.status, answer.json()["caller"].as_i64()), (200, Some(7)), "{pairs:?}");
    }
    for (cookie, detail) in [
        ("access=rubbish", "Could not validate credentials"),
        ("access=ended", "Could not validate credentials"),
        ("access=refresh", "Invalid token type"),
        ("access=", "Not authenticated"),
        ("refresh=rt_good", "Not authenticated"),
        ("__Host-access=good", "Not authenticated"),
    ] {
        let answer = toy.send(get("/toy/me").insert_header(("cookie", cookie))).await;
        assert_eq!((answer.status, answer.detail()), (401, json!(detail)), "{cookie}");
    }
}

/// JW-11, JW-12.
#[actix_web::test]
async fn tokens_come_in_the_header_or_in_the_cookie_and_only_one_counts() {
    let toy = toy();
    let nowhere_else = [
        get("/toy/me?access_token=good&token=good&access=good"),
        post("/toy/signed").set_json(json!({ "access_token": "good", "token": "good" })),
        get("/toy/me").insert_header(("x-access-token", "good")),
    ];
    for request in nowhere_else {
        let answer = toy.send(request).await;
        assert_eq!((answer.status, answer.detail()), (401, json!("Not authenticated")));
    }
    // A header, whatever is in it, puts cookies aside: also their guard.
    for (header, cookie, status) in [
        ("Bearer good", "access=rubbish", 200),
        ("Bearer rubbish", "access=good", 401),
        ("Basic eDp5", "access=good", 401),
        ("Bearer", "access=good", 401),
    ] {
        let request = post("/toy/signed").set_json(good());
        let request = request.insert_header(("authorization", header)).insert_header(("cookie", cookie));
        assert_eq!(toy.send(request).await.status, status, "{header} {cookie}");
    }
    let twice = [
        get("/toy/me").append_header(("cookie", "access=good; access=good")),
        get("/toy/me").append_header(("cookie", "access=good")).append_header(("cookie", "access=gone")),
    ];
    for request in twice {
        let answer = toy.send(request).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("ambiguous_credentials")));
    }
}

#[actix_web::test]
async fn production_reads_no_plain_names() {
    let toy = Toy::with(|settings| settings.production = true);
    for (cookie, status) in [("access=good", 401), ("__Host-access=good", 200)] {
        assert_eq!(
            toy.send(get("/toy/me").insert_header(("cookie", cookie))).await.status,
            status,
            "{cookie}"
        );
    }
    let tls = Toy::with(|settings| settings.public_url = "https://auth.example.com".to_owned());
    assert_eq!(tls.send(get("/toy/me").insert_header(("cookie", "access=good"))).await.status, 401);
}

#[actix_web::test]
async fn a_body_beside_cookies_is_json_and_says_so() {
    let body = good().to_string();
    let table = [
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data"), 415),
        (Some("application/merge-patch+json"), 415),
        (None, 415),
    ];
    for (media_type, status) in table {
        let request = post("/toy/signed")
            .set_payload(body.clone())
            .insert_header(("cookie", "access=good"))
            .insert_header(("sec-fetch-site", "same-origin"))
            .insert_header(("x-csrf-token", ToyCsrf::token(1)));
        let request = match media_type {
            Some(media_type) => request.insert_header(("content-type", media_type)),
            None => request,
        };
        assert_eq!(toy().send(request).await.status, status, "{media_type:?}");
    }
    // Whoever brings a token in the header goes on without.
    let bearer = post("/toy/signed").set_payload(body).insert_header(("authorization", "Bearer good"));
    assert_eq!(toy().send(bearer).await.status, 200);
}

/// CB-04, LG-08: nobody is signed in by a foreign page.
#[actix_web::test]
async fn whoever_asks_for_cookies_comes_from_a_page_that_may_have_them() {
    let asking = json!({ "email": "ada@example.com", "session": "cookie" });
    let refusals: [(Pairs, u16); 10] = [
        (&[], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "https://good.test.evil.test")], 403),
        (&[("origin", "https://evilgood.test")], 403),
        (&[("origin", "http://good.test")], 403),
        (&[("sec-fetch-site", "same-origin"), ("content-type", "text/plain")], 415),
        (&[("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")], 415),
        (&[("sec-fetch-site", "same-origin"), ("content-type", "")], 415),
    ];
    for (pairs, status) in refusals {
        let toy = toy();
        let typed = pairs.iter().any(|(name, _)| *name == "content-type");
        let request = post(ASK).set_payload(asking.to_string());
        let request =
            if typed { request } else { request.insert_header(("content-type", "application/json")) };
        let answer = toy.send(with(request, pairs)).await;
        assert_eq!(answer.status, status, "{pairs:?}: {}", answer.text);
        if status == 403 {
            refused(&answer);
            assert_eq!(toy.csrf.denials(), [(CsrfFlaw::Origin, None, format!("POST {ASK}"))], "{pairs:?}");
        }
    }
    let untyped = post(ASK).set_payload(asking.to_string()).insert_header(("origin", LISTED));
    assert_eq!(toy().send(untyped).await.status, 415);
    for pairs in [&[("sec-fetch-site", "same-origin")][..], &[("origin", LISTED)]] {
        let answer = toy().send(with(post(ASK).set_json(&asking), pairs)).await;
        assert_eq!((answer.status, &answer.json()["place"]), (200, &json!("plain")), "{pairs:?}");
    }
    // What else is wrong with such a request is nobody's business.
    let empty = toy().send(post(ASK).set_json(json!({ "session": "cookie" }))).await;
    refused(&empty);
}

#[actix_web::test]
async fn tokens_go_into_the_body_unless_cookies_are_asked_for() {
    for (session, place) in [
        (json!({}), "body"),
        (json!({ "session": null }), "body"),
        (json!({ "session": "bearer" }), "body"),
        (json!({ "session": "cookie" }), "host"),
    ] {
        let toy = Toy::with(|settings| settings.public_url = "https://auth.example.com".to_owned());
        let mut body = session.clone();
        body["email"] = json!("x");
        let answer =
            toy.send(post(ASK).set_json(&body).insert_header(("sec-fetch-site", "same-origin"))).await;
        assert_eq!(answer.json()["place"], place, "{session}");
    }
    for other in [json!("cookies"), json!("Cookie"), json!(""), json!(1), json!(true), json!(["cookie"])] {
        let answer = toy().send(post(ASK).set_json(json!({ "session": other }))).await;
        assert_eq!(answer.status, 422, "{other}");
        let error = &answer.detail()[1];
        assert_eq!((&error["type"], &error["loc"]), (&json!("literal_error"), &json!(["body", "session"])));
        assert_eq!(error["msg"], "Input should be 'cookie' or 'bearer'", "{other}");
    }
}

#[actix_web::test]
async fn what_came_by_cookie_goes_back_into_cookies() {
    let call = |body: Value| {
        post(HOLD)
            .set_json(body)
            .insert_header(("cookie", "refresh=rt_good"))
            .insert_header(("sec-fetch-site", "same-origin"))
            .insert_header(("x-csrf-token", ToyCsrf::token(1)))
    };
    for body in [json!({}), json!({ "session": "cookie" }), json!({ "refresh_token": null })] {
        let answer = toy().send(call(body.clone())).await;
        assert_eq!(answer.json(), json!({ "refresh": "rt_good", "place": "plain" }), "{body}");
    }
    let answer = toy().send(call(json!({ "session": "bearer" }))).await;
    assert_eq!((answer.status, &answer.detail()[0]["loc"]), (422, &json!(["body", "session"])));
    // A token in the body speaks for itself, and no cookie is looked at.
    let own = post(HOLD)
        .set_json(json!({ "refresh_token": "rt_mine" }))
        .insert_header(("cookie", "refresh=rt_good"));
    assert_eq!(toy().send(own).await.json(), json!({ "refresh": null, "place": "body" }));
}

#[actix_web::test]
async fn cookies_that_are_good_for_nothing_are_the_handlers_to_take_back() {
    let toy = toy();
    let hold = |cookie: &'static str| post(HOLD).insert_header(("cookie", cookie));
    let from_us = |request: TestRequest| request.insert_header(("sec-fetch-site", "same-origin"));
    // Nobody knows the token: there is no session, and so no token of one.
    let unknown = toy.send(from_us(hold("refresh=rubbish"))).await;
    assert_eq!(unknown.json()["refresh"], "rubbish");
    refused(&toy.send(hold("refresh=rubbish")).await);
    // An ended session still says whose token is asked for.
    refused(&toy.send(from_us(hold("refresh=rt_ended"))).await);
    let ended = from_us(hold("refresh=rt_ended")).insert_header(("x-csrf-token", ToyCsrf::token(3)));
    assert_eq!(toy.send(ended).await.status, 200);
    assert_eq!(toy.send(from_us(hold("refresh=rt_down"))).await.status, 503);

    let leave = |cookie: &'static str| from_us(post("/toy/perhaps").insert_header(("cookie", cookie)));
    let stale = toy.send(leave("access=ended")).await;
    assert_eq!(stale.json(), json!({ "who": "refused", "word": null }));
    // Two cookies of two sessions: one token cannot be of both.
    for token in [ToyCsrf::token(1), ToyCsrf::token(2)] {
        let request = leave("access=good; refresh=rt_other").insert_header(("x-csrf-token", token));
        refused(&toy.send(request).await);
    }
    // A token in the body is what is meant.
    let request = post("/toy/perhaps")
        .set_json(json!({ "refresh_token": "rt_mine" }))
        .insert_header(("cookie", "access=good; refresh=rt_good"));
    assert_eq!(toy.send(request).await.json(), json!({ "who": "nobody", "word": null }));
}

#[actix_web::test]
async fn a_password_in_the_body_is_meant_whatever_cookie_comes_along() {
    let toy = toy();
    let credentials = json!({ "email": "x", "password": "y", "word": "hello" });
    for cookie in ["access=ended", "access=good"] {
        let request = post("/toy/either").set_json(&credentials).insert_header(("cookie", cookie));
        assert_eq!(toy.send(request).await.json(), json!("hello"), "{cookie}");
    }
    assert_eq!(toy.csrf.denials(), []);
}

#[actix_web::test]
async fn a_token_without_a_session_changes_nothing_by_cookie() {
    let sister = |request: TestRequest| {
        request
            .insert_header(("cookie", "access=sister"))
            .insert_header(("sec-fetch-site", "same-origin"))
            .insert_header(("x-csrf-token", ToyCsrf::token(1)))
    };
    let toy = toy();
    assert_eq!(toy.send(sister(get("/toy/me"))).await.status, 200);
    refused(&toy.send(sister(get("/toy/me").method(Method::DELETE))).await);
    assert_eq!(toy.send(sister(get(KEPT))).await.status, 401);
}

#[actix_web::test]
async fn a_page_finds_its_session_as_long_as_one_of_the_cookies_is_good() {
    let toy = toy();
    for (cookie, session) in [
        ("access=good", Some(1)),
        ("access=good; refresh=rt_other", Some(1)),
        ("access=ended; refresh=rt_other", Some(2)),
        ("refresh=rt_good", Some(1)),
        ("refresh=rt_ended", None),
        ("refresh=rubbish", None),
        ("access=gone", None),
        ("", None),
    ] {
        let answer = toy.send(get(KEPT).insert_header(("cookie", cookie))).await;
        match session {
            Some(session) => assert_eq!(answer.json()["session"], session, "{cookie}"),
            None => {
                assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{cookie}");
            }
        }
    }
    let bearer = get(KEPT).insert_header(("authorization", "Bearer good"));
    assert_eq!(toy.send(bearer.insert_header(("cookie", "access=good"))).await.status, 401);
    assert_eq!(toy.send(get(KEPT).insert_header(("cookie", "access=down"))).await.status, 503);
}

#[actix_web::test]
async fn refusals_count_so_that_nobody_fills_the_log() {
    let toy = toy();
    let ask = || post(ASK).set_json(json!({ "session": "cookie" }));
    for _ in 0..5 {
        refused(&toy.send(ask()).await);
    }
    assert_eq!(toy.send(ask()).await.status, 429);
    assert_eq!(toy.csrf.denials().len(), 5);
}

#[actix_web::test]
async fn other_origins_may_send_the_token_and_only_listed_ones_cookies() {
    let preflight = get("/toy/me")
        .method(Method::OPTIONS)
        .insert_header(("origin", LISTED))
        .insert_header(("access-control-request-method", "DELETE"))
        .insert_header(("access-control-request-headers", "content-type,x-csrf-token,x-device-token"));
    let answer = toy().send(preflight).await;
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-csrf-token,x-device-token");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");

    let anybody = Toy::with(|settings| settings.cors_origins = vec!["*".to_owned(), LISTED.to_owned()]);
    for (origin, credentials) in [(LISTED, "true"), ("https://evil.test", "")] {
        for request in [get("/toy/me"), get("/toy/me").method(Method::OPTIONS)] {
            let request = request
                .insert_header(("origin", origin))
                .insert_header(("access-control-request-method", "GET"));
            let answer = anybody.send(request).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), credentials, "{origin}");
        }
    }
    // The entry that stands for all origins lets nobody send cookies for others, either.
    let request = get("/toy/me")
        .method(Method::DELETE)
        .insert_header(("cookie", "access=good"))
        .insert_header(("x-csrf-token", ToyCsrf::token(1)))
        .insert_header(("origin", "https://evil.test"));
    refused(&anybody.send(request).await);
}
