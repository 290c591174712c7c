//! Who may call what: every route against `protections.txt`, and every line of that against what the server
//! does. A new route needs a line there, so that somebody has decided.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{http::Method, test::TestRequest};
use auth_domain::usecase::CsrfFlaw;
use auth_http::{Limit, Operation, operation::Access};
use serde_json::json;

use crate::toy::{Toy, ToyCsrf};

/// One line of the table, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    access: String,
    limit: String,
    cookies: String,
}

static TABLE: LazyLock<BTreeMap<String, Line>> = LazyLock::new(|| {
    let lines = include_str!("protections.txt").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut table = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [method, path, access, limit, cookies] = words[..] else { panic!("five words: {line}") };
        let [access, limit, cookies] = [access, limit, cookies].map(ToOwned::to_owned);
        let before = table.insert(format!("{method} {path}"), Line { access, limit, cookies });
        assert!(before.is_none(), "twice: {line}");
    }
    table
});

fn name(operation: &Operation) -> String {
    format!("{} {}", operation.method(), operation.path())
}

fn declared(operation: &Operation) -> (String, String) {
    let access = match operation.access() {
        Access::Public => "anybody",
        Access::Bearer => "token",
        Access::Administrator => "admin",
        Access::Superuser => "superuser",
        Access::OptionalBearer => "token?",
        Access::TokenOrCredentials => "token|password",
        Access::RefreshToken => "refresh-token",
        Access::Cookie => "cookie",
        Access::BearerOrKey(scope) => return (format!("token|{scope}"), limit_of(operation)),
        Access::ServiceKey(scope) => return (scope.to_string(), limit_of(operation)),
    };
    (access.to_owned(), limit_of(operation))
}

fn limit_of(operation: &Operation) -> String {
    let limit = match operation.quota() {
        Limit::General => "general",
        Limit::Login => "login",
        Limit::PasswordReset => "reset",
        Limit::Default => "default",
        Limit::ApiKey => "key",
        Limit::Exempt => "none",
    };
    limit.to_owned()
}

/// The table's line for an operation.
fn line(operation: &Operation) -> &'static Line {
    TABLE.get(&name(operation)).unwrap_or_else(|| {
        let (access, limit) = declared(operation);
        panic!("protections.txt lacks: {}  {access}  {limit}  (and what cookies do)", name(operation))
    })
}

fn request(operation: &Operation) -> TestRequest {
    let request = TestRequest::default()
        .method(operation.method().clone())
        .uri(&operation.path().replace(['{', '}'], "1"));
    match operation.access() {
        // Services send forms, and what is no form is refused before anybody is asked for.
        Access::ServiceKey(_) => request.insert_header(("content-type", "application/x-www-form-urlencoded")),
        _ => request,
    }
}

/// A request whose cookies name somebody.
fn by_cookie(operation: &Operation) -> TestRequest {
    request(operation).insert_header(("cookie", "access=good; refresh=rt_good"))
}

#[test]
fn the_table_has_every_route_and_no_other() {
    let toy = Toy::whole_server(|_| {});
    let routed: Vec<String> = toy.api.operations().iter().map(name).collect();
    for operation in toy.api.operations() {
        let Line { access, limit, cookies } = line(operation).clone();
        assert_eq!((access, limit), declared(operation), "{}", name(operation));
        let guarded = cookies.split(',').any(|word| word == "csrf");
        assert_eq!(guarded, operation.demands_csrf(), "{}: {cookies}", name(operation));
        let read = cookies != "-" && cookies != "asks";
        assert_eq!(read, operation.access().takes_cookies(), "{}: {cookies}", name(operation));
    }
    for written in TABLE.keys() {
        assert!(routed.contains(written), "protections.txt has {written}, and the server does not");
    }
}

#[actix_web::test]
async fn nobody_gets_in_without_what_the_table_asks_for() {
    let toy = Toy::whole_server(|_| {});
    for operation in toy.api.operations() {
        let answer = toy.send(request(operation)).await;
        let access = line(operation).access.as_str();
        // Names of scopes have a colon.
        let closed = ["token", "admin", "superuser", "token|password", "cookie"].contains(&access)
            || access.contains(':');
        assert_eq!(answer.status == 401, closed, "{}: {}", name(operation), answer.text);
        if closed {
            assert_eq!(answer.detail(), "Not authenticated", "{}", name(operation));
        }
    }
}

