//! Single values: defaults, ranges, spellings.

use auth_domain::{
    factor::{FactorKind, MfaPolicy},
    guard::pumping::SmsPolicy,
    port::{OutsideKeyAlgorithm, Quota},
    token::JwtAlgorithm,
};
use auth_server::settings::{AllowList, AppEnv, ForwardedHeader, LogFormat, MailDelivery, SmsDelivery};
use chrono::TimeDelta;
use tracing::Level;

use crate::support::{Place, STRONG};

#[test]
fn with_nothing_set_the_server_runs() {
    let settings = Place::new().load().settings;
    assert_eq!(settings.app_env, AppEnv::Development);
    assert_eq!(settings.listen_on().to_string(), "127.0.0.1:8000");
    assert_eq!(settings.database.to_string(), "sqlite://data/auth.sqlite3");
    assert_eq!(settings.secret_key_path().to_str(), Some("data/secret.key"));
    assert!(settings.secret_key.is_none());
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8000");
    assert_eq!(settings.link_base, settings.public_url);
    assert_eq!(
        (settings.jwt_issuer.as_str(), settings.jwt_audience.as_str()),
        ("http://127.0.0.1:8000", "auth")
    );
    assert_eq!(settings.jwt_algorithm, JwtAlgorithm::EdDsa);
    assert_eq!(settings.access_token_life, TimeDelta::minutes(30));
    assert_eq!(settings.refresh_token_life, TimeDelta::days(7));
    assert_eq!(settings.refresh_grace, TimeDelta::seconds(10));
    assert_eq!(settings.session_extension, TimeDelta::minutes(180));
    assert_eq!((settings.rate_limit, settings.email_limit), (Quota::per_minute(10), Quota::per_hour(10)));
    assert_eq!(settings.rate_limit_login, Quota::per_minute(5));
    assert_eq!(settings.rate_limit_password_reset, Quota::per_minute(3));
    assert_eq!((settings.cors_origins, settings.allowed_hosts), (AllowList::Only(vec![]), AllowList::Any));
    assert_eq!(settings.forwarded_header, ForwardedHeader::XForwardedFor);
    assert_eq!(settings.mail, MailDelivery::Capture);
    assert!(matches!(settings.sms, SmsDelivery::Capture), "{:?}", settings.sms);
    assert_eq!((settings.sms_policy, settings.sms_default_region.as_str()), (SmsPolicy::default(), "US"));
    assert_eq!(settings.mfa, MfaPolicy::default());
    assert_eq!((settings.log_level, settings.log_format), (Level::INFO, LogFormat::Human));
    assert_eq!((settings.max_sessions_per_user, settings.branding_name.as_str()), (20, "Auth"));
    assert!(settings.hash_threads >= 1);
}

/// The first gate rises with the limits it stands in front of, and may not be set below them.
#[test]
fn the_first_gate_hides_no_limit() {
    let edge = |place: Place| place.load().settings.edge_requests_per_second;
    assert_eq!(edge(Place::new()), 50);
    assert_eq!(edge(Place::new().env("RATE_LIMIT_PER_MINUTE", "6000")), 600);
    assert_eq!(edge(Place::new().env("EDGE_REQUESTS_PER_SECOND", "0")), 0);
    assert_eq!(edge(Place::new().env("EDGE_REQUESTS_PER_SECOND", "1")), 1);
    let low = Place::new().env("EDGE_REQUESTS_PER_SECOND", "1").env("RATE_LIMIT_LOGIN_PER_MINUTE", "120");
    let refused = low.refusal();
    assert!(refused.contains("EDGE_REQUESTS_PER_SECOND") && refused.contains("set 2 at least"), "{refused}");
}

