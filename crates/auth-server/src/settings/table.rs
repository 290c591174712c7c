//! The table of settings: one row each, the only place where a name, a default or a range stands.
//!
//! To add a setting: add a row here, a field to [`Settings`](super::Settings) and the line in
//! `read.rs` that fills it, then run the tests with `UPDATE_DOCS=1`.

use super::spec::{Default, Kind, Spec};

macro_rules! default {
    () => {
        Default::Unset
    };
    (is $text:literal) => {
        Default::Is($text)
    };
    (depends $words:literal) => {
        Default::Derived($words)
    };
}

macro_rules! table {
    ($($group:literal {$(
        $(#[doc = $doc:literal])+
        $name:ident $(or $alias:ident)*: $kind:expr $(, $how:ident $default:literal)?;
    )+})+) => {
        $($(
            $(#[doc = $doc])+
            pub(crate) static $name: Spec = Spec {
                name: stringify!($name),
                aliases: &[$(stringify!($alias)),*],
                kind: $kind,
                default: default!($($how $default)?),
                doc: concat!($($doc),+),
                group: $group,
            };
        )+)+

        /// Every setting, in the order of the reference page.
        pub(crate) static ALL: &[&Spec] = &[$($(&$name,)+)+];
    };
}

const LIST_OF_ORIGINS: &str =
    "origins like https://app.example.com, as a comma list or a JSON list, or * for any";
const LIST_OF_HOSTS: &str = "host names without port, as a comma list or a JSON list, or * for any";
const LIST_OF_COUNTRIES: &str = "countries like US, as a comma list or a JSON list";
const WEB_ADDRESS: &str = "an address like https://auth.example.com";
const SECRET: &str = "at least 32 characters of chance, as `openssl rand -base64 32` makes them";
const FORMER: &str = "a comma list of secrets like `SECRET_KEY`";
const BEARER: &str = "at least 16 visible ASCII characters of chance, as `openssl rand -hex 16` makes them";

table! {
    "Where it runs" {
        /// What the server is run for. Production refuses whatever is only good for trying out.
        APP_ENV: Kind::Choice(&["development", "test", "production"]), is "development";
        /// Address to listen on.
        HOST: Kind::Text("an IP address, or localhost"), depends "`127.0.0.1`; in production `0.0.0.0`";
        /// Port to listen on; 0 takes any free one.
        PORT: Kind::Number(0, 65535), is "8000";
        /// Directory of what the server keeps for itself: the generated secret, the embedded database.
        DATA_DIR: Kind::Text("a path"), is "data";
        /// Where accounts are stored. `sqlite://data/auth.sqlite3` is relative to the working directory, `sqlite:///var/lib/auth.sqlite3` is not; `sqlite::memory:` forgets everything at the end. `postgresql://USER:PASSWORD@HOST1:5432,HOST2:5432/NAME?sslmode=verify-full` serves several replicas; of several hosts the one that takes writes is used.
        DATABASE_URL or SQLALCHEMY_DATABASE_URL: Kind::Url("postgresql://USER:PASSWORD@HOST/NAME, sqlite://PATH or sqlite::memory:"), depends "`sqlite://<DATA_DIR>/auth.sqlite3`";
        /// Connections to PostgreSQL that requests share; two more are kept for health checks.
        DATABASE_POOL_SIZE: Kind::Number(1, 1000), is "32";
        /// Known tenants; `default` is always one of them.
        TENANTS: Kind::Text("a comma list of names made of a-z, 0-9, _ and -, 63 characters at most"), is "default";
        /// How many copies of this server run. More than one need PostgreSQL and Redis.
        REPLICAS: Kind::Number(1, 1000), is "1";
        /// Who keeps the passwords: this server, AWS Cognito, or some of them each. What belongs to the other one answers 404. See [COGNITO_SETUP.md](COGNITO_SETUP.md).
        AUTH_PROVIDER: Kind::Choice(&["native", "cognito", "both"]), is "native";
    }
    "Redis" {
        /// Where limits are counted; unset, in the process. `rediss://` is TLS. Several addresses are the nodes of a Redis Cluster.
        REDIS_URL: Kind::Url("redis://USER:PASSWORD@HOST:PORT/DB, or a comma list of a cluster's nodes");
        /// The same in parts, as older files have it; `REDIS_URL` wins.
        REDIS_HOST: Kind::Text("a host name");
        /// Its port.
        REDIS_PORT: Kind::Number(1, 65535), is "6379";
        /// The number of its database.
        REDIS_DB: Kind::Number(0, 65535), is "0";
        /// Its ACL user.
        REDIS_USERNAME: Kind::Text("a text");
        /// Its password.
        REDIS_PASSWORD: Kind::Secret("a text");
        /// What the names of all keys begin with, where several installations share one Redis.
        REDIS_KEY_PREFIX: Kind::Text("1 to 64 letters, digits, and : . _ -"), is "auth:";
        /// Certificates to trust with `rediss://` (PEM), in place of the system's.
        REDIS_CA_FILE: Kind::Text("a path");
        /// `false` makes all other `REDIS_*` settings count for nothing.
        REDIS_ENABLED: Kind::Flag, is "true";
    }
    "Secrets" {
        /// Seals the stored signing keys and the secrets of authenticator apps, and signs tokens with `JWT_ALGORITHM=HS256`. Development generates one and keeps it at `<DATA_DIR>/secret.key`. Losing it makes all of that unreadable.
        SECRET_KEY: Kind::Secret(SECRET), depends "generated and kept; required in production";
        /// What `SECRET_KEY` was before, newest first: opens what was sealed with it, and seals nothing any more. A new `SECRET_KEY` without its former one makes stored signing keys and authenticator apps unreadable.
        SECRET_KEY_FORMER: Kind::Secret(FORMER);
        /// Verifies API keys that are minted outside, if `API_KEY_ALGORITHM` is one with a shared secret. Whoever has it can mint keys. This server's own keys need none of the `API_KEY_*` settings.
        API_KEY_SECRET: Kind::Secret(SECRET);
        /// The one algorithm of API keys that are minted outside; no key chooses another.
        API_KEY_ALGORITHM: Kind::Choice(&["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"]), is "HS256";
        /// Verifies them if that is one with a public key. Not secret, but long: it may be kept in a file of its own, and `\n` in it stands for a new line.
        API_KEY_PUBLIC_KEY: Kind::Secret("a public key (PEM) that fits `API_KEY_ALGORITHM`");
        /// The header in which `POST /api/auth/validate-apikey` takes a key.
        API_KEY_HEADER: Kind::Text("the name of a header"), is "X-elevAIte-apikey";
        /// What whoever reads `/metrics` must send as a bearer token. Without it production has no such page, and elsewhere anybody may read it.
        METRICS_TOKEN: Kind::Secret(BEARER);
    }
    "Who may call it, and from where" {
        /// How clients reach this server.
        PUBLIC_URL: Kind::Text(WEB_ADDRESS), depends "`http://HOST:PORT`; https is required in production";
        /// The front end: where links in mails lead, but for the one that opens a locked account. Without one they lead to small pages of this server.
        FRONTEND_URL: Kind::Text(WEB_ADDRESS), depends "`PUBLIC_URL`";
        /// Web origins that browsers may call the API from. `*` stands for all, but for calls by cookie.
        CORS_ORIGINS: Kind::Text(LIST_OF_ORIGINS);
        /// Values of the Host header that are answered. `*.example.com` stands for every subdomain.
        ALLOWED_HOSTS: Kind::Text(LIST_OF_HOSTS), depends "any; required in production";
        /// Proxies whose forwarding header is believed.
        TRUSTED_PROXIES: Kind::Text("networks like 10.0.0.0/8, as a comma list or a JSON list");
        /// The header in which those proxies name the caller.
        FORWARDED_HEADER: Kind::Choice(&["x-forwarded-for", "forwarded"]), is "x-forwarded-for";
    }
    "Tokens and sessions" {
        /// How access tokens are signed. HS256 signs with `SECRET_KEY`, for services that verify with a shared secret.
        JWT_ALGORITHM: Kind::Choice(&["EdDSA", "ES256", "RS256", "HS256"]), is "EdDSA";
        /// The `iss` of access tokens.
        JWT_ISSUER: Kind::Text("a text without control characters"), depends "`PUBLIC_URL`";
        /// The `aud` of access tokens.
        JWT_AUDIENCE: Kind::Text("a text without control characters"), is "auth";
        /// Life of an access token.
        ACCESS_TOKEN_EXPIRE_MINUTES: Kind::Number(1, 1440), is "30";
        /// Life of a session's refresh token.
        REFRESH_TOKEN_EXPIRE_DAYS: Kind::Number(1, 365), is "7";
        /// The same in minutes; wins over the days when set.
        REFRESH_TOKEN_EXPIRE_MINUTES: Kind::Number(1, 525_600);
        /// How long a spent refresh token still gets the same successor, so that parallel tabs stay signed in.
        REFRESH_GRACE_SECONDS: Kind::Number(0, 60), is "10";
        /// By how much `extend-session` lengthens a session.
        SESSION_EXTENSION_MINUTES: Kind::Number(1, 43_200), is "180";
        /// For how many milliseconds requests that change nothing are answered from what was read of a session before. What this server changes counts at once; what another one changes, after this time. 0: every request asks the database.
        SESSION_SNAPSHOT_MILLISECONDS: Kind::Number(0, 1000), is "1000";
        /// Sessions a user may have at once; beyond, the one idle for longest ends.
        MAX_SESSIONS_PER_USER: Kind::Number(1, 1000), is "20";
    }
    "Accounts" {
        /// Least number of characters of a new password.
        PASSWORD_MIN_LENGTH: Kind::Number(8, 256), is "9";
        /// A service that knows breached passwords, asked on every new password. It must speak the range API of "Have I Been Pwned": `GET <this address>/<first 5 digits of a SHA-1>` is answered with lines `SUFFIX:COUNT`. Nothing else of a password leaves this server. Without an answer within 0.8 seconds the password is taken, and the audit log says so.
        PASSWORD_BREACH_CHECK_URL: Kind::Text("an address like https://ranges.example.com/range");
        /// Certificates to trust at that address (PEM), in place of the system's.
        PASSWORD_BREACH_CHECK_CA_FILE: Kind::Text("a path");
        /// A file of the SHA-1 hashes of breached passwords, searched on every new password: one a line, in their order, like `5BAA…8FD8:10434004`. For servers that reach no such service; with both, the file is asked first.
        PASSWORD_BREACH_FILE: Kind::Text("a path");
        /// Answer the registration of a taken address like any other, and tell its owner by mail.
        HIDE_EXISTING_ACCOUNTS: Kind::Flag, is "false";
        /// Threads that hash passwords; one hash takes one core and 19 MiB.
        HASH_THREADS: Kind::Number(1, 256), depends "the number of cores";
        /// Memory (MiB) that all password hashes together may use; no more of them are computed at once than fit. Imported hashes that take more than this each are refused.
        HASH_MEMORY_MB: Kind::Number(1, 1_048_576), depends "256, or what `HASH_THREADS` hashes take; half of the machine's or container's memory at most";
        /// How long entries of the audit log are kept. Older ones are deleted; younger ones cannot be, not even by hand.
        AUDIT_RETENTION_DAYS: Kind::Number(30, 3650), is "365";
        /// How long they tell the whole address and the device of a client. Then only the network is left: the first 24 bits of an IPv4 address, 48 of an IPv6 one.
        AUDIT_IP_DAYS: Kind::Number(7, 3650), is "90";
    }
    "Second factors" {
        /// Whether every account needs a second factor. Without one it may be used for the days below; after that the server switches one on at the next login.
        MFA_REQUIRED: Kind::Flag, is "false";
        /// Days that a new account may do without one, where it is required.
        EMAIL_MFA_GRACE_PERIOD_DAYS: Kind::Number(0, 3650), is "30";
        /// What is switched on after that. `sms` needs a number that was proved, and `totp` an app, which nobody can set up for somebody else: then it is `email`. `none` switches nothing on.
        MFA_AUTO_ENABLE_METHOD: Kind::Choice(&["email", "sms", "totp", "none"]), is "email";
        /// Whether administrators need a session that proved a second factor. Else they are answered 403 `Second factor required`. Off unless set, because existing front ends for administration do not know of it.
        ADMIN_REQUIRES_MFA: Kind::Flag, is "false";
        /// How long a device that proved a second factor need not prove it again. Enough for front ends that sign in once more right after the code; 0 for not at all.
        MFA_DEVICE_BYPASS_MINUTES: Kind::Number(0, 1440), depends "`MFA_DEVICE_BYPASS_HOURS`, else `5`";
        /// The same in hours, as older files have it; the minutes win.
        MFA_DEVICE_BYPASS_HOURS: Kind::Number(0, 24);
    }
    "Limits" {
        /// Calls per client address and route: those that cost something. All other routes allow six times as many.
        RATE_LIMIT_PER_MINUTE: Kind::Number(1, 1_000_000), is "10";
        /// Logins per client address.
        RATE_LIMIT_LOGIN_PER_MINUTE: Kind::Number(1, 1_000_000), is "5";
        /// Password resets per client address.
        RATE_LIMIT_PASSWORD_RESET_PER_MINUTE: Kind::Number(1, 1_000_000), is "3";
        /// Calls with one API key, whatever they ask for and from wherever they come.
        RATE_LIMIT_API_KEY_PER_MINUTE: Kind::Number(1, 1_000_000), is "600";
        /// Requests in a second from one client address to one process, whatever they ask for, in the long run; four seconds of it may come at once. It stops floods before anything is read or counted. 0 for no such gate.
        EDGE_REQUESTS_PER_SECOND: Kind::Number(0, 1_000_000), depends "50, or what the largest limit above needs";
        /// Connections that one process has open at once; more wait to be accepted.
        HTTP_MAX_CONNECTIONS: Kind::Number(16, 1_000_000), is "10000";
        /// How many of them one client address may have; 0 for any number. Trusted proxies may have any number.
        HTTP_MAX_CONNECTIONS_PER_ADDRESS: Kind::Number(0, 1_000_000), is "256";
        /// How long a connection may be idle between two requests. Longer than the load balancer in front keeps its own: a request that it sends at the moment of closing is lost.
        HTTP_KEEP_ALIVE_SECONDS: Kind::Number(1, 3600), is "75";
        /// Mails per recipient; beyond, the answer stays the same and nothing is sent.
        EMAIL_MAX_PER_HOUR: Kind::Number(1, 1_000_000), is "10";
    }
    "Mail" {
        /// What happens to mail. `smtp` hands it to `SMTP_HOST`. `capture` shows it in the dev mailbox. `off` hands nothing over: messages wait in the outbox until they are past their use. Production refuses `capture`.
        MAIL_PROVIDER: Kind::Choice(&["smtp", "capture", "off"]), depends "`smtp` where `SMTP_HOST` is set, else `capture`";
        /// The mail server.
        SMTP_HOST: Kind::Text("a host name");
        /// Its port. At 465 the connection is encrypted from its first byte, unless `SMTP_TLS` is true.
        SMTP_PORT: Kind::Number(1, 65535), is "587";
        /// Whether to encrypt with STARTTLS. A server that does not offer it then gets no mail.
        SMTP_TLS: Kind::Flag, is "true";
        /// Who logs in to the mail server; with a password only.
        SMTP_USER: Kind::Text("a text");
        /// The password.
        SMTP_PASSWORD: Kind::Secret("a text");
        /// Authorities to trust besides the system's (PEM).
        SMTP_CA_FILE: Kind::Text("a path");
        /// The sender's address.
        EMAILS_FROM_EMAIL: Kind::Text("an e-mail address");
        /// The sender's name.
        EMAILS_FROM_NAME: Kind::Text("a text");
        /// A folder whose templates win over the built-in ones of the same name; see [mail.md](mail.md).
        MAIL_TEMPLATES: Kind::Text("a path");
        /// The product's name in mails.
        BRANDING_NAME: Kind::Text("1 to 100 characters without control characters"), is "Auth";
        /// The address that mails give for help.
        BRANDING_SUPPORT_EMAIL: Kind::Text("an e-mail address");
    }
    "Text messages" {
        /// What happens to text messages. `sns` hands them to AWS SNS. `capture` shows them in the dev mailbox. `off` sends none, and text messages cannot be a second factor. Production refuses `capture`. See [AWS_SMS_SETUP.md](AWS_SMS_SETUP.md).
        SMS_PROVIDER: Kind::Choice(&["sns", "capture", "off"]), depends "`sns` where `AWS_REGION` is set, else `capture`";
        /// The AWS region whose SNS sends; not each of them does.
        AWS_REGION: Kind::Text("a region like us-east-1");
        /// Another address than the region's own, for mocks and private endpoints. Production takes plain http on its own machine only.
        AWS_ENDPOINT_URL: Kind::Text("an address like http://127.0.0.1:5000");
        /// The same for SNS alone; wins.
        AWS_ENDPOINT_URL_SNS: Kind::Text("an address like http://127.0.0.1:5000");
        /// An access key. Leave it unset where the machine has credentials of its own: profile, web identity, container, instance.
        AWS_ACCESS_KEY_ID: Kind::Text("the id of an access key");
        /// Its secret.
        AWS_SECRET_ACCESS_KEY: Kind::Secret("a text");
        /// What temporary access keys have besides.
        AWS_SESSION_TOKEN: Kind::Secret("a text");
        /// The name that phones show instead of a number, where the country allows it.
        SMS_SENDER_ID: Kind::Text("1 to 11 letters, digits and inner hyphens, with at least one letter");
        /// Countries (ISO 3166) whose numbers get messages; others that share a calling code with them do not.
        SMS_COUNTRIES: Kind::Text(LIST_OF_COUNTRIES), is "US,CA";
        /// The country that numbers without a calling code are of.
        SMS_DEFAULT_REGION: Kind::Text("a country like US"), depends "the first of `SMS_COUNTRIES`";
        /// Messages for one user, and for one number.
        SMS_MAX_PER_HOUR: Kind::Number(1, 1_000_000), is "10";
        /// The same in a day.
        SMS_MAX_PER_DAY: Kind::Number(1, 1_000_000), is "30";
        /// Messages for all users in a day. 0 is the kill switch: nothing is sent.
        SMS_DAILY_LIMIT: Kind::Number(0, 100_000_000), is "10000";
        /// Messages in an hour for all numbers with the same first seven digits.
        SMS_MAX_PER_RANGE_AND_HOUR: Kind::Number(1, 1_000_000), is "60";
        /// Messages in an hour asked for from one IPv4 address or IPv6 /64.
        SMS_MAX_PER_NETWORK_AND_HOUR: Kind::Number(1, 1_000_000), is "60";
        /// Different numbers for a user, and users for a number, in 30 days.
        SMS_MAX_NUMBERS: Kind::Number(1, 1_000_000), is "3";
        /// How many of the last 50 codes to numbers with the same first seven digits must have come back, in a hundred; below, they get none until the UTC day ends. 0 asks for none.
        SMS_MIN_CONVERSION_PERCENT: Kind::Number(0, 100), is "20";
    }
    "AWS Cognito" {
        /// The region of the user pool.
        COGNITO_REGION: Kind::Text("a region like us-east-1"), depends "`AWS_REGION`";
        /// The user pool.
        COGNITO_USER_POOL_ID: Kind::Text("a pool like us-east-1_Ab1Cd2Ef3");
        /// The client of this server in the pool.
        COGNITO_CLIENT_ID: Kind::Text("the id of a client");
        /// Its secret, if it has one.
        COGNITO_CLIENT_SECRET: Kind::Secret("a text");
        /// Another address than the region's own, for mocks and private endpoints; the pool's keys are fetched there, too. Production takes plain http on its own machine only.
        COGNITO_ENDPOINT_URL: Kind::Text("an address like http://127.0.0.1:5000");
        /// Another issuer of the pool's tokens than its own name, for mocks.
        COGNITO_ISSUER: Kind::Text("an address like https://issuer.example.com/pool"), depends "`https://cognito-idp.REGION.amazonaws.com/POOL`";
        /// `lazy` makes a password that Cognito took one of this server, too, at the login: then Cognito can be left, and nobody who came by meanwhile notices.
        COGNITO_MIGRATION: Kind::Choice(&["off", "lazy"]), is "off";
        /// How often Cognito is asked whether it still stands by somebody who is signed in through it: whoever is disabled there keeps a session for so long at most.
        COGNITO_RECHECK_MINUTES: Kind::Number(1, 1440), is "15";
    }
    "Logs" {
        /// The least severe records that are written. Libraries stay at WARNING, unless the level is stricter.
        LOG_LEVEL: Kind::Choice(&["TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"]), is "INFO";
        /// `human` for people, `json` for machines: one object a line. `auto` is `json` in production.
        LOG_FORMAT: Kind::Choice(&["auto", "human", "json"]), is "auto";
    }
    "Traces" {
        /// Where a collector for OpenTelemetry takes traces (OTLP over HTTP, protobuf); `/v1/traces` is added. Unset, nothing is traced. A build without the feature `otlp` refuses it.
        OTEL_EXPORTER_OTLP_ENDPOINT: Kind::Text("an address like http://127.0.0.1:4318");
        /// What this server is called in traces.
        OTEL_SERVICE_NAME: Kind::Text("a name"), is "auth-server";
        /// Which part of all traces is kept, from 0 to 1. A trace that a client marks as sampled is kept no more often than this; one that it marks as not sampled is not kept.
        OTEL_TRACES_SAMPLER_ARG: Kind::Text("a number from 0 to 1"), is "1";
    }
}

/// Foreign names that look like ours and are not typing errors: other services' files carry them.
pub(crate) static FOREIGN: &[&str] =
    &["REDIS_SSL", "SMTP_SSL", "DEBUG", "BRANDING_ORG", "AWS_DEFAULT_REGION"];

/// What such names begin with where there are many: one for each service of AWS.
const FOREIGN_FAMILY: &str = "AWS_ENDPOINT_URL_";

/// The setting that `name` sets, under whichever of its names.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().copied().find(|spec| spec.names().any(|known| known == name))
}

/// The name of ours that `name` was probably meant to be.
///
/// Two edits, as between `SECRET_KYE` and `SECRET_KEY`; in short names one, or `PGPORT` would be a
/// misspelt `PORT`.
pub(crate) fn near_miss(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    if FOREIGN.contains(&upper.as_str()) || upper.starts_with(FOREIGN_FAMILY) {
        return None;
    }
    let allowed = if upper.len() < 8 { 1 } else { 2 };
    let known = ALL.iter().flat_map(|spec| spec.names()).chain([super::layer::CONFIG_FILE.into()]);
    let (distance, best) = known
        .map(|known| (strsim::osa_distance(&upper, &known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed).then(|| best.into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let mut seen = BTreeSet::new();
        for name in ALL.iter().flat_map(|spec| spec.names()) {
            assert!(seen.insert(name.clone()), "{name} stands twice");
        }
    }

    #[test]
    fn typing_errors_are_recognised_and_foreign_names_are_not() {
        assert_eq!(near_miss("SECRET_KYE").as_deref(), Some("SECRET_KEY"));
        assert_eq!(near_miss("SECRET_KEY_FIEL").as_deref(), Some("SECRET_KEY_FILE"));
        assert_eq!(near_miss("FRONTEND_URI").as_deref(), Some("FRONTEND_URL"));
        assert_eq!(near_miss("DATABASE_URI").as_deref(), Some("DATABASE_URL"));
        assert_eq!(near_miss("port").as_deref(), Some("PORT"));
        assert_eq!(near_miss("CONFIG_FIL").as_deref(), Some("CONFIG_FILE"));
        for foreign in [
            "PGPORT",
            "PGHOST",
            "DB_PORT",
            "OPA_URL",
            "OPA_ENABLED",
            "REDIS_SSL",
            "REDIS_DEBOUNCE_SECONDS",
            "OTEL_ENDPOINT",
            "SESSION_INACTIVITY_TIMEOUT_MINUTES",
            "BRANDING_ORG",
            "POSTGRES_USER",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL_S3",
            "AWS_PROFILE",
            "AWS_CONFIG_FILE",
            "AWS_ROLE_ARN",
            "AWS_MAX_ATTEMPTS",
            "MFA_EMAIL_PRIMARY_COLOR",
            "REDIS_SOCKET_TIMEOUT",
            "PATH",
            "HOME",
            "DEBUG",
        ] {
            assert_eq!(near_miss(foreign), None, "{foreign}");
        }
    }
}
