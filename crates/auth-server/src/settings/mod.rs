//! Settings: what the operator decides.
//!
//! Layers, the later wins: built-in defaults, a TOML file (`CONFIG_FILE`, else
//! `config/default.toml`), `.env` in the working directory, the environment. The table in `table.rs`
//! names every setting once; parsing, `docs/settings.md` and `auth-server config check` come from it.
//!
//! Everything is checked before anything is started, and every reason to refuse is reported at once,
//! on one line each ([`SettingsError`]).

mod api_keys;
mod breach;
mod cognito;
mod database;
mod dotenv;
mod dsn;
mod error;
mod factors;
mod layer;
mod mail;
mod memory;
mod parse;
mod read;
mod reader;
mod reference;
mod rules;
mod sms;
mod source;
mod spec;
pub(crate) mod table;

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

pub use api_keys::ApiKeySettings;
use auth_domain::{
    factor::MfaPolicy,
    guard::pumping::SmsPolicy,
    port::Quota,
    secret::ServerSecret,
    tenant::TenantId,
    token::JwtAlgorithm,
    user::{Email, password::PasswordPolicy},
};
use auth_http::settings::Quotas;
pub use auth_http::settings::{ForwardedHeader, Providers};
use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::SecretString;
use tracing::Level;

pub(crate) use self::spec::Spec;
pub use self::{
    breach::BreachSettings,
    cognito::CognitoSettings,
    database::Database,
    dsn::Dsn,
    error::{Refusal, SettingsError},
    layer::Inputs,
    mail::{MailDelivery, SmtpSettings},
    parse::{AllowList, BaseUrl},
    reader::Effective,
    reference::settings_reference,
    sms::{AwsAccessKey, SmsDelivery, SnsSettings},
};

/// What the server is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// Trying out and building against it: everything runs without being set up.
    Development,
    /// Automated tests: like development.
    Test,
    /// Real accounts: whatever is only good for trying out is refused.
    Production,
}

/// How log records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The settings, checked. A field is named like its setting unless it says otherwise.
///
/// `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The names of the settings that somebody set, whatever to.
    pub set: Vec<&'static str>,
    /// What the server is run for.
    pub app_env: AppEnv,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
    /// Directory of what the server keeps for itself. It need not exist.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`: where accounts are stored.
    pub database: Database,
    /// `DATABASE_POOL_SIZE`.
    pub database_pool_size: usize,
    /// `REDIS_URL`, or what the other `REDIS_*` settings make of it: where limits and codes are kept.
    /// `None` keeps them in the process.
    pub redis: Option<Dsn>,
    /// `REDIS_KEY_PREFIX`.
    pub redis_key_prefix: String,
    /// `REDIS_CA_FILE`.
    pub redis_ca_file: Option<PathBuf>,
    /// Known tenants, each once, `default` always among them.
    pub tenants: Vec<TenantId>,
    /// How many copies of this server run.
    pub replicas: u32,

    /// `AUTH_PROVIDER`: who keeps the passwords.
    pub auth_provider: Providers,
    /// The other `COGNITO_*` settings; `None` where Cognito is not asked.
    pub cognito: Option<CognitoSettings>,
    /// `COGNITO_MIGRATION`: whether a password that Cognito took becomes one of this server.
    pub migrate_passwords: bool,
    /// `COGNITO_RECHECK_MINUTES`.
    pub provider_recheck: TimeDelta,

    /// Seals stored keys, signs HS256. Always set in production; where it is not, the start
    /// generates one and keeps it at [`Settings::secret_key_path`].
    pub secret_key: Option<ServerSecret>,
    /// `SECRET_KEY_FORMER`: open what was sealed with them.
    pub former_secret_keys: Vec<ServerSecret>,
    /// `API_KEY_*`: keys of programs.
    pub api_keys: ApiKeySettings,
    /// `METRICS_TOKEN`: what whoever reads `/metrics` must send.
    pub metrics_token: Option<SecretString>,

    /// How clients reach this server.
    pub public_url: BaseUrl,
    /// `FRONTEND_URL`, else `PUBLIC_URL`: the base of links in mails.
    pub link_base: BaseUrl,
    /// Web origins that browsers may call from, lower case, without a slash at the end.
    pub cors_origins: AllowList,
    /// Hosts that are answered, lower case, without port; `*.example.com` is every subdomain.
    pub allowed_hosts: AllowList,
    /// Proxies whose forwarding header is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which those proxies name the caller.
    pub forwarded_header: ForwardedHeader,

    /// How access tokens are signed.
    pub jwt_algorithm: JwtAlgorithm,
    /// The `iss` of access tokens.
    pub jwt_issuer: String,
    /// The `aud` of access tokens.
    pub jwt_audience: String,
    /// `ACCESS_TOKEN_EXPIRE_MINUTES`.
    pub access_token_life: TimeDelta,
    /// `REFRESH_TOKEN_EXPIRE_MINUTES`, else `REFRESH_TOKEN_EXPIRE_DAYS`.
    pub refresh_token_life: TimeDelta,
    /// `REFRESH_GRACE_SECONDS`.
    pub refresh_grace: TimeDelta,
    /// `SESSION_EXTENSION_MINUTES`.
    pub session_extension: TimeDelta,
    /// `SESSION_SNAPSHOT_MILLISECONDS`.
    pub session_snapshot: TimeDelta,
    /// Sessions a user may have at once.
    pub max_sessions_per_user: u32,

    /// `PASSWORD_MIN_LENGTH`: the rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// Where new passwords are looked up among breached ones.
    pub breached_passwords: BreachSettings,
    /// Whether registering a taken address looks like any other registration.
    pub hide_existing_accounts: bool,
    /// Threads that hash passwords, at least one.
    pub hash_threads: usize,
    /// `HASH_MEMORY_MB`, in KiB: what all hashes together may use.
    pub hash_memory_kib: u32,
    /// `AUDIT_RETENTION_DAYS`: how long entries of the audit log are kept.
    pub audit_retention: TimeDelta,
    /// `AUDIT_IP_DAYS`: how long they tell the whole address and the device of a client.
    pub audit_ip_life: TimeDelta,

    /// `ADMIN_REQUIRES_MFA`: whether administrators need a session that proved a second factor.
    pub admin_requires_second_factor: bool,
    /// `MFA_*` and `EMAIL_MFA_GRACE_PERIOD_DAYS`: who needs a second factor, and how often.
    pub mfa: MfaPolicy,

    /// `RATE_LIMIT_PER_MINUTE`: per client address and route, on the routes that cost something. Every
    /// other route allows six times as many.
    pub rate_limit: Quota,
    /// `RATE_LIMIT_LOGIN_PER_MINUTE`.
    pub rate_limit_login: Quota,
    /// `RATE_LIMIT_PASSWORD_RESET_PER_MINUTE`.
    pub rate_limit_password_reset: Quota,
    /// `EDGE_REQUESTS_PER_SECOND`: per client address and process, whatever is asked for; 0 for no limit.
    pub edge_requests_per_second: u32,
    /// `HTTP_MAX_CONNECTIONS`: of one process.
    pub max_connections: usize,
    /// `HTTP_MAX_CONNECTIONS_PER_ADDRESS`: `None` for any number.
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// `HTTP_KEEP_ALIVE_SECONDS`: how long a connection may be idle.
    pub keep_alive: Duration,
    /// `EMAIL_MAX_PER_HOUR`: per recipient.
    pub email_limit: Quota,

    /// `MAIL_PROVIDER`: what happens to mail.
    pub mail: MailDelivery,
    /// `MAIL_TEMPLATES`: a folder whose templates win over the built-in ones.
    pub mail_templates: Option<PathBuf>,
    /// The product's name in mails.
    pub branding_name: String,
    /// The address that mails give for help.
    pub branding_support_email: Option<Email>,

    /// `SMS_PROVIDER`: what happens to text messages.
    pub sms: SmsDelivery,
    /// The other `SMS_*` settings: how many messages there may be, and to whom.
    pub sms_policy: SmsPolicy,
    /// The country (ISO 3166 alpha-2) that phone numbers without a calling code are of.
    pub sms_default_region: String,

    /// The least severe records that are written.
    pub log_level: Level,
    /// `LOG_FORMAT`, with `auto` decided.
    pub log_format: LogFormat,
    /// The `OTEL_*` settings; `None` where nothing is traced.
    pub traces: Option<TraceSettings>,
}

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The collector.
    pub endpoint: BaseUrl,
    /// What this server is called there.
    pub service: String,
    /// Which part of all traces is kept, from 0 to 1.
    pub ratio: f64,
}