#[test]
fn keys_that_are_minted_outside_have_one_algorithm_and_a_strong_secret() {
    let keys = |place: Place| place.load().settings.api_keys;
    let usual = keys(Place::new());
    assert_eq!((usual.algorithm, usual.header.as_str()), (OutsideKeyAlgorithm::Hs256, "X-elevAIte-apikey"));
    assert_eq!((usual.secret.is_none(), usual.public_key, usual.quota.limit), (true, None, 600));
    let place = Place::new().env("API_KEY_ALGORITHM", "eddsa").env("API_KEY_HEADER", "x-key");
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAw2r2QyKsb1Cl7EYvudILzqg6v1/PMhTNlUCQ3p4Y708=\n-----END PUBLIC KEY-----";
    let other = keys(place.env("API_KEY_PUBLIC_KEY", &pem.replace('\n', "\\n")));
    assert_eq!((other.algorithm, other.header.as_str()), (OutsideKeyAlgorithm::EdDsa, "x-key"));
    assert_eq!(other.public_key.as_deref(), Some(pem));
    let unfit = Place::new().env("API_KEY_ALGORITHM", "ES256").env("API_KEY_PUBLIC_KEY", pem).refusal();
    assert_eq!(unfit, "API_KEY_PUBLIC_KEY (environment): not a public key (PEM) of the algorithm");
    for (name, value) in [
        ("API_KEY_ALGORITHM", "none"),
        ("API_KEY_ALGORITHM", "PS256"),
        ("API_KEY_HEADER", "two words"),
        ("API_KEY_SECRET", "short"),
        ("API_KEY_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("RATE_LIMIT_API_KEY_PER_MINUTE", "0"),
    ] {
        let refused = Place::new().env(name, value).refusal();
        assert!(refused.starts_with(name), "{refused}");
    }
}

#[test]
fn connections_are_bounded_unless_said_otherwise() {
    let settings = Place::new().load().settings;
    assert_eq!(settings.max_connections, 10_000);
    assert_eq!(settings.max_connections_per_address.map(std::num::NonZero::get), Some(256));
    let any = Place::new().env("HTTP_MAX_CONNECTIONS_PER_ADDRESS", "0").load().settings;
    assert_eq!(any.max_connections_per_address, None);
    assert_eq!(settings.keep_alive.as_secs(), 75);
    let short = Place::new().env("HTTP_KEEP_ALIVE_SECONDS", "5").load().settings;
    assert_eq!(short.keep_alive.as_secs(), 5);
}

#[test]
fn hashes_have_a_budget_that_fits() {
    let kib = Place::new().env("HASH_MEMORY_MB", "38").load().settings.hash_memory_kib;
    assert_eq!(kib, 38 * 1024);
    assert!(Place::new().load().settings.hash_memory_kib >= 19 * 1024);
    let small = Place::new().env("HASH_MEMORY_MB", "18").refusal();
    assert!(small.contains("HASH_MEMORY_MB") && small.contains("set 19 at least"), "{small}");
    // No machine has a TiB to spare for this.
    let large = Place::new().env("HASH_MEMORY_MB", "1048576").refusal();
    assert!(large.contains("HASH_MEMORY_MB") && large.contains("this machine or container has"), "{large}");
}

#[test]
fn every_setting_of_this_version_is_read() {
    let read: Vec<_> = Place::new().load().effective.into_iter().map(|setting| setting.name).collect();
    let page = auth_server::settings::settings_reference();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let name = row.split('`').nth(1).unwrap();
        assert!(read.contains(&name), "{name} is in the table, but nothing reads it");
    }
}

#[test]
fn the_data_directory_holds_the_database_unless_said_otherwise() {
    let place = Place::new().env("DATA_DIR", "/var/lib/auth?");
    assert_eq!(place.load().settings.database.to_string(), "sqlite:///var/lib/auth?/auth.sqlite3");
    let place = place.env("DATABASE_URL", "sqlite::memory:");
    assert_eq!(place.load().settings.database.to_string(), "sqlite::memory:");
}

#[test]
fn addresses_follow_from_one_another() {
    let settings = Place::new().env("HOST", "::1").env("PORT", "9000").load().settings;
    assert_eq!(settings.public_url.as_str(), "http://[::1]:9000");
    let settings = Place::new().env("HOST", "0.0.0.0").load().settings;
    assert_eq!(settings.jwt_issuer, "http://localhost:8000");
    let settings = Place::new().env("FRONTEND_URL", "http://localhost:3002/").load().settings;
    assert_eq!(settings.link_base.as_str(), "http://localhost:3002");
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8000");
}

