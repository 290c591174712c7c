//! Text messages against a mock of AWS: `sms check`, and a person who signs in with them.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Output,
    thread,
    time::{Duration, Instant},
};

use auth_testkit::part::{Moto, free_port};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{PASSWORD, TestServer, process::run};

const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "hunter2");
/// Nobody in a test asks the machine beyond the loopback who it is.
const NO_INSTANCE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

/// Runs `sms check` with these words and settings on top of a region at the mock.
fn check(words: &[&str], settings: &[(&str, &str)]) -> Output {
    let url = Moto::shared().url();
    let place = [("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", url.as_str())];
    let settings: Vec<_> = place.into_iter().chain(settings.iter().copied()).collect();
    run(&[&["sms", "check"], words].concat(), &settings)
}

#[track_caller]
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[track_caller]
fn refused(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_check_sends_nothing_until_it_is_told_where_to() {
    let (to, moto) = ("+12125550101", Moto::shared());
    let text = said(&check(&[], &[KEY, SECRET]));
    assert_eq!(text, format!("credentials for SNS at {} are there; nothing was sent\n", moto.url()));
    assert_eq!(moto.sms_to(to).len(), 0);

    let text = said(&check(&["--to", "(212) 555-0101"], &[KEY, SECRET, ("BRANDING_NAME", "Acme & Sons")]));
    let [sms] = moto.sms_to(to).try_into().expect("one message");
    assert_eq!(sms.message, "Acme & Sons: a test message");
    assert_eq!(text, format!("SNS at {} took the message as {}\n", moto.url(), sms.message_id));
}

#[test]
fn nothing_is_sent_where_the_server_would_not() {
    let moto = Moto::shared();
    for (to, more, reason) in [
        ("+447400123456", ("SMS_COUNTRIES", "US"), "no text messages are sent to this country"),
        (
            "+19002345678",
            ("SMS_COUNTRIES", "US"),
            "no text messages are sent to numbers of this kind (Premium)",
        ),
        ("+1212555", ("SMS_COUNTRIES", "US"), "a phone number is '+' and 7 to 15 digits"),
        ("+12125550102", ("SMS_DAILY_LIMIT", "0"), "SMS_DAILY_LIMIT is 0: nothing is sent"),
        ("+12125550102", ("SMS_PROVIDER", "off"), "text messages are switched off; see SMS_PROVIDER"),
        ("+12125550102", ("SMS_PROVIDER", "capture"), "text messages are captured in the dev mailbox"),
    ] {
        let text = refused(&check(&["--to", to], &[KEY, SECRET, more]));
        assert!(text.contains(reason), "{text}");
        assert_eq!(moto.sms_to(to).len(), 0, "{to}");
    }
}

#[test]
fn credentials_come_from_where_the_machine_keeps_them() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("credentials");
    let profile =
        "[mail]\naws_access_key_id = A\n[sms]\naws_access_key_id = B\naws_secret_access_key = hunter2\n";
    std::fs::write(&path, profile).expect("a file");
    let path = path.to_str().expect("a printable path");
    let machine = format!("http://127.0.0.1:{}", machine());
    let container = format!("{machine}/role");
    let ways: [(&str, &[(&str, &str)]); 4] = [
        ("+12125550103", &[KEY, SECRET, ("AWS_SESSION_TOKEN", "hunter2"), NO_INSTANCE]),
        ("+12125550104", &[("AWS_SHARED_CREDENTIALS_FILE", path), ("AWS_PROFILE", "sms"), NO_INSTANCE]),
        ("+12125550105", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container), NO_INSTANCE]),
        ("+12125550106", &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &machine)]),
    ];
    for (to, way) in ways {
        said(&check(&["--to", to], way));
        assert_eq!(Moto::shared().sms_to(to).len(), 1, "{way:?}");
    }
}

#[test]
fn missing_credentials_are_said() {
    let text = refused(&check(&["--to", "+12125550107"], &[NO_INSTANCE]));
    assert!(text.starts_with("error: no credentials of AWS: "), "{text}");
    assert_eq!(Moto::shared().sms_to("+12125550107").len(), 0);
}

