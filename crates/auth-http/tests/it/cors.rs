//! Calls from pages of other origins.

use actix_web::{http::Method, test::TestRequest};

use crate::toy::{Answer, Toy, get};

const GOOD: &str = "https://app.example";

/// Origins that look like the good one and are not.
const BAD: [&str; 7] = [
    "https://app.example.evil.example",
    "https://evilapp.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "https://app.example/",
    "null",
];

fn toy() -> Toy {
    Toy::with(|settings| settings.cors_origins = vec![GOOD.to_owned()])
}

fn preflight(origin: &str, method: &str) -> TestRequest {
    get("/toy/everything")
        .method(Method::OPTIONS)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", method))
        .insert_header(("access-control-request-headers", "authorization,x-tenant-id,x-anything"))
}

fn cors_headers(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[actix_web::test]
async fn a_good_preflight_is_answered_ok() {
    let answer = toy().send(preflight(GOOD, "POST")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "OK"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("access-control-allow-origin"), GOOD);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,x-tenant-id,x-anything");
    assert_eq!(answer.header("access-control-max-age"), "600");
    for method in ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] {
        assert!(answer.header("access-control-allow-methods").contains(method), "{method}");
    }
    assert!(answer.header("vary").starts_with("Origin"));
}

#[actix_web::test]
async fn a_preflight_of_a_stranger_is_refused_without_a_cors_header() {
    for origin in BAD {
        let answer = toy().send(preflight(origin, "POST")).await;
        assert_eq!((answer.status, answer.text.as_str()), (400, "Disallowed CORS origin"), "{origin}");
        assert_eq!(cors_headers(&answer), [""; 0], "{origin}");
        assert!(answer.header("vary").contains("Origin"), "{origin}");
    }
    let answer = toy().send(preflight(GOOD, "BREW")).await;
    assert_eq!((answer.status, answer.text.as_str()), (400, "Disallowed CORS method"));
    assert_eq!(cors_headers(&answer), [""; 0]);
}

#[actix_web::test]
async fn an_options_that_is_no_preflight_is_405() {
    let plain = get("/toy/everything").method(Method::OPTIONS);
    assert_eq!(toy().send(plain).await.status, 405);
    let no_method = get("/toy/everything").method(Method::OPTIONS).insert_header(("origin", GOOD));
    assert_eq!(toy().send(no_method).await.status, 405);
    let no_origin = get("/toy/everything")
        .method(Method::OPTIONS)
        .insert_header(("access-control-request-method", "POST"));
    assert_eq!(toy().send(no_origin).await.status, 405);
}

#[actix_web::test]
async fn answers_and_errors_for_a_known_origin_can_be_read() {
    for path in ["/toy/who", "/nowhere", "/toy/me", "/toy/panic", "/toy/slow"] {
        let answer = toy().send(get(path).insert_header(("origin", GOOD))).await;
        assert_eq!(answer.header("access-control-allow-origin"), GOOD, "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "{path}");
        assert!(answer.header("vary").contains("Origin"), "{path}");
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        let names =
            "x-mfa-type x-mfa-methods x-phone-masked x-email-masked x-error-type x-request-id retry-after";
        for name in names.split(' ') {
            assert!(exposed.contains(name), "{path}: {name} in {exposed}");
        }
    }
}

#[actix_web::test]
async fn answers_for_strangers_and_for_no_origin_carry_nothing() {
    for origin in BAD {
        let answer = toy().send(get("/toy/who").insert_header(("origin", origin))).await;
        assert_eq!((answer.status, cors_headers(&answer).len()), (200, 0), "{origin}");
        assert!(answer.header("vary").contains("Origin"), "{origin}");
    }
    assert_eq!(cors_headers(&toy().send(get("/toy/who")).await), [""; 0]);
    let closed = Toy::new().send(get("/toy/who").insert_header(("origin", GOOD))).await;
    assert_eq!(cors_headers(&closed), [""; 0]);
}