#[test]
fn refresh_minutes_win_over_days() {
    let place = Place::new().env("REFRESH_TOKEN_EXPIRE_DAYS", "30").env("REFRESH_TOKEN_EXPIRE_MINUTES", "45");
    assert_eq!(place.load().settings.refresh_token_life, TimeDelta::minutes(45));
}

#[test]
fn devices_are_known_for_minutes_else_for_hours() {
    for (minutes, hours, bypass) in
        [(None, None, 5), (None, Some("24"), 1440), (Some("7"), Some("24"), 7), (Some("0"), None, 0)]
    {
        let named = [("MFA_DEVICE_BYPASS_MINUTES", minutes), ("MFA_DEVICE_BYPASS_HOURS", hours)];
        let set = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let place = set.fold(Place::new(), |place, (name, value)| place.env(name, value));
        assert_eq!(place.load().settings.mfa.device_bypass, TimeDelta::minutes(bypass), "{named:?}");
    }
}

#[test]
fn a_second_factor_can_be_demanded_of_everybody() {
    for (word, kind) in [
        ("email", Some(FactorKind::Email)),
        ("SMS", Some(FactorKind::Sms)),
        ("totp", Some(FactorKind::Totp)),
        ("none", None),
    ] {
        let place = Place::new()
            .env("MFA_REQUIRED", "yes")
            .env("EMAIL_MFA_GRACE_PERIOD_DAYS", "0")
            .env("MFA_AUTO_ENABLE_METHOD", word);
        let device_bypass = TimeDelta::minutes(5);
        let expected = MfaPolicy { required: true, grace_days: 0, auto_enable: kind, device_bypass };
        assert_eq!(place.load().settings.mfa, expected);
    }
}

#[test]
fn levels_have_the_names_of_python_too() {
    for (name, level) in
        [("warning", Level::WARN), ("CRITICAL", Level::ERROR), ("info", Level::INFO), ("Debug", Level::DEBUG)]
    {
        assert_eq!(Place::new().env("LOG_LEVEL", name).load().settings.log_level, level);
    }
}

