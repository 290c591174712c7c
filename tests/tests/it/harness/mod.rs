//! Running servers and somebody who talks to them.

pub(crate) mod collector;
pub(crate) mod parts;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod staff;

use std::{
    ops::Deref,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use auth_server::{
    Application,
    settings::{Inputs, Settings},
};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, time::sleep};

pub(crate) const PASSWORD: &str = "Tr0ubadour&Zebra";

/// A server on a free port with a directory of its own. Stops when dropped.
pub(crate) struct TestServer {
    api: Api,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _data: TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a server whose limits by address do not get in the way, with `settings` on top.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let directory = data.path().to_str().expect("a printable path").to_owned();
        let mut inputs = Inputs::only([
            ("APP_ENV", "test"),
            ("PORT", "0"),
            ("LOG_LEVEL", "ERROR"),
            ("RATE_LIMIT_PER_MINUTE", "100000"),
            ("RATE_LIMIT_LOGIN_PER_MINUTE", "100000"),
            ("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "100000"),
        ])
        .with("DATA_DIR", &directory);
        for (name, value) in settings {
            inputs = inputs.with(name, value);
        }
        let settings = Settings::from_inputs(&inputs).expect("settings that hold").settings;
        let (bound, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            auth_server::block_on(async move {
                let application = Application::build(&settings).await.expect("a server that starts");
                bound.send(application.addr()).expect("somebody who waits for the address");
                let shutdown = async { drop(stopped.await) };
                application.run_until(shutdown).await.expect("a server that stops in order");
            });
        });
        let address = address.await.expect("a bound server");
        Self {
            api: Api::at(&format!("http://{address}")),
            stop: Some(stop),
            thread: Some(thread),
            _data: data,
        }
    }
}

impl Deref for TestServer {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            assert!(std::thread::panicking() || outcome.is_ok(), "the server's thread panicked");
        }
    }
}

/// The API as a client sees it.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    http: Client,
    /// The servers whose workers may have sent the mail.
    mailboxes: Vec<String>,
}

impl Api {
    pub(crate) fn at(base: &str) -> Self {
        Self::of_replicas(base, vec![base.to_owned()])
    }

    /// The API of one of several servers.
    pub(crate) fn of_replicas(base: &str, mailboxes: Vec<String>) -> Self {
        Self { base: base.to_owned(), http: Client::new(), mailboxes }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body).send().await).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await).await
    }

    /// Waits until a token whose session ended in another process reads nothing here any more: after a second at the
    /// latest. Says how long that took.
    pub(crate) async fn forgets(&self, token: &str) -> Duration {
        let asked = Instant::now();
        while self.get("/api/auth/me", token).await.status == StatusCode::OK {
            assert!(asked.elapsed() < Duration::from_millis(1_100), "a second is over");
            sleep(Duration::from_millis(20)).await;
        }
        self.get("/api/auth/me", token).await.expect(StatusCode::UNAUTHORIZED);
        asked.elapsed()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, None).await
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        self.post("/api/auth/register", &json!({"email": email, "password": PASSWORD})).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", &json!({"email": email, "password": password})).await
    }

    /// The token of the newest link to `path` that was mailed to `email`. Waits for the mail.
    pub(crate) async fn mailed_token(&self, email: &str, path: &str) -> String {
        let mark = format!("{path}?token=");
        for _ in 0..200 {
            if let Some(token) = self.messages(email).await.iter().find_map(|text| token_after(text, &mark)) {
                return token;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail with {path} came to {email}");
    }

    /// The texts mailed to `email`, newest first within a mailbox.
    pub(crate) async fn messages(&self, email: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for mailbox in &self.mailboxes {
            let url = format!("{mailbox}/dev/messages");
            let answer = Answer::of(self.http.get(url).query(&[("to", email)]).send().await).await;
            let messages = answer.body.as_array().expect("a list of messages").clone();
            texts.extend(
                messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()),
            );
        }
        texts
    }

    /// A person with a proved address, signed in.
    pub(crate) async fn signed_in(&self, email: &str) -> Tokens {
        self.register(email).await.expect(StatusCode::CREATED);
        let token = self.mailed_token(email, "/verify-email").await;
        self.post("/api/auth/verify-email", &json!({"token": token})).await.expect(StatusCode::OK);
        self.login(email, PASSWORD).await.tokens()
    }
}

pub(crate) fn token_after(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
}

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Result<Response>) -> Self {
        let response = response.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts status and `detail` of a refusal.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, detail: &str) {
        assert_eq!((self.status.as_u16(), self.body["detail"].as_str()), (status, Some(detail)), "{self:?}");
        assert!(self.body["request_id"].is_string(), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn message(&self, text: &str) {
        assert_eq!((self.status.as_u16(), self.body["message"].as_str()), (200, Some(text)), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn tokens(self) -> Tokens {
        let answer = self.expect(StatusCode::OK);
        let field = |name: &str| answer.body[name].as_str().expect("a token").to_owned();
        Tokens { access: field("access_token"), refresh: field("refresh_token") }
    }
}
