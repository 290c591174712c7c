//! From layers to [`Settings`].

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
    path::PathBuf,
    thread,
    time::Duration,
};

use auth_domain::{
    port::Quota,
    tenant::TenantId,
    user::{Email, password::PasswordPolicy},
};
use auth_http::settings::{EdgeQuota, Quotas};
use chrono::TimeDelta;
use tracing::Level;

use super::{
    AllowList, AppEnv, BaseUrl, BreachSettings, Database, Dsn, ForwardedHeader, Loaded, LogFormat, Settings,
    SettingsError, TraceSettings, api_keys, cognito, database, factors,
    layer::{Inputs, Layers},
    mail, memory,
    parse::{self, Wrong},
    reader::{Reader, whole},
    rules, sms,
    source::Source,
    table,
};

/// Reads, checks and returns everything.
pub(super) fn read(inputs: &Inputs) -> Result<Loaded, SettingsError> {
    let mut reader = Reader::new(Layers::read(inputs));
    let mut settings = settings(&mut reader);
    rules::check(&settings, &mut reader);
    reader.note_the_rest();
    SettingsError::check(reader.refusals)?;
    let default = Source::Default.to_string();
    let set = reader.effective.iter().filter(|setting| setting.source != default);
    settings.set = set.map(|setting| setting.name).collect();
    Ok(Loaded { settings, effective: reader.effective })
}

