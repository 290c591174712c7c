//! The API document and the page that shows it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toy::{Toy, get};

async fn document() -> Value {
    Toy::new().send(get("/openapi.json")).await.json()
}

fn statuses(operation: &Value) -> BTreeSet<&str> {
    operation["responses"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn it_has_every_operation_and_no_other() {
    let toy = Toy::new();
    let document = document().await;
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let verbs = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            verbs.map(move |verb| format!("{} {path}", verb.to_uppercase()))
        })
        .collect();
    let pages = ["GET /docs", "GET /docs/{file}"];
    let routed =
        toy.api.operations().iter().map(|operation| format!("{} {}", operation.method(), operation.path()));
    let shown: BTreeSet<String> = routed.filter(|operation| !pages.contains(&operation.as_str())).collect();
    assert_eq!(documented, shown);
}

#[actix_web::test]
async fn each_operation_names_all_it_can_answer() {
    let document = document().await;
    let table = [
        ("/toy/everything", "post", "200 400 408 409 413 414 415 422 429 431 500 503"),
        ("/toy/signed", "post", "200 400 401 403 408 413 414 415 422 429 431 500 503"),
        ("/toy/me", "get", "200 400 401 414 429 431 500 503"),
        ("/toy/perhaps", "post", "200 400 403 408 413 414 415 422 429 431 500 503"),
        ("/toy/things/{thing_id}", "get", "200 400 414 422 429 431 500 503"),
        ("/toy/refuses", "get", "400 414 423 431 500 503"),
        ("/openapi.json", "get", "200 400 414 431 500 503"),
    ];
    for (path, verb, expected) in table {
        let expected: BTreeSet<&str> = expected.split(' ').collect();
        assert_eq!(statuses(&document["paths"][path][verb]), expected, "{verb} {path}");
    }
}

#[actix_web::test]
async fn protection_bodies_and_parameters_come_from_the_handlers() {
    let document = document().await;
    let paths = &document["paths"];
    assert_eq!(paths["/toy/signed"]["post"]["security"][0]["bearer"], serde_json::json!([]));
    assert_eq!(paths["/toy/perhaps"]["post"]["security"].as_array().unwrap().len(), 3);
    assert!(paths["/toy/everything"]["post"].get("security").is_none());
    let body = &paths["/toy/everything"]["post"]["requestBody"];
    assert_eq!(body["required"], true);
    assert_eq!(body["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Everything");
    assert_ne!(paths["/toy/perhaps"]["post"]["requestBody"]["required"], true);
    assert!(paths["/toy/me"]["get"].get("requestBody").is_none());
    let names = |path: &str| -> Vec<&str> {
        let list = paths[path]["get"]["parameters"].as_array().unwrap();
        list.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("/toy/things/{thing_id}"), ["thing_id", "page", "X-Tenant-ID"]);
    assert_eq!(names("/toy/me"), ["X-Tenant-ID"]);
}

#[actix_web::test]
async fn every_reference_leads_somewhere_and_every_id_is_unique() {
    let document = document().await;
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let ids: Vec<&str> =
        text.split("\"operationId\":\"").skip(1).map(|s| s.split('"').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[actix_web::test]
async fn the_document_may_be_kept_for_a_while() {
    let answer = Toy::new().send(get("/openapi.json")).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.json()["info"]["title"].as_str().unwrap().starts_with("ElevAIte"));
}

#[actix_web::test]
async fn the_page_runs_from_this_server_alone() {
    let toy = Toy::with(|settings| settings.branding = "A<B>".to_owned());
    let page = toy.send(get("/docs")).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text.contains("<title>A&lt;B&gt; API</title>"));
    assert!(!page.text.contains("://") && !page.text.contains("<style") && !page.text.contains("onload="));
    // Whatever the page asks for is there.
    let asked = page.text.split(['"']).filter(|part| part.starts_with('/'));
    for path in asked {
        let file = toy.send(get(path)).await;
        assert_eq!((file.status, file.header("cache-control")), (200, "public, max-age=3600"), "{path}");
        assert!(!file.text.is_empty(), "{path}");
    }
    assert_eq!(page.text.matches("<script>").count(), 0, "nothing is inline");
}

#[actix_web::test]
async fn both_can_be_switched_off() {
    let toy = Toy::with(|settings| settings.expose_docs = false);
    for path in ["/docs", "/docs/start.js", "/openapi.json"] {
        assert_eq!(toy.send(get(path)).await.status, 404, "{path}");
    }
}

/// The real table, not the toy's.
#[actix_web::test]
async fn the_servers_own_document_is_sound() {
    let settings = auth_http::HttpSettings { expose_mailbox: true, ..auth_http::HttpSettings::default() };
    let document: Value = serde_json::to_value(auth_http::openapi_document(&settings)).unwrap();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{verb} {path}");
            let found = statuses(operation);
            assert!(found.iter().any(|status| status.starts_with('2')), "{verb} {path}: {found:?}");
        }
    }
}
