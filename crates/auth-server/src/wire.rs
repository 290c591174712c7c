//! The one place that names adapters: settings in, engine out.

use std::{num::NonZeroUsize, path::Path, sync::Arc};

use anyhow::Context as _;
use auth_crypto::{Argon2Hasher, HasherConfig, JwtConfig, JwtKeys, Keys, OsEntropy, SystemClock};
use auth_domain::{
    guard::lockout::LockPolicy,
    port::{Clock, Entropy, Mailbox, RateLimiter},
    secret::ServerSecret,
    token::TokenExpectations,
    usecase::{Engine, Policy, Ports},
};
use auth_memory::MemoryLimiter;
use auth_smtp::{CapturingSender, MailSettings, Templates};
pub(crate) use auth_sqlite::Claim;
use auth_sqlite::{SqliteConfig, SqliteStore};
use secrecy::ExposeSecret as _;

use crate::{
    secret_file,
    settings::{Database, Delivery, Settings},
};

/// The engine on its adapters, and what the server needs of them besides.
pub(crate) struct Wiring {
    /// The engine.
    pub(crate) engine: Engine,
    /// Counts requests.
    pub(crate) limiter: Arc<dyn RateLimiter>,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Makes ids and nonces.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Shows captured messages; `None` where there is no dev mailbox.
    pub(crate) mailbox: Option<Arc<dyn Mailbox>>,
    store: Arc<SqliteStore>,
}

impl Wiring {
    /// Brings the store's schema up to date; says which migrations ran.
    ///
    /// # Errors
    /// When the store refuses one.
    pub(crate) async fn migrate(&self) -> anyhow::Result<Vec<String>> {
        self.store.migrate().await.context("cannot migrate the database")
    }

    /// Makes the engine usable for a command beside a running server: the schema must be there (the
    /// embedded default is brought up to date), the signing keys are installed.
    ///
    /// # Errors
    /// When the store or a key refuses.
    pub(crate) async fn prepare(&self) -> anyhow::Result<()> {
        self.migrate().await?;
        self.engine.keys.ensure().await.context("cannot prepare the signing keys")
    }

    /// Keeps a second server away from the same database file for as long as the claim lives.
    ///
    /// # Errors
    /// When a server has it already.
    pub(crate) fn claim(&self) -> anyhow::Result<Claim> {
        self.store.claim().context("cannot use the database")
    }
}

/// Puts the engine together.
///
/// # Errors
/// One sentence about what is missing, with its cause.
pub(crate) fn build(settings: &Settings) -> anyhow::Result<Wiring> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secret = server_secret(settings, &*entropy)?;
    let keys = Arc::new(Keys::derive(&secret));
    let tokens = Arc::new(tokens(settings, secret, &keys)?);
    let store = Arc::new(store(settings)?);
    let limiter: Arc<dyn RateLimiter> = Arc::new(MemoryLimiter::new());
    let sender = Arc::new(sender(settings, Arc::clone(&clock))?);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        hasher: Arc::new(hasher(settings)?),
        signer: Arc::clone(&tokens) as _,
        verifier: Arc::clone(&tokens) as _,
        key_ring: Arc::clone(&tokens) as _,
        key_factory: tokens,
        keyed_hash: keys,
        limiter: Arc::clone(&limiter),
        mailer: Arc::clone(&sender) as _,
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    Ok(Wiring {
        engine: Engine::new(ports, policy(settings)),
        limiter,
        clock,
        entropy,
        mailbox: settings.has_dev_mailbox().then_some(sender as _),
        store,
    })
}

fn store(settings: &Settings) -> anyhow::Result<SqliteStore> {
    let config = match &settings.database {
        Database::Sqlite(path) => SqliteConfig::file(path),
        Database::Memory => SqliteConfig::in_memory(),
    };
    SqliteStore::open(config).with_context(|| format!("cannot open the database {}", settings.database))
}

fn hasher(settings: &Settings) -> anyhow::Result<Argon2Hasher> {
    let threads = NonZeroUsize::new(settings.hash_threads).context("HASH_THREADS is zero")?;
    Argon2Hasher::start(HasherConfig::new(threads)).context("cannot start the hashing pool")
}

fn tokens(settings: &Settings, secret: ServerSecret, keys: &Arc<Keys>) -> anyhow::Result<JwtKeys> {
    let config = JwtConfig {
        algorithm: settings.jwt_algorithm,
        expectations: TokenExpectations {
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            leeway: TokenExpectations::DEFAULT_LEEWAY,
        },
        shared_secret: Some(secret),
        longest_life: settings.access_token_life,
    };
    JwtKeys::new(config, Arc::clone(keys) as _).context("cannot prepare the signing of tokens")
}

fn sender(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<CapturingSender> {
    let templates = Templates::new(MailSettings {
        branding_name: settings.branding_name.clone(),
        link_base: settings.link_base.as_str().to_owned(),
        support_email: settings.branding_support_email.as_ref().map(|email| email.as_str().to_owned()),
    })
    .context("cannot prepare the mail templates")?;
    let directory = settings.data_dir.join("mailbox");
    CapturingSender::open(&directory, templates, clock)
        .with_context(|| format!("cannot open the dev mailbox in {}", directory.display()))
}

fn policy(settings: &Settings) -> Policy {
    Policy {
        passwords: settings.password_policy,
        lock: LockPolicy::default(),
        access_life: settings.access_token_life,
        session_life: settings.refresh_token_life,
        refresh_grace: settings.refresh_grace,
        extension: settings.session_extension,
        max_sessions: usize::try_from(settings.max_sessions_per_user).unwrap_or(usize::MAX),
        mail_per_address: settings.email_limit,
        hide_existing_accounts: settings.hide_existing_accounts,
        ..Policy::default()
    }
}

/// The secret of the settings, or the one this installation made for itself on its first start.
fn server_secret(settings: &Settings, entropy: &dyn Entropy) -> anyhow::Result<ServerSecret> {
    let path: &Path = &settings.secret_key_path();
    if let Some(secret) = &settings.secret_key {
        return Ok(secret.clone());
    }
    let text = secret_file::load_or_make(path, entropy)
        .with_context(|| format!("cannot keep the server's secret in {}", path.display()))?;
    ServerSecret::parse(text.expose_secret())
        .with_context(|| format!("{} does not hold a server's secret any more", path.display()))
}

/// Whether the settings say that mail is handed over at all.
pub(crate) fn delivers_mail(settings: &Settings) -> bool {
    settings.mail == Delivery::Capture
}
