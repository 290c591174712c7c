//! People whose password AWS Cognito keeps, against a mock of it: everything a client does, and what the
//! owner of the pool does meanwhile.

mod account;
mod away;
mod challenges;
mod cookies;
mod migration;

use auth_testkit::part::{Moto, PoolKind, UserPool};
use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, TestServer, Tokens};

/// The password at the pool.
pub(super) const THERE: &str = "Words-of-the-p00l";

/// The settings of a server that uses the pool.
pub(crate) struct PoolSettings {
    pub(super) pool: UserPool,
    values: Vec<(&'static str, String)>,
}

impl PoolSettings {
    /// A pool of its own at the mock.
    pub(crate) fn new() -> Self {
        Self::of(Moto::shared().user_pool(PoolKind::Named))
    }

    pub(super) fn of(pool: UserPool) -> Self {
        let values = vec![
            ("AUTH_PROVIDER", "both".to_owned()),
            ("COGNITO_REGION", "us-east-1".to_owned()),
            ("COGNITO_USER_POOL_ID", pool.id.clone()),
            ("COGNITO_CLIENT_ID", pool.client_id.clone()),
            ("COGNITO_ENDPOINT_URL", pool.url()),
        ];
        Self { pool, values }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.values.retain(|(known, _)| *known != name);
        self.values.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn serve(&self) -> TestServer {
        TestServer::with(&self.values()).await
    }

    /// The settings by their names.
    pub(crate) fn values(&self) -> Vec<(&str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Puts somebody into the pool, confirmed and with a proved address.
    pub(crate) async fn add(&self, email: &str) {
        self.pool.invite(email, "Temporary-w0rd");
        let password = json!({"Username": email, "Password": THERE, "Permanent": true});
        self.owner("AdminSetUserPassword", password).await;
    }

    /// A call that only the owner of the pool may make.
    pub(super) async fn owner(&self, target: &str, mut body: Value) -> Value {
        body["UserPoolId"] = self.pool.id.clone().into();
        call(&self.pool, target, &body).await
    }
}

/// A call to the mock itself.
pub(super) async fn call(pool: &UserPool, target: &str, body: &Value) -> Value {
    let request = Client::new()
        .post(pool.url())
        .header("X-Amz-Target", format!("AWSCognitoIdentityProviderService.{target}"))
        .header("Content-Type", "application/x-amz-json-1.1")
        .body(body.to_string());
    let answer = Answer::of(request.send().await).await;
    assert!(answer.status.is_success(), "{target}: {answer:?}");
    answer.body
}

pub(crate) async fn login(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/api/cognito/login", &json!({"email": email, "password": password})).await
}

pub(crate) async fn signed_in(api: &Api, email: &str) -> Tokens {
    login(api, email, THERE).await.tokens()
}
