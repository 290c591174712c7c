//! A service that knows breached passwords.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use sha1::{Digest as _, Sha1};

/// What the service does with a question it has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeMode {
    /// It answers.
    Answers,
    /// It says nothing and keeps the line.
    Silent,
    /// It begins to answer, and goes on byte by byte.
    Drips,
    /// It sends whoever asks to this address.
    Redirects(String),
    /// It answers with something else.
    Garbage,
    /// It answers, and does not end.
    Endless,
    /// It answers with that status.
    Fails(u16),
}

/// The range API on the loopback: `GET /range/5BAA6` is answered with the suffixes of what is breached, among
/// others. Asked for padding, it adds some that count zero.
#[derive(Debug)]
pub struct RangeServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mode: RangeMode,
    breached: Vec<String>,
    questions: Vec<String>,
}

impl RangeServer {
    /// Starts one that knows `breached`.
    ///
    /// # Panics
    /// If no port is free.
    pub fn start(breached: &[&str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let breached = breached.iter().map(|password| sha1(password)).collect();
        let state = State { mode: RangeMode::Answers, breached, questions: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // Whoever goes away in the middle is not missed.
                thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Self { port, state }
    }

    /// What stands before the five digits.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/range", self.port)
    }

    /// Changes what it does from the next question on.
    pub fn set(&self, mode: RangeMode) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).mode = mode;
    }

    /// Every question so far: its head, as it was sent.
    pub fn questions(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).questions.clone()
    }
}

/// The capital hexadecimal digits that name a password in such a service.
pub fn sha1(password: &str) -> String {
    Sha1::digest(password.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let (mode, breached) = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.questions.push(head.clone());
            (state.mode.clone(), state.breached.clone())
        };
        answer(stream, &mode, &range(&head, &breached))?;
    }
}

/// The lines of the range that was asked for.
fn range(head: &str, breached: &[String]) -> String {
    let prefix = head.split_whitespace().nth(1).and_then(|path| path.strip_prefix("/range/")).unwrap_or("");
    let mut lines = vec![format!("{:035X}:3", 0x00D6_8EB5), format!("{:035X}:1", 0x10D6_8EB5)];
    if head.to_ascii_lowercase().contains("add-padding: true") {
        lines.extend((0..800).map(|number| format!("{:035X}:0", 0xF000_0000_u64 + number)));
    }
    let known = breached.iter().filter_map(|digest| digest.strip_prefix(prefix));
    lines.extend(known.map(|suffix| format!("{suffix}:42")));
    lines.join("\r\n")
}

fn answer(mut stream: &TcpStream, mode: &RangeMode, lines: &str) -> std::io::Result<()> {
    let head = |status: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n")
    };
    match mode {
        RangeMode::Answers => write!(stream, "{}\r\n{lines}", head("200 OK", lines.len())),
        RangeMode::Silent => loop {
            thread::sleep(Duration::from_mins(1));
        },
        RangeMode::Drips => {
            write!(stream, "{}\r\n", head("200 OK", lines.len()))?;
            for byte in lines.as_bytes() {
                stream.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        RangeMode::Redirects(to) => write!(stream, "{}Location: {to}\r\n\r\n", head("302 Found", 0)),
        RangeMode::Garbage => write!(stream, "{}\r\n<html>", head("200 OK", 6)),
        RangeMode::Endless => {
            write!(stream, "{}\r\n", head("200 OK", 1 << 30))?;
            let page = format!("{lines}\r\n").repeat(8);
            loop {
                stream.write_all(page.as_bytes())?;
            }
        }
        RangeMode::Fails(status) => write!(stream, "{}\r\n", head(&format!("{status} Failed"), 0)),
    }
}
