//! The headers of every answer of every route, also of those that no handler made.

use actix_web::{
    http::{Method, header::HeaderMap},
    rt,
    test::TestRequest,
};
use auth_http::{ConnectionLimits, Operation};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::toy::{Toy, get, services};

/// On every answer.
const ALWAYS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    ("x-robots-tag", "noindex, nofollow"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
];

/// The policy of everything that is no page.
const BARE: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What the policy of a page must say beside that.
const PAGE: [&str; 4] =
    ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"];

/// What may be kept, and for how long.
const CACHED: [(&str, &str); 3] = [
    ("/.well-known/jwks.json", "public, max-age=300"),
    ("/openapi.json", "public, max-age=300"),
    ("/docs/", "public, max-age=3600"),
];

/// Asserts everything that can be said of an answer from `path`.
fn check(what: &str, path: &str, status: u16, header: impl Fn(&str) -> String) {
    for (name, value) in ALWAYS {
        assert_eq!(header(name), value, "{what}: {name}");
    }
    for absent in ["server", "x-powered-by"] {
        assert_eq!(header(absent), "", "{what}: {absent}");
    }
    assert!((8..=64).contains(&header("x-request-id").len()), "{what}");
    let kept = CACHED.iter().find(|(start, _)| status == 200 && path.starts_with(start));
    assert_eq!(header("cache-control"), kept.map_or("no-store", |(_, value)| value), "{what}");
    let open = status == 200 && path == "/.well-known/jwks.json";
    let resource = if open { "cross-origin" } else { "same-origin" };
    assert_eq!(header("cross-origin-resource-policy"), resource, "{what}");
    let (policy, media_type) = (header("content-security-policy"), header("content-type"));
    if media_type.starts_with("text/html") {
        assert_eq!(media_type, "text/html; charset=utf-8", "{what}");
        for part in PAGE {
            assert!(policy.split("; ").any(|said| said == part), "{what}: {part} in {policy}");
        }
        let form = if path == "/docs" { "form-action 'none'" } else { "form-action 'self'" };
        assert!(policy.contains(form), "{what}: {policy}");
        assert!(!policy.contains("unsafe-"), "{what}: {policy}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
        assert_eq!(header("cross-origin-embedder-policy"), "require-corp", "{what}");
    } else {
        assert_eq!(policy, BARE, "{what}");
        assert!(status == 204 || !media_type.is_empty(), "{what}");
    }
    if status >= 400 {
        assert!(media_type == "application/json", "{what}: {media_type}");
    }
}

fn of(headers: &HeaderMap) -> impl Fn(&str) -> String {
    |name| headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// Requests that a route answers in as many ways as it can.
fn every_way(operation: &Operation) -> Vec<(&'static str, TestRequest)> {
    let path = operation.path().replace(['{', '}'], "1").replace("1file1", "start.js");
    let at = |path: &str| TestRequest::default().uri(path).method(operation.method().clone());
    let signed = || at(&path).insert_header(("authorization", "Bearer good"));
    vec![
        ("plain", at(&path)),
        ("signed", signed()),
        ("by cookie", at(&path).insert_header(("cookie", "__Host-access=good"))),
        ("nowhere", at(&format!("{path}/x/y/z"))),
        ("no such method", get(&path).method(Method::from_bytes(b"BREW").unwrap())),
        ("a preflight of a stranger", {
            let preflight = get(&path).method(Method::OPTIONS).insert_header(("origin", "https://evil.test"));
            preflight.insert_header(("access-control-request-method", "POST"))
        }),
        ("too large", signed().insert_header(("content-length", "99999999"))),
        ("no JSON", signed().insert_header(("content-type", "text/plain")).set_payload("x")),
        ("broken", signed().insert_header(("content-type", "application/json")).set_payload("{")),
        ("empty", signed().insert_header(("content-type", "application/json")).set_payload("{}")),
        ("no such tenant", at(&path).insert_header(("x-tenant-id", "nowhere"))),
    ]
}

#[actix_web::test]
async fn every_answer_of_every_route_is_safe_to_receive() {
    let toy = Toy::whole_server(|settings| settings.production = true);
    let (mut seen, mut pages) = (Vec::new(), 0);
    for operation in toy.api.operations() {
        for (how, request) in every_way(operation) {
            let answer = toy.send(request).await;
            let what = format!("{} {} {how}: {}", operation.method(), operation.path(), answer.status);
            let path = if how == "plain" { operation.path() } else { "" };
            let path = if answer.status == 200 { operation.path() } else { path };
            // A preflight is answered in the text that clients know.
            if how != "a preflight of a stranger" {
                check(&what, path, answer.status, of(&answer.headers));
            }
            seen.push(answer.status);
            pages += usize::from(answer.header("content-type").starts_with("text/html"));
        }
    }
    for status in [200, 400, 401, 403, 404, 405, 413, 415, 422, 503] {
        assert!(seen.contains(&status), "nothing was answered with {status}");
    }
    assert!(pages >= 5, "the pages were looked at: {pages}");
    check_what_does_not_parse(&toy).await;
}

/// Two loads of a page share no nonce.
#[actix_web::test]
async fn a_nonce_is_used_once() {
    let toy = Toy::whole_server(|_| {});
    for path in ["/dev/mailbox", "/verify-email", "/reset-password", "/forgot-password"] {
        let (one, two) = (toy.send(get(path)).await, toy.send(get(path)).await);
        let policy = one.header("content-security-policy").to_owned();
        let (_, nonce) = policy.split_once("style-src 'nonce-").unwrap_or_else(|| panic!("{path}: {policy}"));
        let nonce = nonce.split('\'').next().unwrap();
        assert!(nonce.len() >= 20 && one.text.contains(nonce), "{path}");
        assert!(
            !two.text.contains(nonce) && !two.header("content-security-policy").contains(nonce),
            "{path}"
        );
    }
}

/// What the parser refuses is no request, and its answer carries the same.
async fn check_what_does_not_parse(toy: &Toy) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (address, api) = (listener.local_addr().unwrap(), toy.api.clone());
    let app = move || services(&api);
    let server = auth_http::serve(listener, &ConnectionLimits::default(), &toy.api, app).unwrap();
    let handle = server.handle();
    rt::spawn(server);
    let double = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}";
    for bytes in ["rubbish\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", double] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is how a server closes on a client that still talks.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes}: {answer}");
        let head: Vec<(String, String)> = answer
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let header = |name: &str| {
            head.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| value.clone())
        };
        check(bytes, "", 400, header);
    }
    handle.stop(false).await;
}
