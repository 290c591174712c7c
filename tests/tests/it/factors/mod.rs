//! Second factors as front ends see them: texts, headers and limits, over a socket.

mod app;
mod email;
mod lock;
mod login;
mod required;
mod rotation;
mod shapes;
mod sms;

use auth_crypto::{Rfc6238, SystemClock};
use auth_domain::{
    factor::{TimeStep, TotpSecret},
    port::{Clock as _, TotpGenerator as _},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Api, PASSWORD, TestServer, Tokens};

const NUMBER: &str = "+12125550123";
const MASKED_NUMBER: &str = "***-***-0123";

/// A server on which no device is known: every login is asked for its code.
pub(crate) async fn server() -> TestServer {
    TestServer::with(&[("MFA_DEVICE_BYPASS_MINUTES", "0")]).await
}

/// Somebody's authenticator app.
pub(crate) struct App {
    secret: TotpSecret,
    next: i64,
}

impl App {
    pub(crate) fn scan(secret: &str) -> Self {
        let bytes = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).expect("a secret in base32");
        Self { secret: TotpSecret::from_bytes(&bytes).expect("160 bits"), next: 0 }
    }

    /// A code not used yet. The server takes those of the present step and the next one, each once and in
    /// their order, however slow the test is: two without waiting. A third comes too early.
    pub(crate) fn code(&mut self) -> String {
        let step = self.next.max(TimeStep::at(SystemClock.now()).as_i64());
        self.next = step + 1;
        self.of(step)
    }

    /// A code that is as good as guessed.
    pub(crate) fn wrong_code(&self) -> String {
        let present = TimeStep::at(SystemClock.now()).as_i64();
        let near: Vec<String> = (-3..=3).map(|steps| self.of(present + steps)).collect();
        let guesses = (0..).map(|guess| format!("{guess:06}"));
        guesses.into_iter().find(|guess| !near.contains(guess)).expect("a million codes, and seven are good")
    }

    /// The code that it shows now.
    pub(crate) fn shown(&self) -> String {
        self.of(TimeStep::at(SystemClock.now()).as_i64())
    }

    fn of(&self, step: i64) -> String {
        let code = Rfc6238.code(&self.secret, TimeStep::from_i64(step));
        String::from_utf8(code.as_bytes().to_vec()).expect("digits")
    }
}

/// Gives somebody who is signed in an authenticator app; the recovery codes come with it.
pub(crate) async fn take_app(api: &Api, tokens: &Tokens) -> (App, Vec<String>) {
    let setup = call(api, tokens, "/api/auth/mfa/setup", &Value::Null).await.expect(StatusCode::OK);
    let mut app = App::scan(setup.body["secret"].as_str().expect("a secret"));
    let code = json!({ "totp_code": app.code() });
    let activated = call(api, tokens, "/api/auth/mfa/activate", &code).await;
    activated.message("MFA successfully activated");
    (app, texts(&activated.body["recovery_codes"]))
}

/// Has somebody who is signed in get text messages.
async fn take_number(api: &Api, tokens: &Tokens) {
    let number = json!({ "phone_number": NUMBER });
    call(api, tokens, "/api/sms-mfa/setup", &number).await.expect(StatusCode::OK);
    let code = json!({ "mfa_code": texted(api).await });
    let proved = call(api, tokens, "/api/sms-mfa/verify", &code).await;
    proved.message("Phone number verified successfully");
}

/// Calls as somebody who is signed in; without a body if that is null.
async fn call(api: &Api, tokens: &Tokens, path: &str, body: &Value) -> Answer {
    api.send(Method::POST, path, &tokens.access, Some(body).filter(|body| !body.is_null())).await
}

/// A login that brings a code.
pub(crate) async fn login_with(api: &Api, email: &str, code: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD, "totp_code": code });
    api.post("/api/auth/login", &body).await
}

fn credentials(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}

/// The code in the newest text message.
async fn texted(api: &Api) -> String {
    let newest = api.messages(NUMBER).await.into_iter().next().expect("a text message");
    code_in(&newest).expect("a code in it")
}

/// The code of the newest mail, once there are `count` mails with codes.
async fn mailed(api: &Api, email: &str, count: usize) -> String {
    for _ in 0..200 {
        let codes: Vec<String> = api.messages(email).await.iter().filter_map(|text| code_in(text)).collect();
        if codes.len() >= count {
            return codes.into_iter().next().expect("one at least");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{count} codes never came to {email}");
}

fn code_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("code is: ")?;
    Some(rest.chars().take_while(char::is_ascii_digit).collect())
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// Asserts that the login waits for a code: text, headers, and what helps to go on.
#[track_caller]
fn asks(answer: &Answer, detail: &str, kind: &str, methods: &str) -> String {
    answer.refused(400, detail);
    assert_eq!(answer.body["code"], "mfa_required");
    assert_eq!((header(answer, "x-mfa-type"), header(answer, "x-mfa-methods")), (Some(kind), Some(methods)));
    assert_eq!(texts(&answer.body["mfa_methods"]), methods.split(',').collect::<Vec<_>>());
    answer.body["mfa_token"].as_str().expect("a token").to_owned()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("a printable header"))
}
