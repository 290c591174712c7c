//! A stand-in for AWS.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;

use super::{Daemon, Part, PoolKind, UserPool, free_port, python};

/// A text message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MotoSms {
    /// The id the sender was told.
    pub message_id: String,
    /// To whom.
    pub phone_number: String,
    /// What.
    pub message: String,
}

/// The AWS mock `moto_server` on the loopback.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    _daemon: Daemon,
}

impl Moto {
    /// Starts one. It takes some seconds, so tests rather share [`Moto::shared`].
    ///
    /// # Panics
    /// If Python or its package `moto` is missing.
    pub fn start() -> Self {
        let folder = Part::new("moto");
        let port = free_port();
        let python = python();
        // Software tokens are checked only when it is told to.
        let totp = "MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP=true";
        let number = port.to_string();
        let args = [totp, &python, "-m", "moto.server", "-H", "127.0.0.1", "-p", &number];
        let daemon = folder.start("KILL", "env", &args, || get(port, "/moto-api/").is_some());
        Self { port, _daemon: daemon }
    }

    /// One for the whole test process. Tests tell their messages apart by the number.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A new user pool.
    ///
    /// # Panics
    /// If it is refused.
    pub fn user_pool(&self, kind: PoolKind) -> UserPool {
        UserPool::create(self.port, kind)
    }

    /// The text messages published to `phone_number`, oldest first.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn sms_to(&self, phone_number: &str) -> Vec<MotoSms> {
        let mut all = self.sms();
        all.retain(|sms| sms.phone_number == phone_number);
        all
    }

    /// All text messages published, oldest first.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn sms(&self) -> Vec<MotoSms> {
        let body = get(self.port, "/moto-api/data.json").expect("the AWS mock answers");
        let data: Value = serde_json::from_str(&body).expect("the AWS mock answers with JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = data["sns"]["SMS"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|sms| MotoSms {
                message_id: text(&sms["message_id"]),
                phone_number: text(&sms["phone_number"]),
                message: text(&sms["message"]),
            })
            .collect()
    }
}

/// The body at `path`; `None` unless the answer is 200.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
}
