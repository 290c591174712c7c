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
//! | [`Csrf`] | proves that a request by cookie was sent by a page that may |
//! | [`Passwords`] | change by somebody signed in |
//! | [`Recovery`] | forgotten password, locked account |
//! | [`Delivery`] | sends what the outbox owes (a worker calls it) |
//! | [`SigningKeys`] | makes, rotates, revokes and installs keys |
//! | [`Rekey`] | seals anew what an earlier secret sealed |
//! | [`Upkeep`] | deletes what nobody needs any more (a worker calls it) |
//! | [`Operators`] | what the command line offers |
//! | [`Imports`], [`Exports`] | take people over from elsewhere, and give them out |
//! | [`Persons`] | shows everything about one person, and erases it |
//! | [`Admin`] | accounts of others, by HTTP and at the command line |
//! | [`Operators`] | what else the command line offers |
//! | [`Messages`] | shows operators the outbox, has them retry and discard |
//! | [`AuditTrail`] | chains, signs, checks and shows the audit log |
//! | [`Activity`] | shows people what happened to their account |
//! | [`Refusals`] | counts and notes calls with bad tokens (a worker calls it) |
//! | [`ApiKeys`] | makes, shows, revokes and checks keys of programs; introspects tokens for services |
//! | [`Reports`] | writes down what applications tell about themselves |

mod accounts;
mod activity;
mod admin;
mod api_keys;
mod bearer;
mod csrf;
mod cursor;
mod delivery;
mod factors;
mod fault;
mod federation;
mod handed_out;
mod keys;
mod lane;
mod locks;
mod login;
mod messages;
mod moving;
mod new_password;
mod operators;
mod passwords;
mod person;
mod policy;
mod proof;
mod recovery;
mod refusals;
mod rekey;
mod reports;
mod second_factor;
mod sessions;
mod snapshot;
mod texting;
mod trail;
mod transaction;
mod transfer;
mod unlock;
mod upkeep;

use std::sync::Arc;

pub use accounts::{
    Accounts, ChangeEmail, ChangeEmailError, CloseAccount, CloseAccountError, FieldChange, Register,
    RegisterError, UpdateProfile, VerifyEmailError,
};
pub use activity::{Activity, ActivityError, ActivityPage};
pub use admin::{
    AccountView, Action, Actor, Admin, AdminError, AuditPage, AuditQuery, HandOut, ListedUser, NewAccount,
    Power, RoleChange, Stats, StatusChange, Target, UserPage, UserQuery,
};
pub use api_keys::{
    ApiKeyAccessError, ApiKeyError, ApiKeyRefused, ApiKeys, CreateApiKey, CreatedApiKey, KeyInvalid,
    LiveToken,
};
pub use bearer::{Bearer, BearerError, Caller, Identity};
pub use csrf::{Csrf, CsrfDenial, CsrfFlaw};
pub use delivery::{Delivery, DeliveryOutcome, DeliveryReport};
pub use factors::{ChangeProof, FactorChange, FactorError, FactorStatus, Factors, RecoveryCodes, TotpSetup};
pub use fault::Fault;
pub use federation::{
    AppError, ConfirmError, Federation, LinkIdentity, LinkIdentityError, ProviderPorts, RecheckReport,
    ResetAtProvider, SignUpError, UnlinkIdentityError,
};
pub use keys::{KeyListing, Revoked, SigningKeys};
pub use locks::{AccountLanes, LaneView, LanesError};
pub use login::{
    ChallengeLogin, ChallengeLoginError, Login, LoginError, MfaToken, PasswordLogin, ProviderChallengeLogin,
    ProviderChallengeRequired, ProviderLoginError, SecondFactorRequired, SendCode, SendCodeError, SignedIn,
};
pub use messages::{Backlog, MessageError, Messages};
pub use moving::{
    Exports, ImportCounts, ImportError, ImportNews, ImportStep, ImportTerms, Imports, Leaver, Refusal, Remark,
};
pub use operators::{CreateUser, CreateUserError, CreatedUser, Operators};
pub use passwords::{ChangePassword, ChangePasswordError, Passwords};
pub use person::{EraseError, PersonData, Persons};
pub use policy::Policy;
pub use recovery::{Recovery, ResetError, ResetPassword};
pub use refusals::Refusals;
pub use rekey::{Rekey, RekeyProgress, Rekeyed, SealCount, SealError, SealKey};
pub use reports::{MobileAuthReport, Reports};
pub use sessions::{
    Extended, Logout, LogoutError, RefreshError, RevokeError, SessionCheckError, SessionFilter, Sessions,
};
pub use texting::TextError;
pub use trail::{AuditTrail, BrokenChain, Chained, Extract};
pub use transfer::{Progress, Transfer, TransferError, Transferred};
pub use unlock::{Unlock, UnlockError};
pub use upkeep::{Upkeep, UpkeepReport};