/// Fills every field, in the order of the table.
fn settings(from: &mut Reader) -> Settings {
    let app_env = from.choice(&table::APP_ENV, &[AppEnv::Development, AppEnv::Test, AppEnv::Production]);
    let production = app_env == AppEnv::Production;
    let host = if production { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let host = from.value_or(&table::HOST, host.into(), parse::address);
    let port = from.number(&table::PORT);
    let data_dir = from.value(&table::DATA_DIR, |path| Ok(PathBuf::from(path)));
    let database = Database::Sqlite(data_dir.join("auth.sqlite3"));
    let database = from.value_or(&table::DATABASE_URL, database, database::parse);
    let tenants = from.value(&table::TENANTS, tenants);
    let replicas = from.number(&table::REPLICAS);
    let identity = cognito::identity(from);
    let secret_key = from.secret(&table::SECRET_KEY);
    let former_secret_keys = from.optional(&table::SECRET_KEY_FORMER, parse::secrets).unwrap_or_default();
    let api_keys = api_keys::read(from);
    let sms_policy = sms::policy(from);
    let metrics_token = from.optional(&table::METRICS_TOKEN, parse::bearer);
    let public_url = from.value_or(&table::PUBLIC_URL, of_listener(host, port), parse::base_url);

    let [rate_limit, rate_limit_login, rate_limit_password_reset] = [
        &table::RATE_LIMIT_PER_MINUTE,
        &table::RATE_LIMIT_LOGIN_PER_MINUTE,
        &table::RATE_LIMIT_PASSWORD_RESET_PER_MINUTE,
    ]
    .map(|spec| Quota::per_minute(from.number(spec)));
    let quotas =
        Quotas::new(rate_limit, rate_limit_login, rate_limit_password_reset).with_api_key(api_keys.quota);
    let edge = EdgeQuota::usual(&quotas);
    let hash_threads = from.value_or(&table::HASH_THREADS, cores(), |text| whole(&table::HASH_THREADS, text));

    Settings {
        set: Vec::new(),
        link_base: from.value_or(&table::FRONTEND_URL, public_url.clone(), parse::base_url),
        cors_origins: from
            .optional(&table::CORS_ORIGINS, parse::origins)
            .unwrap_or(AllowList::Only(Vec::new())),
        allowed_hosts: from.optional(&table::ALLOWED_HOSTS, parse::hosts).unwrap_or(AllowList::Any),
        trusted_proxies: from.optional(&table::TRUSTED_PROXIES, parse::networks).unwrap_or_default(),
        forwarded_header: from
            .choice(&table::FORWARDED_HEADER, &[ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded]),

        jwt_algorithm: from.value(&table::JWT_ALGORITHM, |name| name.parse().map_err(|_| Wrong::Shape)),
        jwt_issuer: from.value_or(&table::JWT_ISSUER, public_url.to_string(), parse::plain),
        jwt_audience: from.value(&table::JWT_AUDIENCE, parse::plain),
        access_token_life: TimeDelta::minutes(from.number(&table::ACCESS_TOKEN_EXPIRE_MINUTES)),
        refresh_token_life: refresh_token_life(from),
        refresh_grace: TimeDelta::seconds(from.number(&table::REFRESH_GRACE_SECONDS)),
        session_extension: TimeDelta::minutes(from.number(&table::SESSION_EXTENSION_MINUTES)),
        session_snapshot: TimeDelta::milliseconds(from.number(&table::SESSION_SNAPSHOT_MILLISECONDS)),
        max_sessions_per_user: from.number(&table::MAX_SESSIONS_PER_USER),

        password_policy: from.value(&table::PASSWORD_MIN_LENGTH, password_policy),
        breached_passwords: breached_passwords(from),
        hide_existing_accounts: from.value(&table::HIDE_EXISTING_ACCOUNTS, parse::flag),
        hash_threads,
        hash_memory_kib: memory::for_hashes(from, hash_threads),
        audit_retention: TimeDelta::days(from.number(&table::AUDIT_RETENTION_DAYS)),
        audit_ip_life: TimeDelta::days(from.number(&table::AUDIT_IP_DAYS)),

        admin_requires_second_factor: from.value(&table::ADMIN_REQUIRES_MFA, parse::flag),
        mfa: factors::policy(from),

        rate_limit,
        rate_limit_login,
        rate_limit_password_reset,
        edge_requests_per_second: from.value_or(&table::EDGE_REQUESTS_PER_SECOND, edge, |text| {
            whole(&table::EDGE_REQUESTS_PER_SECOND, text)
        }),
        max_connections: from.number(&table::HTTP_MAX_CONNECTIONS),
        max_connections_per_address: NonZero::new(from.number(&table::HTTP_MAX_CONNECTIONS_PER_ADDRESS)),
        keep_alive: Duration::from_secs(from.number(&table::HTTP_KEEP_ALIVE_SECONDS)),
        email_limit: Quota::per_hour(from.number(&table::EMAIL_MAX_PER_HOUR)),

        mail: mail::mail(from),
        mail_templates: from.optional(&table::MAIL_TEMPLATES, |path| Ok(PathBuf::from(path))),
        branding_name: from.value(&table::BRANDING_NAME, parse::plain),
        branding_support_email: from
            .optional(&table::BRANDING_SUPPORT_EMAIL, |text| Email::parse(text).map_err(|_| Wrong::Shape)),

        sms: sms::sms(from),
        sms_default_region: sms::default_region(from, &sms_policy),
        sms_policy,

        log_level: from.value(&table::LOG_LEVEL, level),
        log_format: log_format(from, production),
        traces: traces(from),

        app_env,
        host,
        port,
        data_dir,
        database,
        database_pool_size: from.number(&table::DATABASE_POOL_SIZE),
        redis: redis(from),
        redis_key_prefix: from.value(&table::REDIS_KEY_PREFIX, parse::plain),
        redis_ca_file: from.optional(&table::REDIS_CA_FILE, |path| Ok(PathBuf::from(path))),
        tenants,
        replicas,
        auth_provider: identity.providers,
        cognito: identity.cognito,
        migrate_passwords: identity.migrate_passwords,
        provider_recheck: identity.recheck,
        secret_key,
        former_secret_keys,
        api_keys,
        metrics_token,
        public_url,
    }
}

fn breached_passwords(from: &mut Reader) -> BreachSettings {
    BreachSettings {
        url: from.optional(&table::PASSWORD_BREACH_CHECK_URL, parse::base_url),
        ca_file: from.optional(&table::PASSWORD_BREACH_CHECK_CA_FILE, |path| Ok(PathBuf::from(path))),
        file: from.optional(&table::PASSWORD_BREACH_FILE, |path| Ok(PathBuf::from(path))),
    }
}

/// How a client on the same machine reaches the listener.
fn of_listener(host: IpAddr, port: u16) -> BaseUrl {
    BaseUrl::plain_http(&match host {
        host if host.is_unspecified() => format!("localhost:{port}"),
        IpAddr::V4(host) => format!("{host}:{port}"),
        IpAddr::V6(host) => format!("[{host}]:{port}"),
    })
}

fn tenants(text: &str) -> Result<Vec<TenantId>, Wrong> {
    let mut tenants = vec![TenantId::default()];
    for name in parse::list(text)? {
        let tenant = TenantId::parse(&name).map_err(|_| Wrong::Shape)?;
        if !tenants.contains(&tenant) {
            tenants.push(tenant);
        }
    }
    Ok(tenants)
}

/// `REDIS_URL`, or an address made of the parts that older files have.
fn redis(from: &mut Reader) -> Option<Dsn> {
    let url = from.optional(&table::REDIS_URL, |text| Ok(Dsn::new(text.to_owned())));
    let host = from.optional(&table::REDIS_HOST, parse::host);
    let port: u16 = from.number(&table::REDIS_PORT);
    let number: u32 = from.number(&table::REDIS_DB);
    let user = from.optional(&table::REDIS_USERNAME, |text| Ok(parse::percent_encoded(text)));
    let password = from.optional(&table::REDIS_PASSWORD, |text| Ok(parse::percent_encoded(text)));
    if !from.value(&table::REDIS_ENABLED, parse::flag) {
        return None;
    }
    url.or_else(|| {
        let login = match (user, password) {
            (None, None) => String::new(),
            (user, None) => format!("{}@", user.unwrap_or_default()),
            (user, Some(password)) => format!("{}:{password}@", user.unwrap_or_default()),
        };
        Some(Dsn::new(format!("redis://{login}{}:{port}/{number}", host?)))
    })
}

fn refresh_token_life(from: &mut Reader) -> TimeDelta {
    let days = from.number(&table::REFRESH_TOKEN_EXPIRE_DAYS);
    let spec = &table::REFRESH_TOKEN_EXPIRE_MINUTES;
    from.optional(spec, |text| whole(spec, text)).map_or(TimeDelta::days(days), TimeDelta::minutes)
}

fn traces(from: &mut Reader) -> Option<TraceSettings> {
    let service = from.value(&table::OTEL_SERVICE_NAME, parse::plain);
    let ratio = from.value(&table::OTEL_TRACES_SAMPLER_ARG, ratio);
    let endpoint = from.optional(&table::OTEL_EXPORTER_OTLP_ENDPOINT, parse::base_url)?;
    Some(TraceSettings { endpoint, service, ratio })
}

fn ratio(text: &str) -> Result<f64, Wrong> {
    text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or(Wrong::Shape)
}

fn password_policy(text: &str) -> Result<PasswordPolicy, Wrong> {
    PasswordPolicy::new(whole(&table::PASSWORD_MIN_LENGTH, text)?).map_err(|_| Wrong::Shape)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Reads the names of Python's logging as well, because existing files hold them.
fn level(text: &str) -> Result<Level, Wrong> {
    match text.to_ascii_uppercase().as_str() {
        "TRACE" => Ok(Level::TRACE),
        "DEBUG" => Ok(Level::DEBUG),
        "INFO" => Ok(Level::INFO),
        "WARN" | "WARNING" => Ok(Level::WARN),
        "ERROR" | "CRITICAL" => Ok(Level::ERROR),
        _ => Err(Wrong::Shape),
    }
}

fn log_format(from: &mut Reader, production: bool) -> LogFormat {
    let auto = if production { LogFormat::Json } else { LogFormat::Human };
    from.choice(&table::LOG_FORMAT, &[auto, LogFormat::Human, LogFormat::Json])
}
