//! What people are told of without having asked: each once, with what caused it.

use std::sync::Arc;

use auth_domain::{
    client::{Client, UserAgent},
    outbox::OutboxState,
    port::Store,
    tenant::TenantId,
    usecase::{Caller, ChangeEmail, ChangePassword, LoginError, PasswordLogin, Policy, Register, SignedIn},
    user::{Email, NewPassword, Password, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{NoticeKind, SentLetter, TestEngine};
use chrono::TimeDelta;

const PASSWORD: &str = "plain words at dawn";
const LAPTOP: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const UPDATED: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";
const PHONE: &str = "Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

/// An installation where ada@example.com has an account and nothing is owed.
struct Ada {
    test: TestEngine,
    store: SqliteStore,
}

impl Ada {
    async fn new() -> Self {
        let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
        store.migrate().await.expect("a schema");
        let test = TestEngine::new(Arc::new(store.clone()), Policy::default());
        test.engine.keys.ensure().await.expect("a signing key");
        let request = Register {
            tenant: TenantId::default(),
            email: email("ada"),
            password: password(PASSWORD),
            full_name: None,
            client: Client::default(),
        };
        test.engine.accounts.register(&request).await.expect("an account");
        Self { test, store }
    }

    /// The same with the address proved.
    async fn verified() -> Self {
        let ada = Self::new().await;
        ada.confirm("ada", NoticeKind::VerifyEmail).await;
        ada.test.mailer.clear();
        ada
    }

    async fn confirm(&self, name: &str, kind: NoticeKind) {
        self.test.engine.delivery.run(50).await.expect("a delivery");
        let token = self.test.mailer.token(kind, &email(name)).expect("a mailed link");
        let from = client("198.51.100.7", LAPTOP);
        self.test.engine.accounts.verify_email(&token, &from).await.expect("a proved address");
    }

    async fn try_login(&self, name: &str, with: &str, from: &Client) -> Result<SignedIn, LoginError> {
        let login = PasswordLogin {
            tenant: TenantId::default(),
            email: email(name),
            password: Password::new(with.to_owned()),
            code: None,
            device: auth_domain::factor::DeviceTraits::default(),
            device_token: None,
            client: from.clone(),
        };
        self.test.engine.login.with_password(&login).await
    }

    async fn login(&self, ip: &str, agent: &str) -> Caller {
        let signed_in = self.try_login("ada", PASSWORD, &client(ip, agent)).await.expect("a login");
        let token = signed_in.access.expose_secret();
        self.test.engine.bearer.authenticate(token, &TenantId::default()).await.expect("a caller")
    }

    async fn fail(&self, name: &str, times: u32) {
        for _ in 0..times {
            let refused = self.try_login(name, "wrong", &client("203.0.113.9", "curl/8.0")).await;
            assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
        }
    }

    /// Sends what is owed and returns what arrived since the last call.
    async fn mails(&self) -> Vec<SentLetter> {
        self.test.engine.delivery.run(50).await.expect("a delivery");
        let sent = self.test.mailer.sent();
        self.test.mailer.clear();
        sent
    }

    async fn kinds(&self) -> Vec<NoticeKind> {
        self.mails().await.iter().map(|letter| letter.kind).collect()
    }

    async fn waiting(&self) -> usize {
        let mut repos = self.store.read().await.expect("the store");
        repos.outbox().list(OutboxState::Waiting, None, 50).await.expect("a list").len()
    }
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).expect("an address")
}

fn password(text: &str) -> NewPassword {
    PasswordPolicy::default().admit(Password::new(text.to_owned())).expect("a good password")
}

fn client(ip: &str, agent: &str) -> Client {
    let ip = Some(ip.parse().expect("an address"));
    Client { ip, user_agent: UserAgent::new(agent), request_id: None }
}

#[tokio::test]
async fn a_new_device_is_told_of_once_and_the_first_is_not_new() {
    let ada = Ada::verified().await;
    ada.login("192.0.2.1", LAPTOP).await;
    ada.login("192.0.2.77", UPDATED).await;
    assert_eq!(ada.waiting().await, 0, "an open session knows the device");
    ada.login("192.0.2.1", PHONE).await;
    let mails = ada.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].kind, &mails[0].to), (NoticeKind::NewDevice, &email("ada")));
    assert_eq!(mails[0].client, client("192.0.2.1", PHONE));
    ada.login("192.0.2.1", PHONE).await;
    ada.login("203.0.113.1", PHONE).await;
    assert_eq!(ada.kinds().await, [NoticeKind::NewDevice], "another network");
}

