//! Rate limits: what is counted, by what, and what is said.

use actix_web::test::TestRequest;
use auth_http::settings::Quotas;
use chrono::TimeDelta;

use crate::toy::{Toy, get, good, post};

fn signed() -> TestRequest {
    post("/toy/signed").insert_header(("authorization", "Bearer good")).set_json(good())
}

#[actix_web::test]
async fn the_answer_names_the_limit_and_when_to_return() {
    let toy = Toy::new();
    for _ in 0..5 {
        assert_eq!(toy.send(signed()).await.status, 200);
    }
    let answer = toy.send(signed()).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "60"));
    assert_eq!(answer.detail(), "5 per 1 minute");
    assert_eq!(answer.json()["code"], "rate_limited");
    toy.clock.advance(TimeDelta::seconds(60));
    assert_eq!(toy.send(signed()).await.status, 200, "waiting as long as it says is enough");
}

#[actix_web::test]
async fn what_was_refused_before_is_not_counted() {
    let toy = Toy::new();
    for _ in 0..20 {
        assert_eq!(toy.send(post("/toy/signed").set_json(good())).await.status, 401);
        let invalid = post("/toy/signed").insert_header(("authorization", "Bearer good")).set_payload("{}");
        assert_eq!(toy.send(invalid).await.status, 422);
        let tenant = signed().insert_header(("x-tenant-id", "nowhere"));
        assert_eq!(toy.send(tenant).await.status, 400);
    }
    assert_eq!(toy.send(signed()).await.status, 200);
}

#[actix_web::test]
async fn each_route_has_its_quota() {
    let table = [("/toy/who", 3), ("/toy/things/1", 60), ("/toy/everything", 10)];
    for (path, limit) in table {
        let toy = Toy::new();
        let request = || if path == "/toy/everything" { post(path).set_json(good()) } else { get(path) };
        for call in 0..limit {
            assert_eq!(toy.send(request()).await.status, 200, "{path} {call}");
        }
        let answer = toy.send(request()).await;
        assert_eq!((answer.status, answer.detail()), (429, format!("{limit} per 1 minute").into()), "{path}");
    }
}

#[actix_web::test]
async fn the_key_is_the_address_and_the_route_and_nothing_else() {
    let toy = Toy::new();
    let call = |path: &str, peer: &str, tenant: &'static str| {
        get(path).peer_addr(peer.parse().unwrap()).insert_header(("x-tenant-id", tenant))
    };
    // Neither the path's parameters nor the tenant nor the spelling nor the port make another key.
    for (path, peer, tenant) in [
        ("/toy/things/1", "192.0.2.1:1", "default"),
        ("/toy/things/2", "192.0.2.1:2", "web"),
        ("/toy/things/3/", "[::ffff:192.0.2.1]:3", "default"),
    ] {
        assert_eq!(toy.send(call(path, peer, tenant)).await.status, 200);
    }
    assert_eq!(toy.limiter.admitted("http:GET /toy/things/{thing_id}:192.0.2.1"), 3);
    // One IPv6 client owns a /64.
    for peer in ["[2001:db8::1]:1", "[2001:db8::ffff:2]:1", "[2001:db8:0:1::1]:1"] {
        assert_eq!(toy.send(call("/toy/who", peer, "web")).await.status, 200);
    }
    assert_eq!(toy.limiter.admitted("http:GET /toy/who:2001:db8::/64"), 2);
    assert_eq!(toy.limiter.admitted("http:GET /toy/who:2001:db8:0:1::/64"), 1);
}

#[actix_web::test]
async fn quotas_are_settings() {
    let toy = Toy::with(|settings| settings.quotas = Quotas::per_minute(10, 1, 3));
    assert_eq!(toy.send(signed()).await.status, 200);
    assert_eq!(toy.send(signed()).await.detail(), "1 per 1 minute");
}

#[actix_web::test]
async fn counters_out_of_reach_are_503() {
    let toy = Toy::new();
    toy.limiter.set_broken(true);
    let answer = toy.send(get("/toy/who")).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")));
    assert!(!answer.text.contains("broken"), "{}", answer.text);
}
