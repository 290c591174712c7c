//! Bodies: what is taken from the wire, and what is said about each field.

use actix_web::{error::PayloadError, web::Bytes};
use futures_util::stream;
use serde_json::{Value, json};

use crate::toy::{Toy, get, good, post};

const EVERYTHING: &str = "/toy/everything";

/// The list of errors that a body gets.
async fn errors(body: &Value) -> Value {
    let answer = Toy::new().send(post(EVERYTHING).set_json(body)).await;
    assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    assert_eq!(answer.json()["code"], "validation_error");
    answer.detail()
}

fn with(name: &str, value: Value) -> Value {
    let mut body = good();
    body[name] = value;
    body
}

#[actix_web::test]
async fn a_good_body_is_read_whatever_it_calls_itself() {
    let toy = Toy::new();
    for content_type in ["", "application/json", "application/json; charset=utf-8", "application/vnd.x+json"]
    {
        let mut request = post(EVERYTHING).set_payload(good().to_string());
        if !content_type.is_empty() {
            request = request.insert_header(("content-type", content_type));
        }
        let answer = toy.send(request).await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.text);
        assert_eq!(answer.json(), json!({ "email": "ada@example.com", "full_name": null, "flag": false }));
    }
}

#[actix_web::test]
async fn unknown_fields_are_ignored_and_names_keep_their_letters() {
    let body = with("full_name", json!("Žofie <b>"));
    let body = {
        let mut body = body;
        body["device_fingerprint"] = json!([1, {}]);
        body
    };
    let answer = Toy::new().send(post(EVERYTHING).set_json(body)).await;
    assert_eq!(answer.json()["full_name"], "Žofie <b>");
}

#[actix_web::test]
async fn each_refusal_has_the_words_clients_know() {
    let rule = |text: &str| {
        json!({ "type": "value_error", "loc": ["body", "password"],
        "msg": format!("Value error, {text}"), "ctx": { "error": {} } })
    };
    let email = |typed: &str, reason: &str| {
        json!({ "type": "value_error", "loc": ["body", "email"],
        "msg": format!("value is not a valid email address: {reason}"), "input": typed, "ctx": { "reason": reason } })
    };
    let table = [
        (with("email", json!("ada")), email("ada", "An email address must have an @-sign.")),
        (
            with("email", json!(5)),
            json!({ "type": "string_type", "loc": ["body", "email"], "msg": "Input should be a valid string", "input": 5 }),
        ),
        (
            with("email", Value::Null),
            json!({ "type": "string_type", "loc": ["body", "email"], "msg": "Input should be a valid string", "input": null }),
        ),
        (
            with("password", json!("Ab1!")),
            json!({ "type": "string_too_short", "loc": ["body", "password"],
                "msg": "String should have at least 9 characters", "ctx": { "min_length": 9 } }),
        ),
        (
            with("password", json!("a B".repeat(200))),
            json!({ "type": "string_too_long", "loc": ["body", "password"],
                "msg": "String should have at most 256 characters", "ctx": { "max_length": 256 } }),
        ),
        (with("password", json!("VQ7#MLW2X")), rule("Password must contain at least one lowercase letter")),
        (with("password", json!("vq7#mlw2x")), rule("Password must contain at least one uppercase letter")),
        (with("password", json!("VqX#mLwyx")), rule("Password must contain at least one digit")),
        (with("password", json!("Vq7_mLw-x")), rule("Password must contain at least one special character")),
        (with("password", json!("Password1!")), rule("Password is too common")),
        (
            with("password", json!({ "a": 1 })),
            json!({ "type": "string_type", "loc": ["body", "password"], "msg": "Input should be a valid string" }),
        ),
        (
            with("full_name", json!("n".repeat(256))),
            json!({ "type": "string_too_long", "loc": ["body", "full_name"],
                "msg": "String should have at most 255 characters", "input": "n".repeat(100), "ctx": { "max_length": 255 } }),
        ),
        (
            with("full_name", json!("a\0b")),
            json!({ "type": "value_error", "loc": ["body", "full_name"],
                "msg": "Value error, Text must not contain NUL characters", "input": "a\0b", "ctx": { "error": {} } }),
        ),
        (
            with("flag", json!("perhaps")),
            json!({ "type": "bool_parsing", "loc": ["body", "flag"],
                "msg": "Input should be a valid boolean, unable to interpret input", "input": "perhaps" }),
        ),
        (
            with("flag", json!([])),
            json!({ "type": "bool_type", "loc": ["body", "flag"], "msg": "Input should be a valid boolean", "input": [] }),
        ),
    ];
    for (body, error) in table {
        assert_eq!(errors(&body).await, json!([error]), "{body}");
    }
}

