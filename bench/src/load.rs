//! Connections that ask as fast as they are answered.
//!
//! All of them share one thread: the driver runs on the cores it measures.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

/// Makes the next request from the answer to the last one.
pub(crate) type Script = Box<dyn FnMut(&str) -> String + Send>;

/// One kept-alive connection, from an address of its own: limits count by address.
pub(crate) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// What a series of requests gave.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Wanted answers in a second.
    pub(crate) rate: f64,
    /// Other answers, by status; 0 is a connection that broke.
    pub(crate) others: BTreeMap<u16, u64>,
    /// How long each wanted answer took.
    pub(crate) times: Vec<Duration>,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr, number: usize) -> io::Result<Self> {
        let first = Ipv4Addr::new(127, 2, 0, 1).to_bits();
        let from = Ipv4Addr::from_bits(first + u32::try_from(number).unwrap_or(0));
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.bind(SocketAddr::from((from, 0)))?;
        Ok(Self { stream: socket.connect(server).await?, bytes: Vec::with_capacity(8192) })
    }

    /// Sends a request and reads the answer: its status and its body.
    pub(crate) async fn exchange(&mut self, request: &str) -> io::Result<(u16, &str)> {
        self.stream.write_all(request.as_bytes()).await?;
        self.bytes.clear();
        let head = loop {
            self.more().await?;
            let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.bytes[..head]).map_err(|_| io::ErrorKind::InvalidData)?;
        let status = text.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head + length.unwrap_or(0);
        while self.bytes.len() < end {
            self.more().await?;
        }
        Ok((status, std::str::from_utf8(&self.bytes[head..end]).unwrap_or_default()))
    }

    async fn more(&mut self) -> io::Result<()> {
        let read = self.stream.read_buf(&mut self.bytes).await?;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// Lets each script talk on a connection of its own, `warm` long without counting and `long` with it. The
/// answers in `wanted` count.
pub(crate) async fn drive(
    server: SocketAddr,
    scripts: &mut Vec<Script>,
    wanted: &'static [u16],
    warm: Duration,
    long: Duration,
) -> Measured {
    let begin = Instant::now() + warm;
    let end = begin + long;
    let mut tasks = JoinSet::new();
    for (number, script) in scripts.drain(..).enumerate() {
        tasks.spawn(talk(server, number, script, wanted, begin, end));
    }
    let mut all = Measured::default();
    let mut ended = Vec::new();
    for (number, script, one) in tasks.join_all().await {
        ended.push((number, script));
        all.times.extend(one.times);
        for (status, count) in one.others {
            *all.others.entry(status).or_default() += count;
        }
    }
    // Each goes on with its own story in the next run.
    ended.sort_unstable_by_key(|(number, _)| *number);
    scripts.extend(ended.into_iter().map(|(_, script)| script));
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let count = all.times.len() as f64;
    all.rate = count / long.as_secs_f64();
    all
}

async fn talk(
    server: SocketAddr,
    number: usize,
    mut script: Script,
    wanted: &'static [u16],
    begin: Instant,
    end: Instant,
) -> (usize, Script, Measured) {
    let mut measured = Measured::default();
    let mut connection = Connection::open(server, number).await.ok();
    let mut request = script("");
    loop {
        let sent = Instant::now();
        if sent >= end {
            return (number, script, measured);
        }
        let outcome = match &mut connection {
            Some(connection) => connection.exchange(&request).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let (status, next) = match outcome {
            Ok((status, body)) => (status, script(if wanted.contains(&status) { body } else { "" })),
            Err(_) => (0, script("")),
        };
        request = next;
        if sent >= begin {
            if wanted.contains(&status) {
                measured.times.push(sent.elapsed());
            } else {
                *measured.others.entry(status).or_default() += 1;
            }
        }
        if status == 0 {
            connection = Connection::open(server, number).await.ok();
        }
    }
}

pub(crate) fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: auth.test\r\nauthorization: Bearer {token}\r\n\r\n")
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: auth.test\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// The text of a member of a JSON object, where that needs no unescaping: tokens never do.
pub(crate) fn member<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}
