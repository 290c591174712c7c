//! Encryption: the right authority is trusted and no other.

use std::{net::TcpStream, path::PathBuf};

use auth_breach::{RangeApi, RangeConfig, RangeConfigError};
use auth_domain::port::BreachedPasswords as _;
use auth_testkit::part::{Certificates, Daemon, Part, free_port, ranges::sha1};

use crate::password;

/// `openssl s_server` gives out files, which is all that this API needs.
fn serving(known: &str) -> (Daemon, Certificates, u16) {
    let folder = Part::new("breach-tls");
    let certificates = Certificates::make(&folder);
    let digest = sha1(known);
    folder.write(&digest[..5], &format!("{}:7\r\n", &digest[5..]));
    let text = |path: &PathBuf| path.to_str().expect("a printable path").to_owned();
    let (certificate, key) = (text(&certificates.certificate), text(&certificates.key));
    let port = free_port();
    let number = port.to_string();
    let args = ["s_server", "-quiet", "-accept", &number, "-cert", &certificate, "-key", &key, "-WWW"];
    let daemon = folder.start("KILL", "openssl", &args, || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (daemon, certificates, port)
}

#[tokio::test]
async fn trusts_the_authority_it_was_given_and_the_name_it_asked_for() {
    let (_daemon, certificates, port) = serving("letmein");
    let ask = async |host: &str, ca_file: Option<PathBuf>| {
        let api = RangeApi::new(&RangeConfig { url: format!("https://{host}:{port}"), ca_file }).unwrap();
        api.contains(&password("letmein")).await
    };
    assert!(ask("localhost", Some(certificates.authority.clone())).await.unwrap());
    assert!(ask("localhost", None).await.is_err(), "not an authority of the system");
    assert!(ask("127.0.0.2", Some(certificates.authority)).await.is_err(), "not this name");
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = Part::new("breach-tls");
    for path in [folder.write("empty.pem", ""), folder.dir().join("gone.pem")] {
        let config = RangeConfig { url: "https://localhost".to_owned(), ca_file: Some(path) };
        assert!(matches!(RangeApi::new(&config), Err(RangeConfigError::Authorities(_))));
    }
}