#[actix_web::test]
async fn flags_take_the_lax_forms() {
    let toy = Toy::new();
    let table = [
        (json!(true), true),
        (json!(1), true),
        (json!("yes"), true),
        (json!("TRUE"), true),
        (json!("on"), true),
        (json!(false), false),
        (json!(0), false),
        (json!("no"), false),
        (json!("Off"), false),
    ];
    for (value, flag) in table {
        let answer = toy.send(post("/toy/everything").set_json(with("flag", value.clone()))).await;
        // The limit is ten a minute; nine forms fit.
        assert_eq!(answer.json()["flag"], flag, "{value}");
    }
}

#[actix_web::test]
async fn all_errors_come_at_once_in_the_order_of_the_fields() {
    let body = json!({ "flag": "x", "full_name": 1, "email": "a@b" });
    let found = errors(&body).await;
    let fields: Vec<&str> = found.as_array().unwrap().iter().map(|e| e["loc"][1].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "password", "full_name", "flag"]);
    assert_eq!(found[1]["type"], "missing");
    assert_eq!(found[1]["input"], body, "the whole object, as it holds no secret");
}

#[actix_web::test]
async fn a_missing_body_is_a_missing_field() {
    let missing = json!([{ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null }]);
    for text in ["", "null"] {
        let answer = Toy::new().send(post(EVERYTHING).set_payload(text)).await;
        assert_eq!((answer.status, answer.detail()), (422, missing.clone()), "{text:?}");
    }
    let found = errors(&json!({})).await;
    assert_eq!(
        found[0],
        json!({ "type": "missing", "loc": ["body", "email"], "msg": "Field required", "input": {} })
    );
}

#[actix_web::test]
async fn what_is_no_object_is_told_so() {
    let model = "Input should be a valid dictionary or object to extract fields from";
    let free = "Input should be a valid dictionary";
    let table = [
        (EVERYTHING, json!([1, 2]), "model_attributes_type", model),
        (EVERYTHING, json!("text"), "model_attributes_type", model),
        ("/toy/perhaps", json!(5), "model_attributes_type", model),
        ("/toy/free", json!([]), "dict_type", free),
    ];
    for (path, body, kind, msg) in table {
        let answer = Toy::new().send(post(path).set_json(&body)).await;
        let error = json!([{ "type": kind, "loc": ["body"], "msg": msg, "input": body }]);
        assert_eq!((answer.status, answer.detail()), (422, error), "{path} {body}");
    }
}

#[actix_web::test]
async fn a_body_may_be_left_out_where_that_makes_sense() {
    let toy = Toy::new();
    for text in ["", "null", "{}", r#"{"word":null}"#] {
        let answer = toy.send(post("/toy/perhaps").set_payload(text)).await;
        assert_eq!(answer.json(), json!({ "who": "nobody", "word": null }), "{text:?}");
    }
    let answer = toy.send(post("/toy/free").set_json(json!({ "any": ["thing"] }))).await;
    assert_eq!(answer.json(), json!({ "any": ["thing"] }));
}