#[tokio::test]
async fn a_device_without_open_session_is_remembered_for_90_days() {
    let ada = Ada::verified().await;
    ada.login("192.0.2.1", LAPTOP).await;
    ada.test.clock.advance(TimeDelta::days(90));
    ada.login("192.0.2.1", UPDATED).await;
    assert_eq!(ada.waiting().await, 1, "no session knows it, so the log is asked");
    assert_eq!(ada.kinds().await, []);
    ada.test.clock.advance(TimeDelta::days(90) + TimeDelta::seconds(1));
    ada.login("192.0.2.1", LAPTOP).await;
    assert_eq!(ada.kinds().await, [NoticeKind::NewDevice]);
}

#[tokio::test]
async fn a_caller_that_shows_nothing_is_no_device() {
    let ada = Ada::verified().await;
    ada.login("192.0.2.1", LAPTOP).await;
    ada.try_login("ada", PASSWORD, &Client::default()).await.expect("a login");
    assert_eq!(ada.waiting().await, 0);
}

#[tokio::test]
async fn a_lock_is_told_of_once_however_long_the_guessing_goes_on() {
    let ada = Ada::verified().await;
    ada.fail("ada", 4).await;
    assert_eq!(ada.waiting().await, 0);
    ada.fail("ada", 1).await;
    let mails = ada.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].kind, &mails[0].to), (NoticeKind::AccountLocked, &email("ada")));
    assert_eq!(mails[0].client, client("203.0.113.9", "curl/8.0"));
    for _ in 0..5 {
        ada.test.clock.advance(TimeDelta::minutes(15));
        ada.fail("ada", 1).await;
    }
    assert_eq!(ada.kinds().await, []);
}

#[tokio::test]
async fn a_right_password_at_the_last_try_locks_nothing_and_is_told_of() {
    for (failures, told) in [(2, vec![]), (4, vec![NoticeKind::SignInAfterFailures])] {
        let ada = Ada::verified().await;
        ada.fail("ada", failures).await;
        ada.login("192.0.2.1", LAPTOP).await;
        assert_eq!(ada.kinds().await, told);
    }
}

#[tokio::test]
async fn a_lock_of_an_address_that_nobody_proved_takes_the_same_work_and_is_not_told_of() {
    let ada = Ada::new().await;
    ada.mails().await;
    for name in ["ada", "nobody"] {
        ada.fail(name, 5).await;
        assert_eq!(ada.waiting().await, 1, "{name}");
        assert_eq!(ada.kinds().await, [], "{name}");
    }
}

#[tokio::test]
async fn a_wrong_password_in_a_session_locks_and_is_told_of_as_well() {
    let ada = Ada::verified().await;
    let caller = ada.login("192.0.2.1", LAPTOP).await;
    let change = ChangePassword {
        current: Some(Password::new("wrong".to_owned())),
        new: password("other words at dusk"),
        client: client("192.0.2.1", LAPTOP),
    };
    for _ in 0..5 {
        ada.test.engine.passwords.change(&caller, &change).await.expect_err("it is wrong");
    }
    assert_eq!(ada.kinds().await, [NoticeKind::AccountLocked]);
}

#[tokio::test]
async fn a_new_address_is_told_of_at_both() {
    let ada = Ada::verified().await;
    let caller = ada.login("192.0.2.1", LAPTOP).await;
    let request = ChangeEmail {
        new_email: email("countess"),
        password: Password::new(PASSWORD.to_owned()),
        client: client("192.0.2.1", LAPTOP),
    };
    ada.test.engine.accounts.request_email_change(&caller, &request).await.expect("an answer");
    ada.confirm("countess", NoticeKind::ConfirmEmailChange).await;
    ada.test.mailer.clear();
    let mut mails = ada.mails().await;
    mails.sort_by_key(|letter| letter.to.as_str().to_owned());
    assert_eq!(
        mails.iter().map(|letter| &letter.to).collect::<Vec<_>>(),
        [&email("ada"), &email("countess")]
    );
    for letter in mails {
        assert_eq!((letter.kind, letter.client), (NoticeKind::EmailChanged, client("198.51.100.7", LAPTOP)));
        assert_eq!(letter.masked, Some(email("countess").masked()));
    }
}

#[tokio::test]
async fn a_new_password_is_told_of_once_with_its_place() {
    let ada = Ada::verified().await;
    let caller = ada.login("192.0.2.1", LAPTOP).await;
    let change = ChangePassword {
        current: Some(Password::new(PASSWORD.to_owned())),
        new: password("other words at dusk"),
        client: client("192.0.2.1", LAPTOP),
    };
    ada.test.engine.passwords.change(&caller, &change).await.expect("a change");
    let mails = ada.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].kind, &mails[0].client), (NoticeKind::PasswordChanged, &change.client));
}
