//! A mail server that keeps what it takes.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Daemon, Part, certificates::Certificates, free_port, python};

const SCRIPT: &str = include_str!("smtp_server.py");

/// Whether and when the server encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpMode {
    /// Never.
    Plain,
    /// After `STARTTLS`, which it insists on.
    StartTls,
    /// From the first byte on.
    Implicit,
}

/// A mail as the server understood it.
#[derive(Clone, Debug)]
pub struct KeptMail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The headers, decoded.
    pub headers: Vec<(String, String)>,
    /// The media type of the whole.
    pub media_type: String,
    /// The plain text part, decoded.
    pub text: String,
    /// The HTML part, decoded.
    pub html: String,
    /// All of it as it came.
    pub raw: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Who had logged in.
    pub user: Option<String>,
    /// The number of the connection it came over.
    pub session: i64,
}

impl KeptMail {
    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// A throw-away SMTP server on the loopback. What it refuses is said by the recipient: see
/// `smtp_server.py`.
#[derive(Debug)]
pub struct SmtpServer {
    /// All that ran, the present one last: the folder of one that was killed still has its mails.
    daemons: Vec<Daemon>,
    /// The words behind the script.
    args: Vec<String>,
    port: u16,
    certificates: Option<Certificates>,
}

impl SmtpServer {
    /// Starts a server; with a user and a password it takes no mail before a login.
    ///
    /// # Panics
    /// If Python, its package `aiosmtpd` or `openssl` is missing.
    pub fn start(mode: SmtpMode, login: Option<(&str, &str)>) -> Self {
        let folder = Part::new("smtp");
        let certificates = (mode != SmtpMode::Plain).then(|| Certificates::make(&folder));
        let port = free_port();
        let mode = match mode {
            SmtpMode::Plain => "plain",
            SmtpMode::StartTls => "starttls",
            SmtpMode::Implicit => "implicit",
        };
        let mut args = vec![port.to_string(), mode.to_owned()];
        if let Some(made) = &certificates {
            args.extend([text(&made.certificate), text(&made.key)]);
        }
        if let Some((user, password)) = login {
            args.extend(["--login".to_owned(), user.to_owned(), password.to_owned()]);
        }
        let daemon = launch(folder, &args, port);
        Self { daemons: vec![daemon], args, port, certificates }
    }

    /// Kills it: connections break, and new ones are refused. What it took is still [there](Self::mails).
    ///
    /// # Panics
    /// If it goes on listening.
    pub fn kill(&self) {
        let daemon = self.daemon();
        daemon.signal("KILL");
        daemon.wait_until(|| !listens(self.port));
    }

    /// Starts it anew on the same port after [`kill`](Self::kill).
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.daemons.push(launch(Part::new("smtp"), &self.args, self.port));
    }

    /// Its port on `127.0.0.1` and `localhost`.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The authority that signed its certificate; `None` for a plain server.
    pub fn authority(&self) -> Option<PathBuf> {
        self.certificates.as_ref().map(|made| made.authority.clone())
    }

    /// The process, to stop and to kill it.
    ///
    /// # Panics
    /// Never: one is started with the server.
    pub fn daemon(&self) -> &Daemon {
        self.daemons.last().expect("a server is made with its first process")
    }

    /// All mails it took, oldest first.
    ///
    /// # Panics
    /// If its records cannot be read.
    pub fn mails(&self) -> Vec<KeptMail> {
        self.daemons.iter().flat_map(mails_of).collect()
    }
}

fn launch(folder: Part, args: &[String], port: u16) -> Daemon {
    let script = text(&folder.write("smtp_server.py", SCRIPT));
    let args: Vec<&str> = [script.as_str()].into_iter().chain(args.iter().map(String::as_str)).collect();
    folder.start("KILL", &python(), &args, || listens(port))
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn mails_of(daemon: &Daemon) -> Vec<KeptMail> {
    let records = fs::read_to_string(daemon.part().dir().join("mails.jsonl")).unwrap_or_default();
    // The last line may be half written.
    let whole = records.rfind('\n').map_or("", |end| &records[..end]);
    let parse = |line| mail(&serde_json::from_str(line).expect("the server writes JSON"));
    whole.lines().map(parse).collect()
}

fn text(path: &Path) -> String {
    path.to_str().expect("a part's folder has a printable name").to_owned()
}

fn mail(record: &Value) -> KeptMail {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    KeptMail {
        from: text(&record["from"]),
        to: list(&record["to"]).iter().map(text).collect(),
        headers: list(&record["headers"]).iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
        media_type: text(&record["type"]),
        text: text(&record["text"]),
        html: text(&record["html"]),
        raw: text(&record["raw"]),
        encrypted: record["encrypted"] == true,
        user: record["user"].as_str().map(ToOwned::to_owned),
        session: record["session"].as_i64().unwrap_or_default(),
    }
}
