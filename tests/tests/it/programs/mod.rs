//! Programs that call: keys in place of tokens, and services that verify our tokens.

mod keys;
mod minted;
mod orders;
mod services;

use std::path::Path;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::harness::{
    Answer, Api, PASSWORD, Tokens,
    parts::{SECRET, database},
    process::{Process, run},
};

/// A server on PostgreSQL in a process of its own, beside which commands can be run.
struct Server {
    process: Process,
    database: String,
    directory: TempDir,
}

impl Server {
    fn start(settings: &[(&str, &str)]) -> Self {
        block_in_place(|| {
            let (database, directory) = (database(), TempDir::new().expect("a temporary directory"));
            let shared = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
            let settings = [&shared, settings].concat();
            let migrated = run(&["migrate"], &settings);
            assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
            let process = Process::start(directory.path(), &settings);
            Self { process, database, directory }
        })
    }

    fn api(&self) -> Api {
        Api::at(self.process.base())
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a command against the server's database.
    fn command(&self, words: &[&str]) -> String {
        let settings = [("DATABASE_URL", self.database.as_str()), ("SECRET_KEY", SECRET)];
        let output = block_in_place(|| run(words, &settings));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(output.status.success(), "{words:?}: {text}");
        text
    }

    /// Somebody who administers the tenant, signed in.
    async fn administrator(&self, email: &str) -> Tokens {
        self.api().signed_in(email).await;
        self.command(&["users", "grant", email, "--role", "application_admin"]);
        self.api().login(email, PASSWORD).await.tokens()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await).await
}

/// Makes a key. Gives the whole answer, with the text of the key.
async fn make_key(api: &Api, tokens: &Tokens, kind: &str, scopes: &[&str]) -> Value {
    let body = json!({ "name": "a program", "kind": kind, "scopes": scopes });
    let path = "/api/auth/api-keys";
    api.send(Method::POST, path, &tokens.access, Some(&body)).await.expect(StatusCode::CREATED).body
}

fn text(key: &Value) -> &str {
    key["key"].as_str().expect("the text of the key")
}

/// Calls with a key in its header.
async fn with_key(api: &Api, method: Method, path: &str, key: &str) -> Answer {
    send(api.request(method, path).header("X-API-Key", key)).await
}

/// Asks the server about a token.
async fn introspect(api: &Api, key: &str, token: &str) -> Answer {
    let request = api
        .request(Method::POST, "/api/auth/introspect")
        .header("X-API-Key", key)
        .header("content-type", "application/x-www-form-urlencoded");
    send(request.body(format!("token={token}&token_type_hint=access_token"))).await
}
