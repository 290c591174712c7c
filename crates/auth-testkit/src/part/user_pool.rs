//! A user pool at a stand-in for AWS Cognito, and what only its owner may do there.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

/// A user pool with one client. Users sign in with their address; names of their own they have none.
#[derive(Clone, Debug)]
pub struct UserPool {
    port: u16,
    /// The pool.
    pub id: String,
    /// Its client.
    pub client_id: String,
    /// The client's secret, if it was made with one.
    pub client_secret: Option<String>,
}

/// What kind of a pool to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolKind {
    /// The pool gives its users names, and takes their addresses instead; the client has no secret.
    #[default]
    Named,
    /// Users are named by their address; the client has a secret.
    Secret,
}

impl UserPool {
    /// Makes a pool at the stand-in on `port`.
    ///
    /// # Panics
    /// If it refuses.
    pub(super) fn create(port: u16, kind: PoolKind) -> Self {
        let secret = kind == PoolKind::Secret;
        let mut pool = json!({
            "PoolName": "users", "MfaConfiguration": "OPTIONAL", "AutoVerifiedAttributes": ["email"],
        });
        if !secret {
            pool["UsernameAttributes"] = json!(["email"]);
        }
        let pool = call(port, "CreateUserPool", &pool);
        let id = text(&pool["UserPool"]["Id"]);
        let client = json!({
            "UserPoolId": id, "ClientName": "server", "GenerateSecret": secret,
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        });
        let client = &call(port, "CreateUserPoolClient", &client)["UserPoolClient"];
        let client_secret = client["ClientSecret"].as_str().map(str::to_owned);
        Self {
            port,
            id,
            client_id: text(&client["ClientId"]),
            client_secret: client_secret.filter(|_| secret),
        }
    }

    /// Where the stand-in answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes an account with a temporary password.
    ///
    /// # Panics
    /// If the pool refuses.
    pub fn invite(&self, email: &str, temporary_password: &str) {
        let user = json!({
            "UserPoolId": self.id, "Username": email, "TemporaryPassword": temporary_password,
            "MessageAction": "SUPPRESS",
            "UserAttributes": [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        });
        call(self.port, "AdminCreateUser", &user);
    }

    /// Disables an account.
    ///
    /// # Panics
    /// If the pool refuses.
    pub fn disable(&self, email: &str) {
        call(self.port, "AdminDisableUser", &json!({"UserPoolId": self.id, "Username": email}));
    }

    /// Makes text messages an account's second factor; whether the stand-in can.
    pub fn ask_for_sms(&self, email: &str) -> bool {
        let preference = json!({
            "UserPoolId": self.id, "Username": email,
            "SMSMfaSettings": {"Enabled": true, "PreferredMfa": true},
        });
        ask(self.port, "AdminSetUserMFAPreference", &preference).is_ok()
    }
}

/// One call of the owner, which must succeed.
fn call(port: u16, target: &str, input: &Value) -> Value {
    ask(port, target, input).unwrap_or_else(|answer| panic!("{target}: {answer}"))
}

/// One call of the owner; the whole answer where it is not 200.
fn ask(port: u16, target: &str, input: &Value) -> Result<Value, String> {
    let body = input.to_string();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the stand-in listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time can be set");
    write!(
        stream,
        "POST / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AWSCognitoIdentityProviderService.{target}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the stand-in reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the stand-in answers");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    if !head.lines().next().is_some_and(|line| line.contains(" 200 ")) {
        return Err(answer.into_owned());
    }
    Ok(if body.is_empty() { Value::Null } else { serde_json::from_str(body).expect("the answer is JSON") })
}

fn text(value: &Value) -> String {
    value.as_str().expect("the answer names it").to_owned()
}
