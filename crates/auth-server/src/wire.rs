//! The one place that names adapters: settings in, engine out.

mod api_keys;
mod breach;
mod cognito;
mod figures;
mod hashing;
mod mail;
mod patient;
mod python;
mod sms;
mod state;
mod stores;
#[cfg(test)]
mod texting;
#[cfg(feature = "otlp")]
pub(crate) mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "wire/untraced.rs"]
pub(crate) mod traces;
mod watch;

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use auth_crypto::{AuditKeys, Ed25519, JwtConfig, JwtKeys, Keys, OsEntropy, Rfc6238, SystemClock};
use auth_domain::{
    audit::WatchedStore,
    guard::lockout::LockPolicy,
    port::{CheckpointVerifier, Clock, Entropy, Mailbox},
    secret::ServerSecret,
    token::TokenExpectations,
    usecase::{Engine, Policy, Ports, SealError},
};
pub(crate) use auth_postgres::PythonTable;
pub(crate) use auth_sqlite::Claim;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc::UnboundedReceiver;

use self::watch::PartWatch;
pub(crate) use self::{
    figures::Figures,
    hashing::usual_memory_kib,
    mail::{check as check_mail, preview as preview_mail},
    python::python_service,
    sms::check as check_sms,
    state::State,
    stores::Stores,
    watch::PartEvent,
};

use crate::{
    secret_file,
    settings::{Database, Settings, Spec, table},
};

/// The engine on its adapters, and what the server needs of them besides.
pub(crate) struct Wiring {
    /// The engine.
    pub(crate) engine: Engine,
    /// Where accounts are kept.
    pub(crate) stores: Stores,
    /// Where limits are counted.
    pub(crate) state: State,
    /// What happens to parts, for the audit log, until somebody takes it.
    pub(crate) part_events: Option<UnboundedReceiver<PartEvent>>,
    /// What is measured outside of the HTTP face.
    pub(crate) figures: Figures,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Makes ids and nonces.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Shows captured messages; `None` where there is no dev mailbox.
    pub(crate) mailbox: Option<Arc<dyn Mailbox>>,
}

impl Wiring {
    /// Makes the engine usable: the schema is the present one, the signing keys are installed. Says
    /// which migrations ran.
    ///
    /// # Errors
    /// When the store or a key refuses.
    pub(crate) async fn prepare(&self) -> anyhow::Result<Vec<String>> {
        let (schema, sealed) = (Box::pin(self.stores.ready_schema()), Box::pin(self.engine.rekey.check()));
        let (migrations, sealed) = if self.stores.is_migrated_by_start() {
            (schema.await?, sealed.await)
        } else {
            // Both only look, each through a connection that has to be opened first.
            let (migrations, sealed) = tokio::join!(schema, sealed);
            (migrations?, sealed)
        };
        sealed.map_err(unreadable)?;
        self.engine.keys.ensure().await.context("cannot prepare the signing keys")?;
        Ok(migrations)
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
    let keys = Arc::new(Keys::derive_ring(&secret, &settings.former_secret_keys));
    let audit_keys = AuditKeys::derive(&secret, &settings.former_secret_keys)
        .context("cannot prepare the key of the audit log")?;
    let tokens = Arc::new(tokens(settings, secret, &keys)?);
    let stores =
        Stores::open(settings).with_context(|| format!("cannot open the database {}", settings.database))?;
    let (watch, part_events) = PartWatch::new();
    let state = State::open(settings, Arc::clone(&keys) as _, &watch)?;
    let mailbox = mail::mailbox(settings, &clock)?;
    let hasher = Arc::new(hashing::hasher(settings)?);
    let figures = Figures::new(settings, &stores, &watch, &hasher);
    let ports = Ports {
        store: Arc::new(WatchedStore::new(stores.port(), figures.events())),
        hasher: Arc::new(patient::PatientHasher(Arc::clone(&hasher))),
        signer: Arc::clone(&tokens) as _,
        verifier: Arc::clone(&tokens) as _,
        key_ring: Arc::clone(&tokens) as _,
        key_factory: tokens,
        outside_keys: Arc::new(api_keys::outside(settings).context("cannot use API_KEY_PUBLIC_KEY")?),
        breached: breach::sources(settings, &watch)?,
        keyed_hash: Arc::clone(&keys) as _,
        secret_box: keys,
        checkpoint_signer: Arc::new(audit_keys),
        checkpoint_verifier: Arc::new(Ed25519),
        totp: Arc::new(Rfc6238),
        codes: Arc::clone(&state.codes),
        challenges: Arc::clone(&state.challenges),
        limiter: Arc::clone(&state.limiter),
        mailer: mail::mailer(settings, mailbox.as_ref(), &clock)?,
        sms: sms::sender(settings, mailbox.as_ref(), &watch)?,
        sms_ledger: Arc::clone(&state.ledger),
        provider: cognito::provider(settings, &watch)?,
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    Ok(Wiring {
        engine: Engine::new(ports, policy(settings)),
        stores,
        state,
        part_events: Some(part_events),
        figures,
        clock,
        entropy,
        mailbox: mailbox.map(|mailbox| mailbox as _),
    })
}

/// Says what to do about values that none of the secrets opens.
fn unreadable(error: SealError) -> anyhow::Error {
    let is_setting = matches!(error, SealError::UnknownKey { .. });
    let error = anyhow::Error::from(error);
    if is_setting {
        error.context("SECRET_KEY_FORMER lacks a secret that is still needed (see `auth-server keys status`)")
    } else {
        error.context("cannot look at what is sealed")
    }
}

/// Believes signatures of the audit log, without settings and without a secret.
pub(crate) fn checkpoint_verifier() -> impl CheckpointVerifier {
    Ed25519
}

/// What the adapters refuse of the settings: the setting, and one line about it.
pub(crate) fn refusals(settings: &Settings) -> Vec<(&'static Spec, String)> {
    let database = match &settings.database {
        Database::Postgres(dsn) => stores::refusal(dsn),
        Database::Sqlite(_) | Database::Memory => None,
    };
    let redis = settings.redis.as_ref().and_then(|dsn| state::refusal(settings, dsn));
    let database = database.map(|reason| (&table::DATABASE_URL, reason));
    let hashing = hashing::refusal(settings).map(|reason| (&table::HASH_MEMORY_MB, reason));
    let templates = mail::refusal(settings).map(|reason| (&table::MAIL_TEMPLATES, reason));
    database
        .into_iter()
        .chain(redis)
        .chain(hashing)
        .chain(templates)
        .chain(sms::refusals(settings))
        .chain(breach::refusals(settings))
        .chain(cognito::refusals(settings))
        .chain(api_keys::refusal(settings))
        .collect()
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

fn policy(settings: &Settings) -> Policy {
    Policy {
        passwords: settings.password_policy,
        product: settings.branding_name.clone(),
        lock: LockPolicy::default(),
        access_life: settings.access_token_life,
        session_life: settings.refresh_token_life,
        snapshot_life: settings.session_snapshot,
        refresh_grace: settings.refresh_grace,
        extension: settings.session_extension,
        max_sessions: usize::try_from(settings.max_sessions_per_user).unwrap_or(usize::MAX),
        mail_per_address: settings.email_limit,
        admin_requires_second_factor: settings.admin_requires_second_factor,
        mfa: settings.mfa,
        sms: sms::policy(settings),
        migrate_passwords: settings.migrate_passwords,
        provider_recheck: settings.provider_recheck,
        hide_existing_accounts: settings.hide_existing_accounts,
        audit_retention: settings.audit_retention,
        audit_ip_life: settings.audit_ip_life,
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
