//! A collector of traces: takes them over OTLP, and can be asked what it was told.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// A span, as far as tests look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) name: String,
}

/// The stub. Its threads end with the test's process.
pub(crate) struct Collector {
    port: u16,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound listener").port();
        let bodies = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = Arc::clone(&bodies);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || while take(&connection, &kept).is_some() {});
            }
        });
        Self { port, bodies }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything it was sent, as it came.
    pub(crate) fn received(&self) -> Vec<u8> {
        lock(&self.bodies).concat()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let bodies = lock(&self.bodies).clone();
        // A request holds groups by resource, those groups by scope, and those spans.
        let spans = bodies.iter().flat_map(|body| fields(body, 1)).flat_map(|group| fields(group, 2));
        spans.flat_map(|group| fields(group, 2)).map(span).collect()
    }
}

/// Reads one request and says thanks; `None` when there is none.
fn take(mut connection: &TcpStream, bodies: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    assert!(first.starts_with("POST /v1/traces "), "{first}");
    lock(bodies).push(body);
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn span(bytes: &[u8]) -> Span {
    let hex =
        |number| fields(bytes, number).first().map_or(String::new(), |id| data_encoding::HEXLOWER.encode(id));
    let name =
        fields(bytes, 5).first().map_or(String::new(), |name| String::from_utf8_lossy(name).into_owned());
    Span { trace: hex(1), id: hex(2), parent: hex(4), name }
}

/// The values of the field of that number in a message of protobuf, of those that have a length.
fn fields(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = number(&mut message);
        let length = match key & 7 {
            0 => {
                number(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(number(&mut message)).expect("a length"),
            5 => 4,
            other => panic!("no such type: {other}"),
        };
        let (value, rest) = message.split_at(length);
        if key & 7 == 2 && key >> 3 == wanted {
            found.push(value);
        }
        message = rest;
    }
    found
}

/// A number of variable length.
fn number(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for place in 0.. {
        let (byte, rest) = message.split_first().expect("a whole number");
        *message = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}
