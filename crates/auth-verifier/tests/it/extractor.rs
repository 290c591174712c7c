//! The extractor for actix-web.

use actix_web::{App, test, web};
use async_trait::async_trait;
use auth_verifier::{
    Algorithm, Claims, Key, KeySource, KeysUnavailable, Trust, Verifier,
    actix::Authenticated,
    live::{LiveCheck, LiveCheckFailed},
};
use serde_json::{Value, json};

use crate::signer::{Signer, expectations, jwks, with};

/// Keys of a test that may be away.
struct Keys(Option<Vec<Key>>);

#[async_trait]
impl KeySource for Keys {
    async fn key(&self, id: &str) -> Result<Option<Key>, KeysUnavailable> {
        let keys = self.0.as_ref().ok_or(KeysUnavailable)?;
        Ok(keys.iter().find(|key| key.id() == id).cloned())
    }
}

/// Knows of no session.
struct AllRevoked;

#[async_trait]
impl LiveCheck for AllRevoked {
    async fn is_live(&self, _: &str, _: &Claims) -> Result<bool, LiveCheckFailed> {
        Ok(false)
    }
}

async fn hello(caller: Authenticated) -> String {
    caller.claims.user_id.to_string()
}

/// The status, the challenge and the body.
async fn answer(verifier: Option<Verifier>, headers: &[(&str, &str)]) -> (u16, String, Value) {
    let mut app = App::new().route("/hello", web::get().to(hello));
    if let Some(verifier) = verifier {
        app = app.app_data(web::Data::new(verifier));
    }
    let app = test::init_service(app).await;
    let request = headers
        .iter()
        .fold(test::TestRequest::get().uri("/hello"), |request, header| request.append_header(*header));
    let response = test::call_service(&app, request.to_request()).await;
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    (status, challenge.unwrap_or_default(), serde_json::from_slice(&body).unwrap_or_default())
}

/// A token whose times are those of the machine's clock.
fn token(signer: &Signer, tenant: &str) -> String {
    let mut claims = with("tenant_id", json!(tenant));
    #[expect(clippy::disallowed_methods, reason = "the extractor looks at the machine's clock")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (name, offset) in [("iat", 0), ("nbf", 0), ("auth_time", 0), ("exp", 600)] {
        claims[name] = json!(now + offset);
    }
    signer.sign(&signer.header(), &claims)
}

#[actix_web::test]
async fn a_handler_runs_for_a_good_token_and_no_other() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let known = || Key::read_set(jwks(&[&signer]).as_bytes()).ok();
    let verifier = || Some(Verifier::new(expectations(), Trust::keys(Keys(known()))));
    let good = format!("Bearer {}", token(&signer, "default"));
    let foreign = format!("Bearer {}", token(&signer, "acme"));
    assert_eq!(answer(verifier(), &[("authorization", &good)]).await.2, json!(17));

    let (status, challenge, body) = answer(verifier(), &[]).await;
    assert_eq!((status, challenge.as_str()), (401, "Bearer"));
    assert_eq!(body["status"], 401);
    assert_eq!(answer(verifier(), &[("authorization", "Basic YTpi")]).await.1, "Bearer");
    for bad in ["Bearer x", "Bearer ", foreign.as_str()] {
        let (status, challenge, body) = answer(verifier(), &[("authorization", bad)]).await;
        assert_eq!(status, 401, "{bad}");
        let expected = if bad == "Bearer " { "Bearer" } else { "Bearer error=\"invalid_token\"" };
        assert_eq!(challenge, expected, "{bad}");
        assert!(!body.to_string().contains("tenant"), "who sent it does not learn why: {body}");
    }
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(answer(verifier(), &twice).await.0, 400);

    let revoked = verifier().map(|verifier| verifier.with_live_check(AllRevoked));
    assert_eq!(answer(revoked, &[("authorization", &good)]).await.0, 401);
    let away = Verifier::new(expectations(), Trust::keys(Keys(None)));
    let (status, challenge, body) = answer(Some(away), &[("authorization", &good)]).await;
    assert_eq!((status, challenge.as_str()), (503, ""));
    assert_eq!(body["detail"], "The access token cannot be checked at the moment");
    assert_eq!(answer(None, &[("authorization", &good)]).await.0, 500);
}
