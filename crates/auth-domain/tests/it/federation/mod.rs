//! People whose password a provider keeps, over the real SQLite store and a pool that the tests script.

mod checks;
mod devices;
mod linking;
mod login;
mod migration;
mod pool;

use std::sync::Arc;

use auth_domain::{
    audit::{AuditEntry, AuditEvent},
    client::{Client, UserAgent},
    factor::DeviceTraits,
    id::UserId,
    port::{AuditFilter, ProviderCode, Store as _},
    session::Session,
    tenant::TenantId,
    usecase::{
        Caller, LoginError, PasswordLogin, Policy, ProviderChallengeLogin, ProviderLoginError, Register,
        SignedIn,
    },
    user::{Email, LinkedIdentity, Password, User, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{NoticeKind, TestEngine};

use pool::Pool;

/// The password at the pool.
const THERE: &str = "words of the pool";
/// The password here.
const HERE: &str = "plain words at dawn";

/// An engine beside a pool in which Ada is.
struct World {
    test: TestEngine,
    store: Arc<SqliteStore>,
    pool: Pool,
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

fn ada() -> Email {
    email("ada@example.com")
}

fn client() -> Client {
    Client { ip: Some([192, 0, 2, 7].into()), user_agent: UserAgent::new("Firefox"), request_id: None }
}

fn login(address: &Email, password: &str) -> PasswordLogin {
    PasswordLogin {
        tenant: TenantId::default(),
        email: address.clone(),
        password: Password::new(password.to_owned()),
        code: None,
        device: DeviceTraits::default(),
        device_token: None,
        client: client(),
    }
}

fn challenge_login(token: &str, code: Option<&str>, new_password: Option<&str>) -> ProviderChallengeLogin {
    ProviderChallengeLogin {
        tenant: TenantId::default(),
        token: token.to_owned().into(),
        code: code.map(|code| ProviderCode::new(code.to_owned())),
        new_password: new_password.map(|password| Password::new(password.to_owned())),
        device: DeviceTraits::default(),
        device_token: None,
        client: client(),
    }
}

impl World {
    async fn new() -> Self {
        Self::with(Policy::default()).await
    }

    async fn with(policy: Policy) -> Self {
        let store = Arc::new(SqliteStore::open(SqliteConfig::in_memory()).expect("a store"));
        store.migrate().await.expect("a schema");
        let pool = Pool::default();
        pool.add("sub-ada", "ada@example.com", THERE);
        let provider = Some(pool.ports());
        let adapt = |ports| auth_domain::usecase::Ports { provider, ..ports };
        let test = TestEngine::adapted(store.clone(), policy, adapt);
        test.engine.keys.ensure().await.expect("a signing key");
        Self { test, store, pool }
    }

    /// An account of this server, its address not proved yet.
    async fn register(&self, address: &Email) -> User {
        let password = PasswordPolicy::default().admit(Password::new(HERE.to_owned()));
        let request = Register {
            tenant: TenantId::default(),
            email: address.clone(),
            password: password.expect("a good password"),
            full_name: None,
            client: client(),
        };
        self.test.engine.accounts.register(&request).await.expect("an account")
    }

    /// The same, proved.
    async fn register_proved(&self, address: &Email) -> User {
        let user = self.register(address).await;
        self.deliver().await;
        let token = self.test.mailer.token(NoticeKind::VerifyEmail, address).expect("a link");
        self.test.engine.accounts.verify_email(&token, &client()).await.expect("a proved address");
        self.test.mailer.clear();
        user
    }

    async fn deliver(&self) {
        self.test.engine.delivery.run(50).await.expect("a delivery");
    }

    /// The kinds of the mails that are owed, once they were sent.
    async fn told(&self) -> Vec<NoticeKind> {
        self.deliver().await;
        self.test.mailer.sent().iter().map(|letter| letter.kind).collect()
    }

    async fn try_pool(&self, address: &Email, password: &str) -> Result<SignedIn, ProviderLoginError> {
        self.test.engine.login.with_provider(&login(address, password)).await
    }

    async fn through_pool(&self) -> SignedIn {
        self.try_pool(&ada(), THERE).await.expect("a session")
    }

    async fn try_native(&self, password: &str) -> Result<SignedIn, LoginError> {
        self.test.engine.login.with_password(&login(&ada(), password)).await
    }

    async fn answer(
        &self,
        token: &str,
        code: Option<&str>,
        new_password: Option<&str>,
    ) -> Result<SignedIn, ProviderLoginError> {
        let login = challenge_login(token, code, new_password);
        self.test.engine.login.with_provider_challenge(&login).await
    }

    /// Begins a login that the pool asks something more for; gives the token.
    async fn challenged(&self) -> String {
        match self.try_pool(&ada(), THERE).await {
            Err(ProviderLoginError::Challenge(asked)) => asked.token.expose_secret().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn caller(&self, signed_in: &SignedIn) -> Caller {
        let token = signed_in.access.expose_secret();
        let tenant = TenantId::default();
        self.test.engine.bearer.authenticate(token, &tenant).await.expect("somebody who may act")
    }

    async fn user(&self, address: &Email) -> Option<User> {
        let mut repos = self.store.read().await.expect("repositories");
        repos.users().by_email(&TenantId::default(), address).await.expect("the store works")
    }

    async fn links(&self, user: UserId) -> Vec<LinkedIdentity> {
        self.test.engine.federation.identities(user).await.expect("the store works")
    }

    async fn live(&self, user: UserId) -> Vec<Session> {
        let mut repos = self.store.read().await.expect("repositories");
        repos.sessions().live_of(user, self.now()).await.expect("the store works")
    }

    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        auth_domain::port::Clock::now(&self.test.clock)
    }

    async fn log(&self, event: AuditEvent) -> Vec<AuditEntry> {
        let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
        let mut repos = self.store.read().await.expect("repositories");
        repos.audit().list(&filter, 100).await.expect("the store works")
    }
}

fn reason(entry: &AuditEntry) -> Option<&str> {
    entry.details.iter().find(|(name, _)| name == "reason").map(|(_, value)| value.as_str())
}

#[track_caller]
fn is_bad_credentials<T: std::fmt::Debug>(outcome: &Result<T, ProviderLoginError>) {
    let bad = matches!(outcome, Err(ProviderLoginError::Login(LoginError::BadCredentials)));
    assert!(bad, "{outcome:?}");
}