#[test]
fn an_endpoint_where_nobody_is_is_said() {
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let text = refused(&check(&["--to", "+12125550108"], &[KEY, SECRET, ("AWS_ENDPOINT_URL_SNS", &nowhere)]));
    assert!(
        text.starts_with("error: the message was not taken: the provider of text messages is unavailable: ")
    );
    assert!(!text.contains("12125550108"), "{text}");
}

/// A server that sends through SNS at this address.
async fn texting_at(endpoint: &str) -> TestServer {
    TestServer::with(&[("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", endpoint), KEY, SECRET]).await
}

/// The code in the newest message to a number.
fn newest_code(to: &str) -> String {
    let sms = Moto::shared().sms_to(to).pop().expect("a message");
    sms.message.chars().filter(char::is_ascii_digit).take(6).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_proved_and_then_asked_at_login() {
    let (api, to, email) = (texting_at(&Moto::shared().url()).await, "+12125550140", "ada@example.com");
    let access = api.signed_in(email).await.access;
    let setup = json!({"phone_number": "(212) 555-0140"});
    let answer = api.send(Method::POST, "/api/sms-mfa/setup", &access, Some(&setup)).await;
    answer.message("SMS MFA enabled and verification code sent to your phone");
    let code = json!({"mfa_code": newest_code(to)});
    let answer = api.send(Method::POST, "/api/sms-mfa/verify", &access, Some(&code)).await;
    answer.message("Phone number verified successfully");
    let credentials = json!({"email": email, "password": PASSWORD});
    assert_eq!(
        api.login(email, PASSWORD).await.status,
        StatusCode::BAD_REQUEST,
        "the password is not enough"
    );
    let sent = api.post("/api/sms-mfa/send-code", &credentials).await.expect(StatusCode::OK);
    let messages = Moto::shared().sms_to(to);
    let newest = messages.last().expect("a message");
    assert_eq!(sent.body["message_id"].as_str(), Some(newest.message_id.as_str()));
    assert!(newest.message.starts_with("Your login code is: "), "{}", newest.message);
    let mut login = credentials.clone();
    login["totp_code"] = newest_code(to).into();
    api.post("/api/auth/login", &login).await.tokens();
    api.post("/api/auth/login", &login).await.expect(StatusCode::BAD_REQUEST);
    let captured = api.messages(to).await;
    assert!(captured.is_empty(), "what is sent is not captured: {captured:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_sns_is_an_answer_within_its_limit() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = silent.local_addr().expect("it is bound").port();
    let api = texting_at(&format!("http://127.0.0.1:{port}")).await;
    let access = api.signed_in("ada@example.com").await.access;
    let setup = json!({"phone_number": "+12125550141"});
    let begun = Instant::now();
    let answer = api.send(Method::POST, "/api/sms-mfa/setup", &access, Some(&setup)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    api.get("/api/auth/me", &access).await.expect(StatusCode::OK);
    api.login("ada@example.com", PASSWORD).await.tokens();
}

/// A machine that hands out the credentials of its role: as a container at `/role`, and as an instance.
fn machine() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| hand_out(&stream)));
    port
}

/// Answers one request and closes.
fn hand_out(mut stream: &TcpStream) {
    let head: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let credentials = r#"{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z",
        "AccessKeyId":"AKIDROLE","SecretAccessKey":"hunter2","Token":"t","AccountId":"123456789012",
        "Expiration":"2126-01-01T00:00:00Z"}"#;
    let body = match path.trim_end_matches('/') {
        "/latest/api/token" => "token",
        "/role" => credentials,
        path if path.ends_with("/texting") => credentials,
        path if path.contains("/iam/security-credentials") => "texting",
        _ => "",
    };
    let head = "Connection: close\r\nX-aws-ec2-metadata-token-ttl-seconds: 600\r\nContent-Type: text/plain";
    // A caller that is gone needs no answer.
    let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}
