//! Reading a database URL.
//!
//! `tokio-postgres` reads the part before the `?`; what comes after is ours, because it knows only
//! some `sslmode`s and would take any parameter of a session.

use std::path::PathBuf;

use crate::config::{PostgresConfig, SslMode, UrlError};

pub(crate) fn parse(url: &str) -> Result<PostgresConfig, UrlError> {
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    if !(base.starts_with("postgres://") || base.starts_with("postgresql://")) {
        return Err(UrlError::Malformed);
    }
    // Its error may show parts of the URL: ours does not.
    let server: tokio_postgres::Config = base.parse().map_err(|_| UrlError::Malformed)?;
    let hosts = server.get_hosts().len();
    if hosts == 0 {
        return Err(UrlError::Missing("host"));
    }
    if !matches!(server.get_ports().len(), 0 | 1) && server.get_ports().len() != hosts {
        return Err(UrlError::Malformed);
    }
    if server.get_user().is_none_or(str::is_empty) {
        return Err(UrlError::Missing("user"));
    }
    if server.get_dbname().is_none_or(str::is_empty) {
        return Err(UrlError::Missing("database"));
    }
    let mut config = PostgresConfig::new(server);
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(UrlError::Malformed)?;
        set(&mut config, name, decode(value).ok_or(UrlError::Malformed)?)?;
    }
    Ok(config)
}

fn set(config: &mut PostgresConfig, name: &str, value: String) -> Result<(), UrlError> {
    match name {
        "sslmode" => config.ssl_mode = ssl_mode(value)?,
        "sslrootcert" => config.root_certificates = Some(PathBuf::from(value)),
        "target_session_attrs" => config.read_write = read_write(value)?,
        // A parameter's name is not secret, but a stray `&` in a password would make one of its tail.
        _ => return Err(UrlError::UnknownParameter(printable(name))),
    }
    Ok(())
}

fn ssl_mode(value: String) -> Result<SslMode, UrlError> {
    Ok(match value.as_str() {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        _ => {
            let possible = "disable, prefer, require, verify-ca and verify-full";
            return Err(UrlError::UnknownValue { parameter: "sslmode", value, possible });
        }
    })
}

fn read_write(value: String) -> Result<bool, UrlError> {
    match value.as_str() {
        "read-write" => Ok(true),
        "any" => Ok(false),
        _ => {
            let possible = "read-write and any";
            Err(UrlError::UnknownValue { parameter: "target_session_attrs", value, possible })
        }
    }
}

/// A name that looks like one; anything else could be a piece of a password.
fn printable(name: &str) -> String {
    let looks = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if looks { name.to_owned() } else { "…".to_owned() }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read() {
        let config = parse(
            "postgres://ada:p%40ss@h1:5432,h2:5433/auth?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem\
             &target_session_attrs=any",
        )
        .unwrap();
        assert_eq!(config.hosts(), "h1:5432, h2:5433");
        assert_eq!((config.server.get_user(), config.server.get_dbname()), (Some("ada"), Some("auth")));
        assert_eq!(config.server.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(config.ssl_mode, SslMode::VerifyCa);
        assert_eq!(config.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        assert!(!config.read_write);
    }

    #[test]
    fn a_short_url_has_defaults() {
        let config = parse("postgresql://ada@localhost/auth").unwrap();
        assert_eq!(config.hosts(), "localhost:5432");
        assert_eq!((config.ssl_mode, config.read_write), (SslMode::Prefer, true));
        assert_eq!(
            parse("postgres://ada@h1,h2:1/auth").map(|config| config.hosts()).unwrap(),
            "h1:5432, h2:1"
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_without_the_password() {
        for (url, line) in [
            ("mysql://a:hunter2@h/d", "the database URL is not of the form"),
            ("host=h password=hunter2", "the database URL is not of the form"),
            ("postgres://a:hunter2@h:port/d", "the database URL is not of the form"),
            ("postgres://a:hunter2@/d", "the database URL names no host"),
            ("postgres://h/d", "the database URL names no user"),
            ("postgres://a:hunter2@h", "the database URL names no database"),
            ("postgres://a:hunter2@h/d?sslmode", "the database URL is not of the form"),
            ("postgres://a:hunter2@h/d?sslmode=%zz", "the database URL is not of the form"),
            ("postgres://a:hunter2@h/d?sslmode=allow", "the database URL has `sslmode=allow`; possible"),
            ("postgres://a:hunter2@h/d?connect_timeout=1", "an unknown parameter `connect_timeout`"),
            ("postgres://a:hunter2@h/d?target_session_attrs=standby", "possible are read-write and any"),
            ("postgres://a:p?hunter2=1@h/d", "the database URL is not of the form"),
            ("postgres://a@h/d?x&hunter2=1@h/d", "the database URL is not of the form"),
        ] {
            let error = parse(url).map(|config| config.hosts()).unwrap_err().to_string();
            assert!(error.contains(line), "{url}: {error}");
            assert!(!error.contains("hunter2") && !error.contains('\n'), "{url}: {error}");
        }
    }

    #[test]
    fn no_debug_output_shows_the_password() {
        let config = parse("postgres://ada:hunter2@h/d").unwrap();
        assert!(!format!("{config:?} {config:#?}").contains("hunter2"));
    }
}
