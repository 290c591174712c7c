//! What the server tells services about tokens (RFC 7662).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Server, introspect, make_key, send, text, with_key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_learns_what_a_live_token_says_and_nothing_of_others() {
    let server = Server::start(&[("TENANTS", "default,acme")]);
    let api = server.api();
    let admin = server.administrator("ada@example.com").await;
    let made = make_key(&api, &admin, "service", &["tokens:introspect"]).await;
    let key = text(&made);
    let eve = api.signed_in("eve@example.com").await;
    let known = introspect(&api, key, &eve.access).await.expect(StatusCode::OK).body;
    let me = api.get("/api/auth/me", &eve.access).await.body;
    assert_eq!(known["active"], true, "{known}");
    assert_eq!(known["sub"], me["id"].to_string());
    assert_eq!((&known["username"], &known["tenant_id"]), (&json!("eve@example.com"), &json!("default")));
    assert_eq!((&known["token_type"], &known["roles"]), (&json!("Bearer"), &json!([])));
    assert_eq!((&known["iss"], &known["aud"]), (&json!(api.base()), &json!("auth")));
    let (issued, expires) = (known["iat"].as_i64().expect("iat"), known["exp"].as_i64().expect("exp"));
    assert_eq!(expires - issued, 30 * 60);
    assert!(known["jti"].is_string() && known["sid"].is_i64(), "{known}");
    let roles = introspect(&api, key, &admin.access).await.body["roles"].clone();
    assert_eq!(roles, json!(["application_admin"]));

    // Refresh tokens, keys, garbage, and tokens of sessions that have ended: one answer.
    let nothing = json!({ "active": false });
    api.post("/api/auth/logout", &json!({ "refresh_token": eve.refresh })).await.expect(StatusCode::OK);
    let changed = format!("{}A", &admin.access[..admin.access.len() - 1]);
    for other in [&eve.access, &admin.refresh, key, "x", "a.b.c", &changed] {
        assert_eq!(introspect(&api, key, other).await.expect(StatusCode::OK).body, nothing, "{other}");
    }

    // Who asks must be a service, of this tenant, and send a form.
    let form = || {
        api.request(Method::POST, "/api/auth/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={}", admin.access))
    };
    let anonymous = send(form()).await;
    anonymous.refused(401, "Not authenticated");
    assert_eq!(anonymous.headers["www-authenticate"], "Bearer");
    send(form().bearer_auth(&admin.access)).await.refused(401, "Not authenticated");
    send(form().bearer_auth(key)).await.expect(StatusCode::OK);
    send(form().header("X-API-Key", key).header("X-Tenant-ID", "acme")).await.refused(401, "Invalid API key");
    let json_body = api.request(Method::POST, "/api/auth/introspect").header("X-API-Key", key);
    assert_eq!(send(json_body.json(&json!({ "token": admin.access }))).await.status, 415);
    with_key(&api, Method::GET, "/api/auth/me", key)
        .await
        .refused(403, "The API key lacks the scope profile:read");

    // An administrator sees the keys of services and can revoke them.
    let keys = api.get("/api/auth/api-keys?kind=service", &admin.access).await.expect(StatusCode::OK).body;
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    let mine: Value = api.get("/api/auth/api-keys", &admin.access).await.body;
    assert_eq!(mine, json!([]));
    let path = format!("/api/auth/api-keys/{}", made["id"]);
    api.send(Method::DELETE, &path, &admin.access, None).await.message("API key revoked");
    introspect(&api, key, &admin.access).await.refused(401, "Invalid API key");
}