/// Settings, and where each came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every setting with its value and source, fit to be printed: no secret is in it.
    pub effective: Vec<Effective>,
}

impl Settings {
    /// How often one address may call one route.
    pub fn quotas(&self) -> Quotas {
        Quotas::new(self.rate_limit, self.rate_limit_login, self.rate_limit_password_reset)
            .with_api_key(self.api_keys.quota)
    }

    /// Reads the settings of this process: files of the working directory, and the environment.
    ///
    /// # Errors
    /// [`SettingsError`] with every reason that was found.
    pub fn load() -> Result<Self, SettingsError> {
        Self::from_inputs(&Inputs::of_process()).map(|loaded| loaded.settings)
    }

    /// Reads the settings from `inputs`, and tells where each came from.
    ///
    /// # Errors
    /// [`SettingsError`] with every reason that was found.
    pub fn from_inputs(inputs: &Inputs) -> Result<Loaded, SettingsError> {
        read::read(inputs)
    }

    /// Whether real accounts are at stake.
    pub fn is_production(&self) -> bool {
        self.app_env == AppEnv::Production
    }

    /// Where to listen.
    pub fn listen_on(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// The same settings for a server that listens on `address`: where `PORT=0` left the port to the
    /// system, the addresses that were made from it name the real one.
    #[must_use]
    pub fn bound_to(&self, address: SocketAddr) -> Self {
        let mut settings = self.clone();
        let before = format!("http://{}", self.listen_on());
        let real = BaseUrl::plain_http(&address.to_string());
        if self.port == 0 {
            for url in [&mut settings.public_url, &mut settings.link_base] {
                if url.as_str() == before {
                    *url = real.clone();
                }
            }
            if settings.jwt_issuer == before {
                settings.jwt_issuer = real.to_string();
            }
            settings.port = address.port();
        }
        settings
    }

    /// Where a generated secret is kept while `SECRET_KEY` is unset.
    pub fn secret_key_path(&self) -> PathBuf {
        self.data_dir.join("secret.key")
    }

    /// Whether there is a dev mailbox: something is captured, and no real account is at stake.
    pub fn has_dev_mailbox(&self) -> bool {
        let captures = self.mail == MailDelivery::Capture || matches!(self.sms, SmsDelivery::Capture);
        captures && !self.is_production()
    }
}