#[test]
fn each_bad_value_is_one_line_that_names_setting_source_and_expectation() {
    for (name, value, expected) in [
        ("APP_ENV", "prod", "expected one of development, test, production, found \"prod\""),
        ("HOST", "nowhere", "expected an IP address, or localhost, found \"nowhere\""),
        ("PORT", "80000", "expected a whole number from 0 to 65535, found \"80000\""),
        ("PORT", "80\n00", "expected a whole number from 0 to 65535, found \"80\\n00\""),
        (
            "DATABASE_URL",
            "mysql://root:hunter2@db/x",
            "expected postgresql://USER:PASSWORD@HOST/NAME, sqlite://PATH or sqlite::memory:",
        ),
        (
            "DATABASE_URL",
            "postgresql://auth:hunter2@db/auth?sslmode=sometimes",
            "the database URL has `sslmode=sometimes`; possible are disable, prefer, require, verify-ca and \
             verify-full",
        ),
        (
            "TENANTS",
            "a,b c",
            "expected a comma list of names made of a-z, 0-9, _ and -, 63 characters at most, found \"a,b c\"",
        ),
        ("AUTH_PROVIDER", "okta", "expected one of native, cognito, both, found \"okta\""),
        (
            "SECRET_KEY",
            "hunter2",
            "expected at least 32 characters of chance, as `openssl rand -base64 32` makes them",
        ),
        (
            "API_KEY_SECRET",
            "hunter2",
            "expected at least 32 characters of chance, as `openssl rand -base64 32` makes them",
        ),
        (
            "METRICS_TOKEN",
            "hunter2hunter2",
            "expected at least 16 visible ASCII characters of chance, as `openssl rand -hex 16` makes them",
        ),
        (
            "METRICS_TOKEN",
            "hunter2 hunter2 hunter2",
            "expected at least 16 visible ASCII characters of chance, as `openssl rand -hex 16` makes them",
        ),
        ("PUBLIC_URL", "https://user:hunter2@x", "expected an address like https://auth.example.com"),
        (
            "FRONTEND_URL",
            "app.example.com",
            "expected an address like https://auth.example.com, found \"app.example.com\"",
        ),
        (
            "ALLOWED_HOSTS",
            "https://a.com",
            "expected host names without port, as a comma list or a JSON list, or * for any, found \"https://a.com\"",
        ),
        (
            "TRUSTED_PROXIES",
            "proxy",
            "expected networks like 10.0.0.0/8, as a comma list or a JSON list, found \"proxy\"",
        ),
        ("FORWARDED_HEADER", "x-real-ip", "expected one of x-forwarded-for, forwarded, found \"x-real-ip\""),
        ("JWT_ALGORITHM", "none", "expected one of EdDSA, ES256, RS256, HS256, found \"none\""),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "0", "expected a whole number from 1 to 1440, found \"0\""),
        ("REFRESH_GRACE_SECONDS", "61", "expected a whole number from 0 to 60, found \"61\""),
        ("PASSWORD_MIN_LENGTH", "7", "expected a whole number from 8 to 256, found \"7\""),
        ("HIDE_EXISTING_ACCOUNTS", "maybe", "expected true or false, found \"maybe\""),
        ("SMS_PROVIDER", "twilio", "expected one of sns, capture, off, found \"twilio\""),
        ("SMS_PROVIDER", "sns", "sns needs AWS_REGION, such as us-east-1"),
        (
            "AWS_REGION",
            "US East",
            "the AWS region is lower-case letters, digits and hyphens, such as us-east-1",
        ),
        (
            "AWS_ENDPOINT_URL",
            "localhost:5000",
            "expected an address like http://127.0.0.1:5000, found \"localhost:5000\"",
        ),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", "is set, so AWS_SECRET_ACCESS_KEY must be"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2", "is set, so AWS_ACCESS_KEY_ID must be"),
        (
            "SMS_COUNTRIES",
            "US,UK",
            "expected countries like US, as a comma list or a JSON list, found \"US,UK\"",
        ),
        ("SMS_DEFAULT_REGION", "England", "expected a country like US, found \"England\""),
        ("SMS_MAX_PER_HOUR", "0", "expected a whole number from 1 to 1000000, found \"0\""),
        ("SMS_DAILY_LIMIT", "-1", "expected a whole number from 0 to 100000000, found \"-1\""),
        ("SMTP_HOST", "localhost", "is set, so EMAILS_FROM_EMAIL must say in whose name mail is sent"),
        (
            "REDIS_URL",
            "http://:hunter2@x",
            "a Redis URL must look like redis://[[user]:password@]host[:port][/database], or rediss://… for TLS",
        ),
    ] {
        let line = Place::new().env(name, value).refusal();
        assert_eq!(line, format!("{name} (environment): {expected}"));
    }
}

#[test]
fn numbers_about_second_factors_have_bounds() {
    for (name, value, expected) in [
        ("MFA_AUTO_ENABLE_METHOD", "pigeon", "expected one of email, sms, totp, none, found \"pigeon\""),
        ("MFA_DEVICE_BYPASS_MINUTES", "1441", "expected a whole number from 0 to 1440, found \"1441\""),
        ("MFA_DEVICE_BYPASS_HOURS", "25", "expected a whole number from 0 to 24, found \"25\""),
    ] {
        let line = Place::new().env(name, value).refusal();
        assert_eq!(line, format!("{name} (environment): {expected}"));
    }
}

#[test]
fn nothing_is_traced_unless_a_collector_is_named() {
    assert!(Place::new().env("OTEL_SERVICE_NAME", "auth").load().settings.traces.is_none());
    let place = Place::new().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
    let traces = place.env("OTEL_TRACES_SAMPLER_ARG", "0.25").load().settings.traces.unwrap();
    let shown = (traces.endpoint.as_str(), traces.service.as_str(), traces.ratio.to_string());
    assert_eq!(shown, ("http://127.0.0.1:4318", "auth-server", "0.25".to_owned()));
    for (name, value, expected) in [
        ("OTEL_TRACES_SAMPLER_ARG", "2", "expected a number from 0 to 1, found \"2\""),
        ("OTEL_TRACES_SAMPLER_ARG", "NaN", "expected a number from 0 to 1, found \"NaN\""),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "expected an address like http://127.0.0.1:4318, found \"collector:4318\"",
        ),
    ] {
        let line = Place::new().env(name, value).refusal();
        assert_eq!(line, format!("{name} (environment): {expected}"));
    }
}

