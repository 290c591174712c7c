//! `healthcheck`: asks a running server how it is, with nothing but a socket, so that an image needs
//! no other program for it.

#![expect(clippy::print_stdout, reason = "tells the person at the terminal what the server said")]

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, ToSocketAddrs as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use actix_web::http::Uri;
use anyhow::{Context as _, bail, ensure};

use crate::settings::{AllowList, Settings};

/// Longer than a healthy server ever takes, shorter than what container runtimes wait.
const TIME_OUT: Duration = Duration::from_secs(3);
/// The status line is all that is read of an answer.
const LONGEST_STATUS_LINE: usize = 256;

/// Where to ask, and for which host.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// Host name or address, without brackets.
    host: String,
    port: u16,
    path: String,
    /// The `Host` header; a server in production answers to its own names only.
    named: String,
}

/// Asks the server at `url`, or at the place where the settings of this process put it.
///
/// # Errors
/// The server does not answer in time, or answers anything but 200.
pub fn run(url: Option<&str>) -> anyhow::Result<ExitCode> {
    let target = match url {
        Some(url) => Target::of_url(url)?,
        None => Target::of_settings(&Settings::load()?)?,
    };
    ask(&target, TIME_OUT)?;
    println!("healthy");
    Ok(ExitCode::SUCCESS)
}

impl Target {
    fn of_url(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().context("--url is not an address")?;
        ensure!(uri.scheme_str() == Some("http"), "--url must begin with http://");
        let authority = uri.authority().context("--url names no host")?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: format!("{}/api/health", uri.path().trim_end_matches('/')),
            named: authority.to_string(),
        })
    }

    fn of_settings(settings: &Settings) -> anyhow::Result<Self> {
        ensure!(settings.port != 0, "PORT=0 takes any port: name it with --url");
        let host = match settings.host {
            IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        let allowed = match &settings.allowed_hosts {
            AllowList::Only(hosts) => hosts.first(),
            AllowList::Any => None,
        };
        let named = match allowed {
            // Any subdomain will do.
            Some(host) => host.replacen('*', "health", 1),
            None => "localhost".to_owned(),
        };
        Ok(Self { host: host.to_string(), port: settings.port, path: "/api/health".into(), named })
    }
}

/// Fails unless the answer is 200 and comes within `limit`.
fn ask(target: &Target, limit: Duration) -> anyhow::Result<()> {
    let Target { host, port, path, named } = target;
    let end = Instant::now() + limit;
    let mut stream = connect(host, *port, end).with_context(|| format!("no server at {host} port {port}"))?;
    stream.set_write_timeout(Some(left(end)?))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {named}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).context("the server does not listen")?;
    let line = status_line(&mut stream, end).context("the server does not answer")?;
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some("HTTP/1.1"), Some("200")) => Ok(()),
        (Some("HTTP/1.1"), Some(status)) => {
            bail!("not healthy: the server answers {}", status.escape_debug())
        }
        _ => bail!("what answers is no HTTP server"),
    }
}

fn connect(host: &str, port: u16, end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Reads up to the first line end; a server that drips is not waited for.
fn status_line(stream: &mut TcpStream, end: Instant) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; LONGEST_STATUS_LINE];
    while bytes.len() < LONGEST_STATUS_LINE && !bytes.contains(&b'\n') {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut buffer)? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned())
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;
    use crate::settings::Inputs;

    /// Answers one request with `answer`, and gives back what was asked.
    fn server(answer: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            // Without an answer, wait for the other side to give up.
            while answer.is_empty() && stream.read(&mut [0]).is_ok_and(|count| count > 0) {}
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (url, asked)
    }

    fn verdict(answer: &'static str) -> Result<String, String> {
        let (url, asked) = server(answer);
        let outcome = ask(&Target::of_url(&url).unwrap(), Duration::from_millis(500));
        let asked = asked.join().unwrap();
        outcome.map(|()| asked).map_err(|error| error.to_string())
    }

    #[test]
    fn only_200_is_healthy() {
        let asked = verdict("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert!(asked.starts_with("GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:"), "{asked}");
        let unavailable = verdict("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(unavailable, Err("not healthy: the server answers 503".into()));
        assert_eq!(verdict("SSH-2.0-x\r\n"), Err("what answers is no HTTP server".into()));
    }

    #[test]
    fn a_silent_or_absent_server_is_not_waited_for() {
        assert_eq!(verdict(""), Err("the server does not answer".into()));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let absent = Target::of_url(&format!("http://127.0.0.1:{port}")).unwrap();
        let error = ask(&absent, TIME_OUT).unwrap_err();
        assert_eq!(error.to_string(), format!("no server at 127.0.0.1 port {port}"));
    }

    #[test]
    fn targets_follow_from_address_or_settings() {
        let target = |host: &str, port, path: &str, named: &str| Target {
            host: host.into(),
            port,
            path: path.into(),
            named: named.into(),
        };
        let of_url = |url| Target::of_url(url).unwrap();
        assert_eq!(of_url("http://a.com"), target("a.com", 80, "/api/health", "a.com"));
        assert_eq!(of_url("http://[::1]:81/x/"), target("::1", 81, "/x/api/health", "[::1]:81"));
        for bad in ["https://a.com", "a.com", "/x"] {
            assert!(Target::of_url(bad).is_err(), "{bad}");
        }

        let of_settings = |pairs: &[(&str, &str)]| {
            let inputs = Inputs::only(pairs.iter().copied());
            Target::of_settings(&Settings::from_inputs(&inputs).unwrap().settings)
        };
        assert_eq!(of_settings(&[]).unwrap(), target("127.0.0.1", 8000, "/api/health", "localhost"));
        let pairs = [("HOST", "::"), ("PORT", "9000"), ("ALLOWED_HOSTS", "*.a.com,b.com")];
        assert_eq!(of_settings(&pairs).unwrap(), target("::1", 9000, "/api/health", "health.a.com"));
        assert!(of_settings(&[("PORT", "0")]).is_err());
    }
}
