//! An SNS that answers what it is told, and counts.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use auth_domain::{
    port::{SmsError, SmsReceipt, SmsSender as _, SmsText},
    user::PhoneNumber,
};
use auth_sns::{SnsConfig, SnsCredentials, SnsSmsSender};

/// What the stub does with a request it has read.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Taken,
    Error(u16, &'static str, &'static str),
    Garbage,
    Hang,
    HangUp,
    /// The beginning of an answer, then a piece of it now and then.
    Dribble,
    /// To another address.
    Elsewhere,
}

pub(crate) struct Stub {
    port: u16,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Stub {
    pub(crate) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let stub = Self {
            port,
            answer: Arc::new(Mutex::new(answer)),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (answer, requests) = (Arc::clone(&stub.answer), Arc::clone(&stub.requests));
        let connections = Arc::clone(&stub.connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || serve(stream, &answer, &requests));
            }
        });
        stub
    }

    pub(crate) fn now_answers(&self, answer: Answer) {
        *self.answer.lock().expect("nobody panicked with it") = answer;
    }

    /// The bodies of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked with it").clone()
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn config(&self) -> SnsConfig {
        config(self.port)
    }

    pub(crate) fn sender(&self) -> SnsSmsSender {
        SnsSmsSender::new(self.config()).expect("the configuration is right")
    }
}

pub(crate) fn config(port: u16) -> SnsConfig {
    SnsConfig {
        endpoint_url: Some(format!("http://127.0.0.1:{port}")),
        credentials: Some(SnsCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned().into(),
            session_token: None,
        }),
        limit: Duration::from_millis(500),
        ..SnsConfig::new("us-east-1")
    }
}

pub(crate) async fn send(sender: &SnsSmsSender) -> Result<SmsReceipt, SmsError> {
    let to = PhoneNumber::parse("+15551234567").expect("a number");
    sender.send(&to, &SmsText::new("Your login code is: 048213".to_owned())).await
}

fn serve(mut stream: TcpStream, answer: &Mutex<Answer>, requests: &Mutex<Vec<String>>) {
    while let Some(body) = request(&mut stream) {
        requests.lock().expect("nobody panicked with it").push(body);
        let answer = *answer.lock().expect("nobody panicked with it");
        let (status, body) = match answer {
            Answer::Taken => (200, taken()),
            Answer::Error(status, code, message) => (status, error(code, message)),
            Answer::Garbage => (200, "<html>not SNS</html>".to_owned()),
            Answer::HangUp => return,
            Answer::Dribble => return dribble(&mut stream),
            Answer::Elsewhere => {
                let head = "HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
                if stream.write_all(head.as_bytes()).is_err() {
                    return;
                }
                continue;
            }
            Answer::Hang => {
                // Until the other side gives up.
                let _ = stream.read(&mut [0; 16]);
                return;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Answers a byte every few milliseconds, for as long as somebody listens.
fn dribble(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 X\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n";
    let mut piece = head.as_bytes();
    while stream.write_all(piece).is_ok() {
        piece = b" ";
        thread::sleep(Duration::from_millis(20));
    }
}

/// The body of one request; `None` at the end of the stream.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length? {
                return Some(body.to_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn taken() -> String {
    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
     <MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult></PublishResponse>"
        .to_owned()
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
}