#[actix_web::test]
async fn text_that_is_no_json_is_told_where() {
    let table: [(&[u8], u64, &str); 5] = [
        (b"{\"email\":}", 9, "Expecting value"),
        (b"{\"email\":\"a\",\"email\":\"b\"}", 19, "Duplicate object key"),
        (b"\"\\ud800\"", 7, "Invalid \\uXXXX escape"),
        (b"{\"email\":\"\xff\"}", 10, "Invalid UTF-8"),
        (b"{} {}", 3, "Extra data"),
    ];
    for (text, position, message) in table {
        let answer = Toy::new().send(post(EVERYTHING).set_payload(text)).await;
        let error = json!([{ "type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error",
            "input": {}, "ctx": { "error": message } }]);
        assert_eq!((answer.status, answer.detail()), (422, error), "{:?}", String::from_utf8_lossy(text));
    }
    for text in ["[".repeat(60_000), "{\"a\":".repeat(10_000)] {
        assert_eq!(Toy::new().send(post(EVERYTHING).set_payload(text)).await.status, 422);
    }
}

#[actix_web::test]
async fn secrets_are_never_echoed() {
    let needle = "S3cret-needle";
    let bodies = [
        json!({ "password": needle, "email": { "password": needle } }),
        json!({ "password": [needle], "refresh_token": needle, "totp_code": needle, "new_password": needle }),
        json!([{ "token": needle }]),
        json!({ "token": [needle], "email": "ada" }),
    ];
    for path in [EVERYTHING, "/toy/secret"] {
        for body in &bodies {
            let answer = Toy::new().send(post(path).set_json(body)).await;
            assert_eq!(answer.status, 422, "{path} {body}");
            assert!(!answer.text.contains(needle), "{path} {body}: {}", answer.text);
        }
    }
}

#[actix_web::test]
async fn other_media_types_and_encodings_are_refused() {
    let table = [
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "multipart/form-data; boundary=x", 415),
        ("content-type", "text/plain", 415),
        ("content-type", "application/jsonp", 415),
        ("content-encoding", "gzip", 415),
        ("content-encoding", "identity", 200),
    ];
    for (name, value, status) in table {
        let request = post(EVERYTHING).insert_header((name, value)).set_payload(good().to_string());
        let answer = Toy::new().send(request).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 415 {
            assert_eq!(answer.json()["code"], "unsupported_media_type");
        }
    }
}

#[actix_web::test]
async fn long_bodies_are_refused_announced_or_not() {
    let toy = Toy::new();
    let padded = |length: usize| {
        let text = good().to_string();
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    assert_eq!(toy.send(post(EVERYTHING).set_payload(padded(65_536))).await.status, 200);
    let announced = toy.send(post(EVERYTHING).insert_header(("content-length", "65537"))).await;
    assert_eq!((announced.status, announced.json()["code"].as_str()), (413, Some("body_too_large")));
    // Without a length the body is refused at the byte that is too much; the rest is never asked for.
    let endless = stream::repeat_with(|| Ok::<_, PayloadError>(Bytes::from(vec![b' '; 1000])));
    let answer = toy.send_stream(post(EVERYTHING), endless).await;
    assert_eq!(answer.status, 413);
}

#[actix_web::test]
async fn bodies_that_stop_or_break_do_not_hold_the_connection() {
    let toy = Toy::new();
    let silent = stream::pending();
    let answer = toy.send_stream(post(EVERYTHING), silent).await;
    assert_eq!((answer.status, answer.detail()), (408, json!("Request Timeout")));
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(PayloadError::Incomplete(None))]);
    let answer = toy.send_stream(post(EVERYTHING), broken).await;
    assert_eq!(answer.status, 400);
}

#[actix_web::test]
async fn parameters_are_validated_like_fields() {
    let toy = Toy::new();
    let found = toy.send(get("/toy/things/12?page=a&x=1")).await;
    assert_eq!(found.json(), json!({ "thing": 12, "page": "a" }));
    assert_eq!(toy.send(get("/toy/things/1.0")).await.json()["thing"], 1);
    let integer = "Input should be a valid integer, unable to parse string as an integer";
    for text in ["abc", "9223372036854775808", "1e3", "-"] {
        let answer = toy.send(get(&format!("/toy/things/{text}"))).await;
        let error =
            json!([{ "type": "int_parsing", "loc": ["path", "thing_id"], "msg": integer, "input": text }]);
        assert_eq!((answer.status, answer.detail()), (422, error));
    }
    assert_eq!(toy.send(get("/toy/things/1?page=a&page=b")).await.status, 422);
}
