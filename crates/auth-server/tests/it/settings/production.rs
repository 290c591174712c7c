//! What production refuses.

use auth_server::settings::{AllowList, LogFormat};

use crate::support::{Place, STRONG};

#[test]
fn a_complete_production_starts() {
    let settings = Place::production().load().settings;
    assert_eq!(settings.listen_on().to_string(), "0.0.0.0:8000");
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.allowed_hosts, AllowList::Only(vec!["auth.example.com".into()]));
    assert!(!settings.has_dev_mailbox());
}

#[test]
fn an_empty_production_is_told_everything_at_once() {
    let lines = Place::new().env("APP_ENV", "production").refusals();
    let named: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(named, ["SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS", "MAIL_PROVIDER", "SMS_PROVIDER"]);
}

#[test]
fn each_refusal_is_one_line() {
    for (name, value, expected) in [
        (
            "SECRET_KEY",
            "",
            "(default): production needs a secret of its own; generate one: openssl rand -base64 32",
        ),
        (
            "SECRET_KEY",
            "local-development-only-do-not-use-in-production",
            "(environment): this secret stands in a published template, so everybody knows it; generate one: \
             openssl rand -base64 32",
        ),
        (
            "API_KEY_SECRET",
            "test-only-secret-key-never-use-this-in-production-0001",
            "(environment): this secret stands in a published template, so everybody knows it; generate one: \
             openssl rand -base64 32",
        ),
        ("API_KEY_SECRET", STRONG, "(environment): must differ from SECRET_KEY: one purpose for each secret"),
        (
            "METRICS_TOKEN",
            STRONG,
            "(environment): must differ from the other secrets: one purpose for each secret",
        ),
        (
            "DATABASE_URL",
            "sqlite::memory:",
            "(environment): production keeps its accounts: set postgresql://… or sqlite://PATH",
        ),
        ("PUBLIC_URL", "http://a.com", "(environment): production needs an address with https://"),
        ("FRONTEND_URL", "http://a.com", "(environment): production needs an address with https://"),
        ("CORS_ORIGINS", "*", "(environment): production needs the origins by name, not *"),
        (
            "ALLOWED_HOSTS",
            "*",
            "(environment): production needs the host names it answers, like auth.example.com",
        ),
        (
            "TRUSTED_PROXIES",
            "0.0.0.0/0",
            "(environment): a network of everybody lets every caller choose an address; name the proxies",
        ),
        (
            "MAIL_PROVIDER",
            "capture",
            "(environment): production does not capture mail: set SMTP_HOST, or off to let messages wait in the outbox",
        ),
        (
            "SMS_PROVIDER",
            "",
            "(default): production does not capture text messages: set AWS_REGION, or off to send none",
        ),
    ] {
        assert_eq!(Place::production().env(name, value).refusal(), format!("{name} {expected}"));
    }
}

#[test]
fn the_same_is_fine_in_development() {
    let place = Place::new()
        .env("SECRET_KEY", "local-development-only-do-not-use-in-production")
        .env("CORS_ORIGINS", "*")
        .env("TRUSTED_PROXIES", "0.0.0.0/0")
        .env("DATABASE_URL", "sqlite::memory:");
    assert_eq!(place.refusals(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn files_with_secrets_are_not_for_everybody() {
    let dotenv = format!("SECRET_KEY={STRONG}");
    let place = Place::production().env("SECRET_KEY", "").file(".env", "PORT=1").mode(".env", 0o644);
    assert_eq!(place.refusals().len(), 1, "no secret in it: only SECRET_KEY is missing");
    let without = Place::new().file(".env", &dotenv).mode(".env", 0o644);
    assert_eq!(without.refusals(), [""; 0], "development takes the file as it is");
    let production = format!(
        "{dotenv}\nAPP_ENV=production\nPUBLIC_URL=https://a.com\nALLOWED_HOSTS=a.com\nMAIL_PROVIDER=off\n\
         SMS_PROVIDER=off"
    );
    let place = Place::new().file(".env", &production);
    assert_eq!(place.refusals(), [""; 0]);
    assert_eq!(
        place.mode(".env", 0o644).refusal(),
        ".env: everybody may read this file, and it holds a secret; take that right away (chmod o-rwx)"
    );
}

#[test]
fn a_mail_catcher_is_no_mail_server() {
    let place = || {
        Place::production()
            .env("MAIL_PROVIDER", "smtp")
            .env("SMTP_HOST", "smtp.example.com")
            .env("EMAILS_FROM_EMAIL", "noreply@example.com")
    };
    assert_eq!(place().refusals(), [""; 0]);
    for (name, value, reason) in [
        ("SMTP_HOST", "localhost", "production needs a mail server, not a mail catcher on its own machine"),
        ("SMTP_HOST", "127.0.0.1", "production needs a mail server, not a mail catcher on its own machine"),
        ("SMTP_PORT", "1025", "mail catchers listen at 1025; production needs a server that delivers"),
    ] {
        let line = place().env(name, value).refusal();
        assert_eq!(line, format!("{name} (environment): {reason}"));
    }
    let plain = place().env("SMTP_PASSWORD", STRONG).env("SMTP_TLS", "false");
    assert_eq!(
        plain.refusal(),
        "SMTP_TLS (environment): the password would cross the network unencrypted: set true"
    );
}

#[test]
fn passwords_for_the_pool_do_not_cross_the_network_in_the_open() {
    let pool = |endpoint: &str| {
        Place::production()
            .env("AUTH_PROVIDER", "cognito")
            .env("COGNITO_REGION", "us-east-1")
            .env("COGNITO_USER_POOL_ID", "us-east-1_Ab1")
            .env("COGNITO_CLIENT_ID", "4s8k2")
            .env("COGNITO_ENDPOINT_URL", endpoint)
    };
    for near in ["http://127.0.0.1:5000", "https://pool.example.com"] {
        assert!(pool(near).load().settings.cognito.is_some(), "{near}");
    }
    assert_eq!(
        pool("http://pool.example.com").refusal(),
        "COGNITO_ENDPOINT_URL (environment): passwords would cross the network unencrypted: production needs \
         https://"
    );
}

#[test]
fn questions_about_passwords_are_not_asked_in_the_open() {
    let asking = |url: &str| Place::production().env("PASSWORD_BREACH_CHECK_URL", url);
    let refused = asking("http://ranges.example.com/range").refusals();
    assert_eq!(
        refused,
        ["PASSWORD_BREACH_CHECK_URL (environment): parts of passwords would cross the network unencrypted: \
          production needs https://"]
    );
    for near in ["https://ranges.example.com/range", "http://127.0.0.1:9000/range"] {
        let settings = asking(near).load().settings;
        assert_eq!(settings.breached_passwords.url.expect("an address").as_str(), near);
    }
}

#[test]
fn sources_of_breached_passwords_are_looked_at_before_the_start() {
    for (name, value, reason) in [
        (
            "PASSWORD_BREACH_CHECK_URL",
            "ranges.example.com",
            "expected an address like https://ranges.example.com/range, found \"ranges.example.com\"",
        ),
        ("PASSWORD_BREACH_FILE", "/nowhere/breached.txt", "/nowhere/breached.txt cannot be read"),
    ] {
        assert_eq!(Place::new().env(name, value).refusals(), [format!("{name} (environment): {reason}")]);
    }
}
