//! Second factors as people meet them, over the real SQLite store, with the clock in the test's hands.

mod attacks;
mod changes;
mod codes;
mod grace;
mod login;

use std::sync::Arc;

use auth_domain::{
    client::{Client, UserAgent},
    factor::DeviceTraits,
    guard::known_device::DeviceToken,
    tenant::TenantId,
    usecase::{
        Caller, ChallengeLogin, ChallengeLoginError, ChangeProof, FactorChange, LoginError, PasswordLogin,
        Policy, RecoveryCodes, Register, SecondFactorRequired, SignedIn,
    },
    user::{Email, Password, PhoneNumber, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{NoticeKind, TestEngine};

pub(crate) const PASSWORD: &str = "plain words at dawn";

/// One person, Ada, with an engine to herself.
pub(crate) struct Ada {
    pub(crate) test: TestEngine,
    pub(crate) store: Arc<SqliteStore>,
}

pub(crate) fn ada() -> Email {
    Email::parse("ada@example.com").expect("an address")
}

pub(crate) fn number() -> PhoneNumber {
    PhoneNumber::parse("+12125550123").expect("a number")
}

pub(crate) fn client() -> Client {
    Client {
        ip: Some([192, 0, 2, 7].into()),
        user_agent: UserAgent::new("Mozilla/5.0 Firefox/140.0"),
        request_id: None,
    }
}

pub(crate) fn with_password() -> FactorChange {
    let proof = ChangeProof::Password(Password::new(PASSWORD.to_owned()));
    FactorChange { proof, end_other_sessions: false, client: client() }
}

pub(crate) fn with_code(code: &str) -> FactorChange {
    FactorChange { proof: ChangeProof::Code(code.to_owned().into()), ..without_proof() }
}

pub(crate) fn without_proof() -> FactorChange {
    FactorChange { client: client(), ..FactorChange::default() }
}

impl Ada {
    /// With an account whose address is proved, and no second factor.
    pub(crate) async fn registered(policy: Policy) -> Self {
        let store = Arc::new(SqliteStore::open(SqliteConfig::in_memory()).expect("a store"));
        store.migrate().await.expect("a schema");
        let test = TestEngine::new(store.clone(), policy);
        test.engine.keys.ensure().await.expect("a signing key");
        let one = Self { test, store };
        one.register(&ada()).await;
        one
    }

    async fn register(&self, email: &Email) {
        let engine = &self.test.engine;
        let password = PasswordPolicy::default().admit(Password::new(PASSWORD.to_owned()));
        let request = Register {
            tenant: TenantId::default(),
            email: email.clone(),
            password: password.expect("a good password"),
            full_name: None,
            client: client(),
        };
        engine.accounts.register(&request).await.expect("an account");
        engine.delivery.run(10).await.expect("a delivery");
        let token = self.test.mailer.token(NoticeKind::VerifyEmail, email).expect("a link");
        engine.accounts.verify_email(&token, &client()).await.expect("a proved address");
    }

    /// Somebody asks for an account with a password of their own.
    pub(crate) async fn try_sign_up(&self, email: &str) {
        let password = PasswordPolicy::default().admit(Password::new("my own words here".to_owned()));
        let request = Register {
            tenant: TenantId::default(),
            email: Email::parse(email).expect("an address"),
            password: password.expect("a good password"),
            full_name: None,
            client: client(),
        };
        self.test.engine.accounts.register(&request).await.expect("an answer that tells nothing");
    }

    /// Somebody else with an account and a session.
    pub(crate) async fn sign_up(&self, email: &str) -> SignedIn {
        let email = Email::parse(email).expect("an address");
        self.register(&email).await;
        let login = PasswordLogin { email, ..Self::login(None) };
        self.test.engine.login.with_password(&login).await.expect("a session")
    }

    /// With an authenticator app. Gives the recovery codes too.
    pub(crate) async fn with_app(policy: Policy) -> (Self, App, RecoveryCodes) {
        let ada = Self::registered(policy).await;
        let caller = ada.caller(&ada.enter().await).await;
        let (app, codes) = ada.activate(&caller, &without_proof()).await;
        (ada, app, codes)
    }

    pub(crate) async fn activate(&self, caller: &Caller, change: &FactorChange) -> (App, RecoveryCodes) {
        let factors = &self.test.engine.factors;
        let app = App(factors.set_up_totp(caller, change).await.expect("a secret").secret);
        let code = app.shows(self).into();
        let codes = factors.activate_totp(caller, &code, change).await.expect("recovery codes");
        (app, codes)
    }

    /// Proves a number by the code sent there.
    pub(crate) async fn prove_number(&self, caller: &Caller, change: &FactorChange) {
        let factors = &self.test.engine.factors;
        factors.set_up_sms(caller, &number(), change).await.expect("a message");
        let caller = self.again(caller).await;
        let code = self.test.sms.code(&number()).expect("a code").into();
        factors.verify_sms(&caller, &code, change).await.expect("a proved number");
    }

    pub(crate) fn login(code: Option<&str>) -> PasswordLogin {
        PasswordLogin {
            tenant: TenantId::default(),
            email: ada(),
            password: Password::new(PASSWORD.to_owned()),
            code: code.map(|code| code.to_owned().into()),
            device: DeviceTraits::default(),
            device_token: None,
            client: client(),
        }
    }

    pub(crate) async fn try_login(&self, code: Option<&str>) -> Result<SignedIn, LoginError> {
        self.test.engine.login.with_password(&Self::login(code)).await
    }

    /// Signs in where no second factor is demanded.
    pub(crate) async fn enter(&self) -> SignedIn {
        self.try_login(None).await.expect("a session")
    }

    /// Signs in up to the second factor.
    pub(crate) async fn challenged(&self) -> SecondFactorRequired {
        match self.try_login(None).await {
            Err(LoginError::SecondFactorRequired(required)) => *required,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn answer(
        &self,
        required: &SecondFactorRequired,
        code: &str,
    ) -> Result<SignedIn, ChallengeLoginError> {
        self.answer_from(required, code, None).await
    }

    pub(crate) async fn answer_from(
        &self,
        required: &SecondFactorRequired,
        code: &str,
        device: Option<&DeviceToken>,
    ) -> Result<SignedIn, ChallengeLoginError> {
        let token = required.token.as_ref().expect("a token").expose_secret();
        let login = ChallengeLogin {
            tenant: TenantId::default(),
            token: token.to_owned().into(),
            code: code.to_owned().into(),
            device: DeviceTraits::default(),
            device_token: device.cloned(),
            client: client(),
        };
        self.test.engine.login.with_challenge(&login).await
    }

    pub(crate) async fn caller(&self, signed_in: &SignedIn) -> Caller {
        let token = signed_in.access.expose_secret();
        self.test.engine.bearer.authenticate(token, &TenantId::default()).await.expect("a caller")
    }

    /// The same caller, as the next request sees them.
    pub(crate) async fn again(&self, caller: &Caller) -> Caller {
        use auth_domain::port::Store as _;
        let id = caller.session.as_ref().expect("a session").id;
        let found = self.store.read().await.expect("a store").sessions().with_user(id).await;
        let (session, user) = found.expect("a store").expect("a session");
        Caller { user, session: Some(session) }
    }

    /// Sends what is owed and counts the letters of a kind.
    pub(crate) async fn letters(&self, kind: NoticeKind) -> usize {
        self.test.engine.delivery.run(50).await.expect("a delivery");
        self.test.mailer.sent().iter().filter(|letter| letter.kind == kind).count()
    }
}

/// Ada's authenticator app.
pub(crate) struct App(pub(crate) auth_domain::factor::TotpSecret);

impl App {
    pub(crate) fn shows(&self, ada: &Ada) -> String {
        self.shows_at(ada, 0)
    }

    /// The code of a clock that is off by so many seconds.
    pub(crate) fn shows_at(&self, ada: &Ada, seconds: i64) -> String {
        use auth_domain::port::Clock as _;
        let now = ada.test.clock.now() + chrono::TimeDelta::seconds(seconds);
        ada.test.app.shows(&self.0, now)
    }
}
