//! Use cases: everything a person, an operator or a worker can have done.
//!
//! [`Engine::new`] takes the [`Ports`] (adapters) and a [`Policy`] (numbers) and gives one struct per
//! concern. All rules are here or in the entities; whoever embeds the engine gets them without HTTP.
//!
//! | struct | does |
//! |---|---|
//! | [`Accounts`] | register, verify, profile, change of address, closing |
//! | [`Login`] | password, and whatever second factor the account demands |
//! | [`Factors`] | second factors: set up, prove, switch off, recovery codes, devices |
//! | [`Federation`] | people whose password an identity provider keeps |
//! | [`Bearer`] | turns an access token into a [`Caller`] |
//! | [`Sessions`] | refresh, logout, list, revoke, validate, extend, recover |
//! | [`Passwords`] | change by somebody signed in |
//! | [`Recovery`] | forgotten password |
//! | [`Delivery`] | sends what the outbox owes (a worker calls it) |
//! | [`SigningKeys`] | makes, rotates and installs keys |
//! | [`Upkeep`] | deletes what nobody needs any more (a worker calls it) |
//! | [`Operators`] | what the command line offers |
//! | [`Messages`] | shows operators the outbox, has them retry and discard |
//! | [`Reports`] | writes down what applications tell about themselves |

mod accounts;
mod bearer;
mod delivery;
mod factors;
mod fault;
mod federation;
mod keys;
mod login;
mod messages;
mod operators;
mod passwords;
mod policy;
mod proof;
mod recovery;
mod reports;
mod second_factor;
mod sessions;
mod texting;
mod transaction;
mod transfer;
mod upkeep;

use std::sync::Arc;

pub use accounts::{
    Accounts, ChangeEmail, ChangeEmailError, CloseAccount, CloseAccountError, FieldChange, Register,
    RegisterError, UpdateProfile, VerifyEmailError,
};
pub use bearer::{Bearer, BearerError, Caller, Identity};
pub use delivery::{Delivery, DeliveryOutcome, DeliveryReport};
pub use factors::{ChangeProof, FactorChange, FactorError, FactorStatus, Factors, RecoveryCodes, TotpSetup};
pub use fault::Fault;
pub use federation::{
    AppError, ConfirmError, Federation, LinkIdentity, LinkIdentityError, ProviderPorts, RecheckReport,
    ResetAtProvider, SignUpError, UnlinkIdentityError,
};
pub use keys::{KeyListing, SigningKeys};
pub use login::{
    ChallengeLogin, ChallengeLoginError, Login, LoginError, MfaToken, PasswordLogin, ProviderChallengeLogin,
    ProviderChallengeRequired, ProviderLoginError, SecondFactorRequired, SendCode, SendCodeError, SignedIn,
};
pub use messages::{Backlog, MessageError, Messages};
pub use operators::{CreateUser, CreateUserError, CreatedUser, GrantError, Operators};
pub use passwords::{ChangePassword, ChangePasswordError, Passwords};
pub use policy::Policy;
pub use recovery::{Recovery, ResetError, ResetPassword};
pub use reports::{MobileAuthReport, Reports};
pub use sessions::{
    Extended, Logout, LogoutError, RefreshError, RevokeError, SessionCheckError, SessionFilter, Sessions,
};
pub use texting::TextError;
pub use transfer::{Progress, Transfer, TransferError, Transferred};
pub use upkeep::{Upkeep, UpkeepReport};

use crate::{
    client::Client,
    id::OutboxId,
    outbox::{Intent, OutboxItem},
    port::{
        ChallengeStore, Clock, CodeStore, Entropy, EntropyError, KeyFactory, KeyRing, KeyedHash, Mailer,
        PasswordHasher, RateLimiter, SecretBox, SmsLedger, SmsSender, Store, StoreError, TokenSigner,
        TokenVerifier, TotpGenerator,
    },
    tenant::TenantId,
    user::{Email, User},
};