#[test]
fn every_reason_is_told_at_once() {
    let place = Place::new().file(".env", "PORT=x\nLOG_LEVEL=loud").env("JWT_ALGORITHM", "none");
    assert_eq!(place.refusals().len(), 3);
}

#[test]
fn settings_of_a_later_version_that_lose_nothing_are_accepted() {
    let place = Place::new()
        .file(".env", "SMTP_PORT=587\nSMTP_TLS=True\nSMTP_PASSWORD=hunter2\nEMAILS_FROM_NAME=Two Words")
        .env("REDIS_HOST", "localhost")
        .env("REDIS_ENABLED", "False");
    let password =
        place.load().effective.into_iter().find(|setting| setting.name == "SMTP_PASSWORD").unwrap();
    assert_eq!((password.value.as_str(), password.source.as_str()), ("set", ".env line 3"));
}

#[test]
fn no_secret_is_printed() {
    let place = Place::new().env("SECRET_KEY", STRONG).env("API_KEY_SECRET", &STRONG.to_lowercase());
    let printed = format!("{:?}", place.load()).to_lowercase();
    assert!(!printed.contains(&STRONG.to_lowercase()));
}

#[test]
fn several_replicas_need_what_they_share() {
    let place = Place::new().env("REPLICAS", "3");
    assert_eq!(
        place.refusals(),
        [
            "REPLICAS (environment): several replicas need one PostgreSQL for their accounts: set DATABASE_URL",
            "REPLICAS (environment): several replicas need one Redis for their limits: set REDIS_URL",
            "REPLICAS (environment): several replicas need one secret for their keys: set SECRET_KEY",
            "REPLICAS (environment): several replicas need one address, which their tokens name: set PUBLIC_URL",
        ]
    );
    let shared = place
        .env("DATABASE_URL", "postgres://auth@db/auth")
        .env("REDIS_URL", "redis://redis")
        .env("SECRET_KEY", STRONG)
        .env("PUBLIC_URL", "http://auth.internal");
    assert_eq!(shared.refusals(), [""; 0]);
}

#[test]
fn redis_may_come_in_parts() {
    let parts = Place::new()
        .env("REDIS_HOST", "redis.internal")
        .env("REDIS_DB", "3")
        .env("REDIS_USERNAME", "auth")
        .env("REDIS_PASSWORD", "p@ss/word,1");
    let redis = |place: &Place| place.load().settings.redis.map(|dsn| dsn.expose_secret().to_owned());
    let composed = "redis://auth:p%40ss%2Fword%2C1@redis.internal:6379/3";
    assert_eq!(redis(&parts).as_deref(), Some(composed));
    let whole = parts.env("REDIS_URL", "redis://elsewhere:7000");
    assert_eq!(redis(&whole).as_deref(), Some("redis://elsewhere:7000"), "the whole address wins");
    assert_eq!(redis(&whole.env("REDIS_ENABLED", "false")), None);
    assert_eq!(redis(&Place::new()), None);
}

#[test]
fn a_mail_server_that_is_named_gets_the_mail() {
    let place = || {
        Place::new()
            .env("SMTP_HOST", "smtp.example.com")
            .env("EMAILS_FROM_EMAIL", "noreply@example.com")
            .env("SMTP_PASSWORD", "hunter2")
    };
    let mail = |place: &Place| place.load().settings.mail;
    let MailDelivery::Smtp(smtp) = mail(&place()) else { panic!("{:?}", mail(&place())) };
    assert_eq!((smtp.port, smtp.start_tls, smtp.from.as_str()), (587, true, "noreply@example.com"));
    assert!(!format!("{smtp:?}").contains("hunter2"));
    assert_eq!(mail(&place().env("MAIL_PROVIDER", "capture")), MailDelivery::Capture);
    assert_eq!(mail(&place().env("MAIL_PROVIDER", "off")), MailDelivery::Off);
    assert_eq!(
        Place::new().env("MAIL_PROVIDER", "smtp").refusal(),
        "MAIL_PROVIDER (environment): smtp needs SMTP_HOST and EMAILS_FROM_EMAIL"
    );
}
