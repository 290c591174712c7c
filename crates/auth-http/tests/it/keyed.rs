//! Calls of programs: an API key in place of a token, for what its scopes allow.

use actix_web::{test::TestRequest, web::Json};
use auth_http::{
    Limit, Operation,
    body::{BodyKind, Fields, FromBody, NoBody, Refused},
    extract::{Permitted, ProfileRead, Service, TokensIntrospect},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::toy::{Answer, Toy, get, post};

/// A form with a secret in it.
#[derive(ToSchema)]
struct Form {
    #[schema(value_type = String)]
    token: SecretString,
    word: Option<String>,
}

impl FromBody for Form {
    const KIND: BodyKind = BodyKind::Form;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let token = fields.secret("token");
        let word = fields.optional_text("word");
        Ok(Self { token: token?, word: word? })
    }
}

async fn mine(request: Permitted<ProfileRead, NoBody>) -> Json<Value> {
    Json(json!({ "user": request.user.id.as_i64() }))
}

async fn form(request: Service<TokensIntrospect, Form>) -> Json<Value> {
    let length = request.body.token.expose_secret().len();
    Json(json!({ "key": request.key.id.as_i64(), "length": length, "word": request.body.word }))
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/toy/mine", mine).answers_any(200, "Whose key or token it is"),
        Operation::post("/toy/form", form).limit(Limit::ApiKey).answers_any(200, "What the form says"),
    ]
}

async fn mine_with(headers: &[(&'static str, &'static str)]) -> Answer {
    let request = headers.iter().fold(get("/toy/mine"), |request, header| request.append_header(*header));
    Toy::new().send(request).await
}

fn of_service(body: &'static str) -> TestRequest {
    post("/toy/form")
        .insert_header(("x-api-key", "ak_service"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(body)
}

#[actix_web::test]
async fn a_key_or_a_token_and_not_both() {
    for headers in [
        [("x-api-key", "ak_good")],
        [("authorization", "Bearer ak_good")],
        [("authorization", "Bearer good")],
        [("cookie", "access=good")],
    ] {
        let answer = mine_with(&headers).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "user": 7 })), "{headers:?}");
    }
    // A cookie comes by itself; the key is what the caller means.
    assert_eq!(mine_with(&[("x-api-key", "ak_bad"), ("cookie", "access=good")]).await.status, 401);
    for headers in [
        [("x-api-key", "ak_good"), ("authorization", "Bearer good")],
        [("x-api-key", "ak_good"), ("x-api-key", "ak_good")],
    ] {
        let answer = mine_with(&headers).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("ambiguous_credentials")));
    }
}

#[actix_web::test]
async fn a_bad_key_is_one_refusal_and_a_narrow_one_another() {
    for key in ["", "ak_old", "ak_bad", "no key at all", "\u{e9}"] {
        let answer = mine_with(&[("x-api-key", key)]).await;
        assert_eq!((answer.status, &answer.json()["detail"]), (401, &json!("Invalid API key")), "{key}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{key}");
    }
    let answer = mine_with(&[("x-api-key", "ak_service")]).await;
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("insufficient_scope")));
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"profile:read\"";
    assert_eq!(answer.header("www-authenticate"), challenge);
}

/// AZ-08: a key opens nothing that does not say so.
#[actix_web::test]
async fn other_routes_look_at_no_key() {
    let toy = Toy::whole_server(|_| {});
    let mut closed = 0;
    for operation in toy.api.operations() {
        use auth_http::operation::Access;
        if !matches!(operation.access(), Access::Bearer | Access::TokenOrCredentials | Access::Cookie) {
            continue;
        }
        for (name, value) in [("x-api-key", "ak_good"), ("authorization", "Bearer ak_good")] {
            let request = TestRequest::default()
                .method(operation.method().clone())
                .uri(&operation.path().replace(['{', '}'], "1"))
                .insert_header((name, value));
            let answer = toy.send(request).await;
            assert_eq!(answer.status, 401, "{} {}", operation.method(), operation.path());
        }
        closed += 1;
    }
    assert!(closed > 30, "only {closed} routes were tried");
}

#[actix_web::test]
async fn a_form_is_read_as_strictly_as_json() {
    let toy = Toy::new();
    let answer = toy.send(of_service("token=a%2Bb&word=x+y&other=1")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "key": 2, "length": 3, "word": "x y" })));
    for (body, kind) in [("", "missing"), ("token=1&token=2", "form_invalid"), ("token=%zz", "form_invalid")]
    {
        let answer = toy.send(of_service(body)).await;
        assert_eq!((answer.status, &answer.detail()[0]["type"]), (422, &json!(kind)), "{body}");
        assert!(!answer.text.contains("zz"), "{}", answer.text);
    }
    for media_type in ["application/json", "text/plain", "multipart/form-data", ""] {
        let request = of_service("token=1").insert_header(("content-type", media_type));
        assert_eq!(toy.send(request).await.status, 415, "{media_type}");
    }
    let twice = of_service("token=1").append_header(("content-type", "application/x-www-form-urlencoded"));
    assert_eq!(toy.send(twice).await.status, 415);
    let long = post("/toy/form")
        .insert_header(("x-api-key", "ak_service"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload("a".repeat(64 * 1024 + 1));
    assert_eq!(toy.send(long).await.status, 413);
}

#[actix_web::test]
async fn calls_count_for_the_key_wherever_they_come_from() {
    let toy = Toy::with(|settings| settings.quotas.api_key.limit = 5);
    let call = |peer: u8| of_service("token=1").peer_addr(([192, 0, 2, peer], 1).into());
    for peer in 0..5 {
        assert_eq!(toy.send(call(peer)).await.status, 200, "{peer}");
    }
    let answer = toy.send(call(9)).await;
    assert_eq!((answer.status, answer.detail()), (429, "5 per 1 minute".into()));
    // Another key is not concerned, and neither is a person.
    let other = get("/toy/mine").insert_header(("x-api-key", "ak_good"));
    assert_eq!(toy.send(other).await.status, 200);
}