/// The adapters the engine works with. Replace any of them by a mock.
#[derive(Clone)]
pub struct Ports {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// Slow hashing.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signs access tokens.
    pub signer: Arc<dyn TokenSigner>,
    /// Verifies access tokens.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Holds the signing keys in use.
    pub key_ring: Arc<dyn KeyRing>,
    /// Makes signing keys.
    pub key_factory: Arc<dyn KeyFactory>,
    /// Keyed hashing.
    pub keyed_hash: Arc<dyn KeyedHash>,
    /// Seals what must be read back: secrets of authenticator apps, logins under way.
    pub secret_box: Arc<dyn SecretBox>,
    /// Codes of authenticator apps.
    pub totp: Arc<dyn TotpGenerator>,
    /// One-time codes that were sent.
    pub codes: Arc<dyn CodeStore>,
    /// Logins that wait for their second factor.
    pub challenges: Arc<dyn ChallengeStore>,
    /// Limits.
    pub limiter: Arc<dyn RateLimiter>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// Text messages.
    pub sms: Arc<dyn SmsSender>,
    /// Counts of text messages.
    pub sms_ledger: Arc<dyn SmsLedger>,
    /// Who keeps the passwords of those this server knows none of; `None` where nobody does.
    pub provider: Option<ProviderPorts>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// The whole engine.
#[derive(Clone)]
pub struct Engine {
    /// Accounts.
    pub accounts: Accounts,
    /// Login.
    pub login: Login,
    /// Second factors.
    pub factors: Factors,
    /// People whose password an identity provider keeps.
    pub federation: Federation,
    /// Access tokens.
    pub bearer: Bearer,
    /// Sessions.
    pub sessions: Sessions,
    /// Passwords of people who are signed in.
    pub passwords: Passwords,
    /// Forgotten passwords.
    pub recovery: Recovery,
    /// The outbox worker's work.
    pub delivery: Delivery,
    /// Signing keys.
    pub keys: SigningKeys,
    /// The clean-up worker's work.
    pub upkeep: Upkeep,
    /// The command line's work.
    pub operators: Operators,
    /// The outbox as operators see it.
    pub messages: Messages,
    /// What applications tell about themselves.
    pub reports: Reports,
    core: Arc<Core>,
}

impl Engine {
    /// Puts the engine together.
    pub fn new(ports: Ports, policy: Policy) -> Self {
        let core = Arc::new(Core { ports, policy });
        Self {
            accounts: Accounts::new(Arc::clone(&core)),
            login: Login::new(Arc::clone(&core)),
            factors: Factors::new(Arc::clone(&core)),
            federation: Federation::new(Arc::clone(&core)),
            bearer: Bearer::new(Arc::clone(&core)),
            sessions: Sessions::new(Arc::clone(&core)),
            passwords: Passwords::new(Arc::clone(&core)),
            recovery: Recovery::new(Arc::clone(&core)),
            delivery: Delivery::new(Arc::clone(&core)),
            keys: SigningKeys::new(Arc::clone(&core)),
            upkeep: Upkeep::new(Arc::clone(&core)),
            operators: Operators::new(Arc::clone(&core)),
            messages: Messages::new(Arc::clone(&core)),
            reports: Reports::new(Arc::clone(&core)),
            core,
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError`] when it does not.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.core.ports.store.ping().await
    }
}

/// What every use case shares.
pub(crate) struct Core {
    ports: Ports,
    policy: Policy,
}

impl Core {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.ports.clock.now()
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.ports.entropy
    }

    /// A message to `user`, to be put into the outbox of the transaction at hand.
    fn letter_to(
        &self,
        user: &User,
        intent: Intent,
        client: &Client,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<OutboxItem, EntropyError> {
        self.letter((&user.tenant, &user.email), Some(user), intent, client, now)
    }

    /// A message to `user`, or the same work for an address without an account. Asked for again within
    /// the minute, it is not owed again while it waits.
    fn letter(
        &self,
        (tenant, email): (&TenantId, &Email),
        user: Option<&User>,
        intent: Intent,
        client: &Client,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<OutboxItem, EntropyError> {
        let address = self.lock_key(tenant, email); // keyed: a copy of the outbox does not tell who asked
        let other = intent.email().map_or("", Email::as_str);
        let place = if intent.is_notice() { client.place() } else { String::new() };
        let parts = [&address[..], intent.kind().as_bytes(), other.as_bytes(), place.as_bytes()];
        let id = OutboxId::mint(now, self.entropy())?;
        let nothing =
            OutboxItem::new(id, tenant.clone(), None, Intent::Nothing, client.clone(), now).once(&parts);
        Ok(match user {
            Some(user) => OutboxItem { user: Some(user.id), intent, ..nothing },
            None => nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engines run on multi-threaded runtimes: every future must be `Send`. This compiles or it does not.
    #[expect(dead_code, reason = "checked by the compiler, never called")]
    fn futures_are_send(
        e: Engine,
        c: Caller,
        i: Identity,
        login: PasswordLogin,
        client: Client,
        tenant: TenantId,
    ) {
        fn is_send<F: Future + Send>(_: F) {}
        is_send(async move {
            let _ = e.delivery.run(1).await;
            let _ = e.upkeep.run().await;
            let _ = e.keys.maintain().await;
            let _ = e.keys.rotate().await;
            let _ = e.bearer.authenticate("", &tenant).await;
            let _ = e.sessions.refresh(&tenant, "", &client).await;
            let _ = e.sessions.recover(&c, &client).await;
            let _ = e.sessions.extend(&i, &SessionFilter { refresh_token: None }, &client).await;
            let _ = e.accounts.verify_email("", &client).await;
            let _ = e.federation.recheck(1).await;
            let _ = e.login.with_provider(&login).await;
        });
    }
}
