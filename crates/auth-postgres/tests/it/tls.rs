//! Encryption: who is believed, and who is not.

use std::{fs, path::Path, process::Command};

use auth_domain::port::{Store, StoreError};
use auth_postgres::{OpenError, PostgresStore};
use auth_testkit::part::postgres::Postgres;
use tempfile::TempDir;

use crate::support::{SERVER, config};

/// Authorities and a certificate for `localhost`, made by the openssl program.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let made = Self(TempDir::new().unwrap());
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        for authority in ["ca", "stranger"] {
            let (pem, private) = (format!("{authority}.pem"), format!("{authority}.key"));
            let subject = format!("/CN=test {authority}");
            let rest = ["-days", "2", "-keyout", &private, "-out", &pem, "-subj", &subject];
            made.openssl(&[["req", "-x509"].as_slice(), &key, &rest].concat());
        }
        let rest = ["-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost"];
        made.openssl(&[["req"].as_slice(), &key, &rest].concat());
        fs::write(made.0.path().join("names"), "subjectAltName=DNS:localhost").unwrap();
        let sign = "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem";
        made.openssl(&sign.split(' ').collect::<Vec<_>>());
        made
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

/// The whole chain of causes.
fn reasons(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mode_decides_who_is_believed() {
    let certificates = Certificates::new();
    let server = Postgres::tls(&certificates.read("leaf.pem"), &certificates.read("leaf.key"));
    let (ca, stranger) = (certificates.path("ca.pem"), certificates.path("stranger.pem"));
    let believed = |authority: &str| format!("&sslrootcert={authority}");
    for (number, (host, parameters, outcome)) in [
        ("localhost", format!("verify-full{}", believed(&ca)), Ok("t")),
        ("127.0.0.1", format!("verify-full{}", believed(&ca)), Err("not valid for name")),
        ("localhost", format!("verify-full{}", believed(&stranger)), Err("UnknownIssuer")),
        ("localhost", "verify-full".to_owned(), Err("UnknownIssuer")),
        ("127.0.0.1", format!("verify-ca{}", believed(&ca)), Ok("t")),
        ("localhost", format!("verify-ca{}", believed(&stranger)), Err("UnknownIssuer")),
        ("127.0.0.1", "require".to_owned(), Ok("t")),
        ("127.0.0.1", "prefer".to_owned(), Ok("t")),
        ("127.0.0.1", "disable".to_owned(), Ok("f")),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("postgres://postgres@{host}:{}/postgres?sslmode={parameters}", server.port());
        let mut config = config(&url);
        config.application_name = format!("case {number}");
        let store = match PostgresStore::open(&config) {
            Ok(store) => store,
            // A machine without authorities of its own cannot ask for them.
            Err(OpenError::NoSystemCertificates) if !parameters.contains("sslrootcert") => continue,
            Err(error) => panic!("{url}: {error}"),
        };
        match (store.ping().await, outcome) {
            (Ok(()), Ok(encrypted)) => {
                let seen = format!(
                    "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'case {number}'"
                );
                assert_eq!(server.sql("postgres", &seen), encrypted, "{url}");
            }
            (Err(error), Err(reason)) => {
                assert!(matches!(error, StoreError::Unavailable(_)));
                assert!(reasons(&error).contains(reason), "{url}: {}", reasons(&error));
            }
            (seen, expected) => panic!("{url}: {seen:?} instead of {expected:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_encryption_is_only_used_where_that_is_allowed() {
    for (mode, works) in [("disable", true), ("prefer", true), ("require", false), ("verify-full", false)] {
        let url = format!("{}?sslmode={mode}", SERVER.url("postgres"));
        let Ok(store) = PostgresStore::open(&config(&url)) else { continue };
        assert_eq!(store.ping().await.is_ok(), works, "{mode}");
    }
}

#[test]
fn authorities_that_cannot_be_read_are_refused() {
    let directory = TempDir::new().unwrap();
    let open = |path: &Path| {
        let url = format!("postgres://a@h/d?sslmode=verify-full&sslrootcert={}", path.display());
        PostgresStore::open(&config(&url)).map(drop)
    };
    let missing = directory.path().join("missing.pem");
    assert!(matches!(open(&missing), Err(OpenError::RootCertificates { path, .. }) if path == missing));
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "no certificate").unwrap();
    assert!(matches!(open(&empty), Err(OpenError::RootCertificates { .. })));
}

/// A wrong password is refused, and shows up nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_checked_and_never_shown() {
    // Over TLS the password proof is bound to the channel as well.
    let certificates = Certificates::new();
    let server = Postgres::tls(&certificates.read("leaf.pem"), &certificates.read("leaf.key"));
    server
        .sql("postgres", "SET password_encryption = 'scram-sha-256'; CREATE ROLE ada LOGIN PASSWORD 'right'");
    let rules = server.daemon().part().dir().join("data/pg_hba.conf");
    let trust = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("host all ada 127.0.0.1/32 scram-sha-256\n{trust}")).unwrap();
    server.control(&["reload"]);
    let url = |password: &str| format!("postgres://ada:{password}@127.0.0.1:{}/postgres", server.port());
    // A reload takes a moment.
    let wrong = PostgresStore::open(&config(&url("hunter2"))).unwrap();
    let error = loop {
        match wrong.ping().await {
            Ok(()) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            Err(error) => break error,
        }
        server
            .sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ada'");
    };
    assert!(reasons(&error).contains("password authentication failed"), "{}", reasons(&error));
    assert!(!format!("{error:?} {wrong:?} {}", reasons(&error)).contains("hunter2"));
    PostgresStore::open(&config(&url("right"))).unwrap().ping().await.unwrap();
}
