//! A Cognito that answers what it is told, and counts.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use auth_cognito::{Cognito, CognitoConfig};

/// What the stub does with a request it has read.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status and body.
    Says(u16, String),
    /// By the name of the call.
    Each(Vec<(&'static str, Answer)>),
    Hang,
    HangUp,
    /// The beginning of an answer, then a piece of it now and then.
    Dribble,
    /// To another address.
    Elsewhere,
}

impl Answer {
    /// One of Cognito's errors.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Says(status, format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
    }

    /// Who signs in is Ada.
    pub(crate) fn signs_in() -> Vec<(&'static str, Self)> {
        let tokens =
            r#"{"AuthenticationResult":{"AccessToken":"access","RefreshToken":"refresh","IdToken":"id"}}"#;
        let user = r#"{"Username":"u-1","UserAttributes":[{"Name":"sub","Value":"s-1"},
            {"Name":"email","Value":"ada@example.com"},{"Name":"email_verified","Value":"true"}]}"#;
        vec![
            ("InitiateAuth", Self::Says(200, tokens.to_owned())),
            ("RespondToAuthChallenge", Self::Says(200, tokens.to_owned())),
            ("GetUser", Self::Says(200, user.to_owned())),
        ]
    }
}

/// A request: the call or path it names, its head and its body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Clone)]
pub(crate) struct Stub {
    port: u16,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    pub(crate) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let stub = Self { port, answer: Arc::new(Mutex::new(answer)), requests: Arc::default() };
        let serving = stub.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream));
            }
        });
        stub
    }

    pub(crate) fn now_answers(&self, answer: Answer) {
        *self.answer.lock().expect("nobody panicked with it") = answer;
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("nobody panicked with it").clone()
    }

    /// The names of all requests so far.
    pub(crate) fn names(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.name).collect()
    }

    pub(crate) fn config(&self) -> CognitoConfig {
        config(self.port)
    }

    pub(crate) fn cognito(&self) -> Cognito {
        Cognito::new(self.config()).expect("the configuration is right")
    }

    fn serve(&self, mut stream: TcpStream) {
        while let Some(request) = request(&mut stream) {
            let name = request.name.clone();
            self.requests.lock().expect("nobody panicked with it").push(request);
            let answer = self.answer.lock().expect("nobody panicked with it").clone();
            if !give(&mut stream, &answer, &name) {
                return;
            }
        }
    }
}

pub(crate) fn config(port: u16) -> CognitoConfig {
    CognitoConfig {
        endpoint_url: Some(format!("http://127.0.0.1:{port}")),
        limit: Duration::from_millis(500),
        ..CognitoConfig::new("us-east-1", "us-east-1_Ab1", "4s8k2")
    }
}

/// Gives an answer; whether the connection goes on.
fn give(stream: &mut TcpStream, answer: &Answer, name: &str) -> bool {
    let (head, body) = match answer {
        Answer::Says(status, body) => (format!("HTTP/1.1 {status} X\r\n"), body.as_str()),
        Answer::Each(all) => {
            let (_, answer) = all.iter().find(|(call, _)| *call == name).expect("the call has an answer");
            return give(stream, answer, name);
        }
        Answer::Elsewhere => ("HTTP/1.1 307 X\r\nLocation: /elsewhere\r\n".to_owned(), ""),
        Answer::HangUp => return false,
        Answer::Dribble => {
            dribble(stream);
            return false;
        }
        Answer::Hang => {
            // Until the other side gives up.
            let _ = stream.read(&mut [0; 16]);
            return false;
        }
    };
    let kind = "Content-Type: application/x-amz-json-1.1\r\n";
    let answer = format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).is_ok()
}

/// Answers a byte every few milliseconds, for as long as somebody listens.
fn dribble(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 100000\r\n\r\n";
    let mut piece = head.as_bytes();
    while stream.write_all(piece).is_ok() {
        piece = b" ";
        thread::sleep(Duration::from_millis(20));
    }
}

/// One request; `None` at the end of the stream.
fn request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                let path = head.split_whitespace().nth(1)?;
                let target = header(head, "x-amz-target").and_then(|target| target.split('.').nth(1));
                let name = target.unwrap_or(path).to_owned();
                return Some(Request { name, head: head.to_owned(), body: body.to_owned() });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}