/// AZ-01: who lacks a power is turned away from each route that takes it, before anything else is looked at, and
/// that is noted.
#[actix_web::test]
async fn nobody_gets_in_without_the_power_the_table_asks_for() {
    let toy = Toy::whole_server(|_| {});
    let mut closed = 0;
    for operation in toy.api.operations() {
        let name = name(operation);
        let access = line(operation).access.as_str();
        for (token, turned_away) in [
            ("plain", ["admin", "superuser"].contains(&access)),
            ("admin", access == "superuser"),
            ("good", false),
        ] {
            let bearer = ("authorization", format!("Bearer {token}"));
            let answer = toy.send(request(operation).insert_header(bearer)).await;
            assert_eq!(answer.status == 403, turned_away, "{token}, {name}: {}", answer.text);
            let noted = if turned_away { vec![name.clone()] } else { Vec::new() };
            assert_eq!(toy.admission.refusals(), noted, "{token}, {name}");
            if turned_away {
                assert_eq!(answer.detail(), "The user doesn't have enough privileges", "{name}");
                closed += 1;
            }
        }
    }
    assert!(closed > 20, "{closed}");
}

#[actix_web::test]
async fn no_cookie_alone_changes_anything() {
    let toy = Toy::whole_server(|_| {});
    for operation in toy.api.operations().iter().filter(|operation| line(operation).access != "anybody") {
        if line(operation).cookies == "-" {
            let answer = toy.send(by_cookie(operation)).await;
            assert_eq!(answer.status, 401, "{}: no cookie is looked at", name(operation));
            continue;
        }
        let name = name(operation);
        let answer = toy.send(by_cookie(operation)).await;
        let guarded = line(operation).cookies.contains("csrf");
        assert_eq!(answer.status == 403, guarded, "{name}: {}", answer.text);
        assert_ne!(answer.status, 401, "{name}");
        if guarded {
            assert_eq!(answer.json()["code"], "csrf_failed", "{name}");
            assert_eq!(toy.csrf.denials(), [(CsrfFlaw::Origin, Some(1), name.clone())]);
            let no_token = by_cookie(operation).insert_header(("sec-fetch-site", "same-origin"));
            assert_eq!(toy.send(no_token).await.status, 403, "{name}");
            assert_eq!(toy.csrf.denials(), [(CsrfFlaw::Token, Some(1), name.clone())]);
        }
        let proved = by_cookie(operation)
            .insert_header(("sec-fetch-site", "same-origin"))
            .insert_header(("x-csrf-token", ToyCsrf::token(1)));
        let answer = toy.send(proved).await;
        assert!(![401, 403].contains(&answer.status), "{name}: {}", answer.text);
        assert_eq!(toy.csrf.denials(), [], "{name}");
    }
}

#[actix_web::test]
async fn a_foreign_page_is_given_no_cookies() {
    let toy = Toy::whole_server(|_| {});
    let asking = json!({ "session": "cookie", "email": "ada@example.com", "password": "x" });
    for operation in toy.api.operations() {
        let name = name(operation);
        let request = match line(operation).access.as_str() {
            "token" | "admin" | "superuser" => {
                request(operation).insert_header(("authorization", "Bearer good"))
            }
            _ => request(operation),
        };
        let answer = toy.send(request.set_json(&asking)).await;
        let asks = line(operation).cookies.contains("asks");
        let refused = answer.status == 403 && answer.json()["code"] == "csrf_failed";
        assert_eq!(refused, asks, "{name}: {} {}", answer.status, answer.text);
        assert!(!answer.headers.contains_key("set-cookie"), "{name}");
    }
}

/// CB-13: a path answers the methods of the table, and to every other it names those.
#[actix_web::test]
async fn every_other_method_is_refused_with_those_there_are() {
    let toy = Toy::whole_server(|_| {});
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for operation in toy.api.operations() {
        paths.entry(operation.path()).or_default().push(operation.method().as_str());
    }
    for (path, methods) in paths {
        let others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"];
        for other in others.into_iter().filter(|other| !methods.contains(other)) {
            let method = Method::from_bytes(other.as_bytes()).unwrap();
            let request = TestRequest::default().method(method).uri(&path.replace(['{', '}'], "1"));
            let answer = toy.send(request.insert_header(("authorization", "Bearer good"))).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, &*methods.join(", ")),
                "{other} {path}"
            );
        }
    }
}

/// CB-05, as far as a method can say it: nothing that changes something answers to `GET`.
#[test]
fn what_is_read_is_read_by_get() {
    let toy = Toy::whole_server(|_| {});
    for operation in toy.api.operations().iter().filter(|operation| operation.access().takes_cookies()) {
        assert_eq!(line(operation).cookies == "reads", operation.method() == "GET", "{}", name(operation));
    }
}
