//! What operations about second factors need: credentials in the place of a token, codes and telephone
//! numbers, a refusal that says how to go on.

use actix_web::{test::TestRequest, web::Json};
use auth_domain::user::PhoneNumber;
use auth_http::{
    Limit, Operation,
    body::{Fields, FromBody, NoBody, Refused},
    extract::{Open, SignedOr},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::toy::{Optional, Toy, get, post};

const EITHER: &str = "/toy/either";
const PHONE: &str = "/toy/phone";

/// A number, and the code that came there.
#[derive(ToSchema)]
struct Phone {
    #[schema(value_type = String)]
    number: PhoneNumber,
    #[schema(value_type = String)]
    code: SecretString,
}

impl FromBody for Phone {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let number = fields.phone("number");
        let code = fields.code("code");
        Ok(Self { number: number?, code: code? })
    }
}

/// What a client may do next.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes an answer")]
struct Next {
    token: String,
}

async fn either(request: SignedOr<NoBody, Optional>) -> Json<Value> {
    Json(match request {
        SignedOr::Signed(request) => json!(request.caller.user.id.as_i64()),
        SignedOr::Credentials(request) => json!(request.body.word),
    })
}

async fn phone(request: Open<Phone>) -> Json<Value> {
    let Phone { number, code } = request.body;
    Json(json!([number.as_str(), code.expose_secret()]))
}

/// The operations of the toy that this file is about.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(EITHER, either).limit(Limit::PasswordReset).answers_any(200, "Who called"),
        Operation::post(PHONE, phone).answers_any(200, "What was read").challenges::<Next>(
            400,
            "Go on",
            &[("X-Next", "Where")],
        ),
    ]
}

fn asking(authorization: &'static str, body: &'static str) -> TestRequest {
    let request = post(EITHER).set_payload(body);
    if authorization.is_empty() { request } else { request.insert_header(("authorization", authorization)) }
}

#[actix_web::test]
async fn a_token_or_credentials_and_nothing_less() {
    let both = r#"{"email": "x", "password": null, "word": "hello"}"#;
    let table = [
        ("Bearer good", "", 200, json!(7)),
        ("Bearer good", both, 200, json!(7)),
        // A token that is refused is not made up for.
        ("Bearer rubbish", both, 401, json!("Could not validate credentials")),
        ("Bearer", both, 401, json!("Could not validate credentials")),
        ("", both, 200, json!("hello")),
        ("Basic eDp5", both, 200, json!("hello")),
        ("", r#"{"email": "x"}"#, 401, json!("Not authenticated")),
        ("", r#"{"password": "x"}"#, 401, json!("Not authenticated")),
        ("", "{}", 401, json!("Not authenticated")),
        ("", "", 401, json!("Not authenticated")),
    ];
    for (authorization, body, status, said) in table {
        let answer = Toy::new().send(asking(authorization, body)).await;
        let shown = if status == 200 { answer.json() } else { answer.detail() };
        assert_eq!((answer.status, shown), (status, said), "{authorization:?} {body}");
    }
    let broken = Toy::new().send(asking("", r#"{"email":"#)).await;
    assert_eq!((broken.status, &broken.detail()[0]["type"]), (422, &json!("json_invalid")));
}

#[actix_web::test]
async fn without_either_the_limit_is_not_used_up() {
    let toy = Toy::new();
    for _ in 0..10 {
        assert_eq!(toy.send(asking("", "{}")).await.status, 401);
    }
    for _ in 0..3 {
        assert_eq!(toy.send(asking("Bearer good", "")).await.status, 200);
    }
    assert_eq!(toy.send(asking("Bearer good", "")).await.status, 429);
}

#[actix_web::test]
async fn numbers_are_of_the_country_of_the_installation() {
    for (region, typed, read) in [
        ("US", "(212) 555-0123", Some("+12125550123")),
        ("US", "+49 171 1234567", Some("+491711234567")),
        ("DE", "0171 1234567", Some("+491711234567")),
        ("DE", "+1 212 555 0123", Some("+12125550123")),
        ("US", "555-0123", None),
        ("DE", "0171 12345678901234", None),
    ] {
        let toy = Toy::with(|settings| settings.phone_region = region.to_owned());
        let body = json!({ "number": typed, "code": "012345" });
        let answer = toy.send(post(PHONE).set_json(&body)).await;
        match read {
            Some(read) => assert_eq!(answer.json(), json!([read, "012345"]), "{region} {typed}"),
            None => assert_eq!(answer.detail()[0]["input"], typed, "{region} {typed}"),
        }
    }
}

#[actix_web::test]
async fn numbers_and_codes_are_refused_in_known_words() {
    let error = |kind: &str, field: &str, msg: &str, ctx: Value| json!({ "type": kind, "loc": ["body", field], "msg": msg, "ctx": ctx });
    let number = "Value error, Phone number must be between 10 and 15 digits";
    let mut no_number = error("value_error", "number", number, json!({ "error": {} }));
    no_number["input"] = json!("9".repeat(100));
    let short = "String should have at least 6 characters";
    let long = "String should have at most 6 characters";
    let digits = "Value error, MFA code must contain only digits";
    for (typed, code, errors) in [
        ("9".repeat(1_000), "123456", json!([no_number])),
        (
            "2125550123".to_owned(),
            "12345",
            json!([error("string_too_short", "code", short, json!({"min_length": 6}))]),
        ),
        (
            "2125550123".to_owned(),
            "1234567",
            json!([error("string_too_long", "code", long, json!({"max_length": 6}))]),
        ),
        (
            "2125550123".to_owned(),
            "s3cret",
            json!([error("value_error", "code", digits, json!({"error": {}}))]),
        ),
        // Six characters, and eighteen bytes.
        (
            "2125550123".to_owned(),
            "１２３４５６",
            json!([error("value_error", "code", digits, json!({"error": {}}))]),
        ),
    ] {
        let answer = Toy::new().send(post(PHONE).set_json(json!({ "number": typed, "code": code }))).await;
        assert_eq!((answer.status, answer.detail()), (422, errors), "{typed} {code}");
        assert!(!answer.text.contains(code), "{}", answer.text);
    }
}

#[actix_web::test]
async fn the_document_says_how_to_go_on_and_who_may_call() {
    let document = Toy::new().send(get("/openapi.json")).await.json();
    let refused = &document["paths"][PHONE]["post"]["responses"]["400"];
    let schemas = &refused["content"]["application/json"]["schema"]["anyOf"];
    assert_eq!(schemas[0]["$ref"], "#/components/schemas/Error");
    assert_eq!(schemas[1]["$ref"], "#/components/schemas/Next");
    assert_eq!(refused["headers"]["X-Next"]["description"], "Where");
    let either = &document["paths"][EITHER]["post"];
    let by_cookie = json!({ "cookie": [], "csrf": [] });
    assert_eq!(either["security"], json!([{}, { "bearer": [] }, by_cookie]));
    assert!(either["responses"].get("401").is_some(), "{either}");
}