use self::{
    keys::UnknownKeys,
    snapshot::{ForgettingStore, Snapshots},
};
use crate::{
    audit::AuditRecord,
    client::Client,
    id::OutboxId,
    outbox::{Intent, OutboxItem},
    port::{
        BreachedPasswords, ChallengeStore, CheckpointSigner, CheckpointVerifier, Clock, CodeStore, Entropy,
        EntropyError, KeyFactory, KeyRing, KeyedHash, Mailer, OutsideKeyVerifier, PasswordHasher,
        RateLimiter, SecretBox, SmsLedger, SmsSender, Store, StoreError, TokenSigner, TokenVerifier,
        TotpGenerator,
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
    /// Verifies API keys that are minted outside.
    pub outside_keys: Arc<dyn OutsideKeyVerifier>,
    /// Passwords known from breaches; `None` where nobody looks them up.
    pub breached: Option<Arc<dyn BreachedPasswords>>,
    /// Keyed hashing.
    pub keyed_hash: Arc<dyn KeyedHash>,
    /// Seals what must be read back: secrets of authenticator apps, logins under way.
    pub secret_box: Arc<dyn SecretBox>,
    /// Signs checkpoints of the audit log.
    pub checkpoint_signer: Arc<dyn CheckpointSigner>,
    /// Verifies their signatures.
    pub checkpoint_verifier: Arc<dyn CheckpointVerifier>,
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
    /// Requests by cookie.
    pub csrf: Csrf,
    /// Passwords of people who are signed in.
    pub passwords: Passwords,
    /// Forgotten passwords.
    pub recovery: Recovery,
    /// The outbox worker's work.
    pub delivery: Delivery,
    /// Signing keys.
    pub keys: SigningKeys,
    /// Sealed values.
    pub rekey: Rekey,
    /// The clean-up worker's work.
    pub upkeep: Upkeep,
    /// The work of those who run the server.
    pub admin: Admin,
    /// What else the command line does.
    pub operators: Operators,
    /// The outbox as operators see it.
    pub messages: Messages,
    /// Keys of programs.
    pub api_keys: ApiKeys,
    /// People who come from elsewhere.
    pub imports: Imports,
    /// People who leave.
    pub exports: Exports,
    /// The rights of one person.
    pub persons: Persons,
    /// What applications tell about themselves.
    pub reports: Reports,
    /// Calls that were refused for their token.
    pub refusals: Refusals,
    /// The audit log: its chain, and its readers at the command line.
    pub trail: AuditTrail,
    /// The audit log as people see it who are in it.
    pub activity: Activity,
    core: Arc<Core>,
}

impl Engine {
    /// Puts the engine together.
    pub fn new(mut ports: Ports, policy: Policy) -> Self {
        let snapshots = Arc::new(Snapshots::new(policy.snapshot_life));
        ports.store = Arc::new(ForgettingStore::new(ports.store, Arc::clone(&snapshots)));
        let core = Arc::new(Core { ports, policy, snapshots, unknown_keys: UnknownKeys::default() });
        let trail = AuditTrail::new(Arc::clone(&core));
        let refusals = Refusals::new(Arc::clone(&core));
        let bearer = Bearer::new(Arc::clone(&core), refusals.clone());
        let factors = Factors::new(Arc::clone(&core));
        let api_keys = ApiKeys::new(Arc::clone(&core), factors.clone(), bearer.clone(), refusals.clone());
        Self {
            accounts: Accounts::new(Arc::clone(&core)),
            login: Login::new(Arc::clone(&core)),
            factors,
            federation: Federation::new(Arc::clone(&core)),
            bearer,
            sessions: Sessions::new(Arc::clone(&core)),
            csrf: Csrf::new(Arc::clone(&core)),
            passwords: Passwords::new(Arc::clone(&core)),
            recovery: Recovery::new(Arc::clone(&core)),
            delivery: Delivery::new(Arc::clone(&core)),
            keys: SigningKeys::new(Arc::clone(&core)),
            rekey: Rekey::new(Arc::clone(&core)),
            upkeep: Upkeep::new(Arc::clone(&core), trail.clone()),
            admin: Admin::new(Arc::clone(&core)),
            operators: Operators::new(Arc::clone(&core)),
            messages: Messages::new(Arc::clone(&core)),
            api_keys,
            imports: Imports::new(Arc::clone(&core)),
            exports: Exports::new(Arc::clone(&core)),
            persons: Persons::new(Arc::clone(&core)),
            reports: Reports::new(Arc::clone(&core)),
            activity: Activity::new(Arc::clone(&core)),
            trail,
            refusals,
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
    snapshots: Arc<Snapshots>,
    unknown_keys: UnknownKeys,
}

impl Core {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.ports.clock.now()
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.ports.entropy
    }

    /// Appends an entry about something that was refused and changed nothing, by itself. If that fails, the
    /// fault carries the entry to the application's log.
    async fn note_refusal(&self, record: &AuditRecord) -> Result<(), Fault> {
        let append = async { self.ports.store.read().await?.audit().append(record).await };
        append.await.map_err(|source| Fault::Unaudited { entry: record.summary(), source })
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
        (target, hand_out): (Target, HandOut),
    ) {
        fn is_send<F: Future + Send>(_: F) {}
        is_send(async move {
            let _ = e.delivery.run(1).await;
            let _ = e.upkeep.run().await;
            let _ = e.trail.chain().await;
            let _ = e.trail.checkpoint().await;
            let _ = e.trail.check(None, |_| {}).await;
            let _ = e.trail.extract(None, None).await;
            let _ = e.activity.of(&c.user, 1, None).await;
            let _ = e.keys.maintain().await;
            let _ = e.keys.rotate().await;
            let _ = e.rekey.run(true, |_| {}).await;
            let _ = e.bearer.authenticate("", &tenant).await;
            let _ = e.bearer.recognise("", &tenant).await;
            let _ = e.sessions.refresh(&tenant, "", &client).await;
            let _ = e.sessions.recover(&c, &client).await;
            let _ = e.sessions.extend(&i, &SessionFilter { refresh_token: None }, &client).await;
            let _ = e.accounts.verify_email("", &client).await;
            let _ = e.federation.recheck(1).await;
            let _ = e.admin.list(Actor::Operator, &UserQuery::default(), 1, None).await;
            let _ = e.admin.delete(Actor::Operator, &target).await;
            let _ = e.admin.reset_password(Actor::Operator, &target, &hand_out).await;
            let _ = e.admin.show(Actor::Operator, &target).await;
            let _ = e.login.with_provider(&login).await;
            let _ = e.api_keys.list(&c, crate::api_key::ApiKeyKind::Personal).await;
            let _ = e.api_keys.validate("", &tenant).await;
        });
    }
}
