//! Use cases over the real SQLite store, with time, hashing and mail in the test's hands.

use std::sync::Arc;

use auth_domain::{
    client::Client,
    port::Quota,
    tenant::TenantId,
    usecase::{
        Caller, ChangePassword, ChangePasswordError, CreateUser, LoginError, PasswordLogin, Policy,
        RefreshError, Register, RegisterError, ResetError, ResetPassword, SignedIn, VerifyEmailError,
    },
    user::{Email, NewPassword, Password, Roles, User, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{NoticeKind, TestEngine};
use chrono::TimeDelta;

const PASSWORD: &str = "plain words at dawn";
const OTHER: &str = "other words at dusk";

async fn engine(policy: Policy) -> TestEngine {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    let test = TestEngine::new(Arc::new(store), policy);
    test.engine.keys.ensure().await.expect("a signing key");
    test
}

fn ada() -> Email {
    Email::parse("ada@example.com").expect("an address")
}

fn new(password: &str) -> NewPassword {
    PasswordPolicy::default().admit(Password::new(password.to_owned())).expect("a good password")
}

async fn register(test: &TestEngine) -> Result<User, RegisterError> {
    let request = Register {
        tenant: TenantId::default(),
        email: ada(),
        password: new(PASSWORD),
        full_name: None,
        client: Client::default(),
    };
    test.engine.accounts.register(&request).await
}

async fn login(test: &TestEngine, password: &str) -> Result<SignedIn, LoginError> {
    let login = PasswordLogin {
        tenant: TenantId::default(),
        email: ada(),
        password: Password::new(password.to_owned()),
        code: None,
        device: auth_domain::factor::DeviceTraits::default(),
        device_token: None,
        client: Client::default(),
    };
    test.engine.login.with_password(&login).await
}

/// Sends what is owed and returns the newest token of that kind.
async fn mailed(test: &TestEngine, kind: NoticeKind) -> String {
    test.engine.delivery.run(50).await.expect("a delivery");
    test.mailer.token(kind, &ada()).expect("a mailed link")
}

async fn verified(test: &TestEngine) {
    register(test).await.expect("an account");
    let token = mailed(test, NoticeKind::VerifyEmail).await;
    test.engine.accounts.verify_email(&token, &Client::default()).await.expect("a proved address");
}

async fn caller(test: &TestEngine, signed_in: &SignedIn) -> Caller {
    let token = signed_in.access.expose_secret();
    test.engine.bearer.authenticate(token, &TenantId::default()).await.expect("a caller")
}

async fn refresh(test: &TestEngine, token: &str) -> Result<SignedIn, RefreshError> {
    test.engine.sessions.refresh(&TenantId::default(), token, &Client::default()).await
}

#[tokio::test]
async fn links_die_on_time() {
    let test = engine(Policy::default()).await;
    register(&test).await.expect("an account");
    let token = mailed(&test, NoticeKind::VerifyEmail).await;
    test.clock.advance(TimeDelta::hours(24));
    let outcome = test.engine.accounts.verify_email(&token, &Client::default()).await;
    assert!(matches!(outcome, Err(VerifyEmailError::InvalidToken)), "{outcome:?}");
}

#[tokio::test]
async fn a_newer_reset_link_kills_the_older_and_a_reset_proves_the_address() {
    let test = engine(Policy::default()).await;
    register(&test).await.expect("an account");
    let forgot = async || {
        test.engine
            .recovery
            .forgot(&TenantId::default(), &ada(), &Client::default())
            .await
            .expect("an answer");
        mailed(&test, NoticeKind::ResetPassword).await
    };
    let (older, newer) = (forgot().await, forgot().await);
    let reset = async |token: String| {
        let request = ResetPassword { token, new_password: new(OTHER), client: Client::default() };
        test.engine.recovery.reset(&request).await
    };
    assert!(matches!(reset(older).await, Err(ResetError::InvalidToken)));
    reset(newer).await.expect("a reset");
    login(&test, OTHER).await.expect("a login, the mailbox was proved");
}

#[tokio::test]
async fn a_session_ends_on_time_however_often_it_is_refreshed() {
    let test = engine(Policy::default()).await;
    verified(&test).await;
    let mut token = login(&test, PASSWORD).await.expect("a login").refresh.expose_secret().to_owned();
    for _ in 0..6 {
        test.clock.advance(TimeDelta::days(1));
        token = refresh(&test, &token).await.expect("a refresh").refresh.expose_secret().to_owned();
    }
    test.clock.advance(TimeDelta::days(1));
    assert!(matches!(refresh(&test, &token).await, Err(RefreshError::Invalid)));
}

#[tokio::test]
async fn the_grace_window_gives_the_same_successor_and_then_closes() {
    let test = engine(Policy::default()).await;
    verified(&test).await;
    let first = login(&test, PASSWORD).await.expect("a login");
    let spent = first.refresh.expose_secret();
    let next = refresh(&test, spent).await.expect("a refresh");
    test.clock.advance(TimeDelta::seconds(10));
    let again = refresh(&test, spent).await.expect("the same refresh");
    assert_eq!(next.refresh.expose_secret(), again.refresh.expose_secret());
    test.clock.advance(TimeDelta::seconds(1));
    assert!(matches!(refresh(&test, spent).await, Err(RefreshError::Invalid)));
    assert!(matches!(refresh(&test, next.refresh.expose_secret()).await, Err(RefreshError::Invalid)));
    test.engine.delivery.run(50).await.expect("a delivery");
    assert_eq!(test.mailer.last_to(&ada()).expect("a notice").kind, NoticeKind::RefreshReuse);
}

#[tokio::test]
async fn the_oldest_idle_session_gives_way() {
    let test = engine(Policy { max_sessions: 2, ..Policy::default() }).await;
    verified(&test).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        test.clock.advance(TimeDelta::seconds(1));
        tokens.push(login(&test, PASSWORD).await.expect("a login").refresh.expose_secret().to_owned());
    }
    assert!(matches!(refresh(&test, &tokens[0]).await, Err(RefreshError::Invalid)));
    refresh(&test, &tokens[1]).await.expect("a live session");
    refresh(&test, &tokens[2]).await.expect("a live session");
}

#[tokio::test]
async fn the_present_password_may_be_left_out_only_shortly_after_a_login() {
    let test = engine(Policy::default()).await;
    verified(&test).await;
    let signed_in = login(&test, PASSWORD).await.expect("a login");
    let who = caller(&test, &signed_in).await;
    let change = ChangePassword { current: None, new: new(OTHER), client: Client::default() };
    test.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let outcome = test.engine.passwords.change(&who, &change).await;
    assert!(matches!(outcome, Err(ChangePasswordError::RecentLoginRequired)), "{outcome:?}");
    let again = login(&test, PASSWORD).await.expect("a login");
    test.engine.passwords.change(&caller(&test, &again).await, &change).await.expect("a change");
}

#[tokio::test]
async fn a_handed_out_password_works_for_two_days_and_must_be_changed() {
    let test = engine(Policy::default()).await;
    let request =
        CreateUser { tenant: TenantId::default(), email: ada(), full_name: None, roles: Roles::default() };
    let created = test.engine.operators.create_user(&request).await.expect("an account");
    let password = created.password.expose_secret();
    let signed_in = login(&test, password).await.expect("a login, it proves the address");
    assert!(signed_in.user.must_change_password() && signed_in.user.email_verified);
    test.clock.advance(TimeDelta::hours(48));
    assert!(matches!(login(&test, password).await, Err(LoginError::BadCredentials)));
}

#[tokio::test]
async fn our_overload_locks_nobody_out() {
    let test = engine(Policy::default()).await;
    verified(&test).await;
    test.hasher.overload(20);
    for _ in 0..20 {
        assert!(matches!(login(&test, PASSWORD).await, Err(LoginError::Fault(_))));
    }
    login(&test, PASSWORD).await.expect("a login");
}

/// Who would be turned away anyhow costs the store nothing: not even the lock is looked at.
#[tokio::test]
async fn under_overload_the_store_is_left_to_others() {
    let test = engine(Policy::default()).await;
    verified(&test).await;
    for _ in 0..5 {
        assert!(matches!(login(&test, "Wr0ng&wrong").await, Err(LoginError::BadCredentials)));
    }
    assert!(matches!(login(&test, PASSWORD).await, Err(LoginError::Locked(_))));
    test.hasher.set_full(true);
    assert!(matches!(login(&test, PASSWORD).await, Err(LoginError::Fault(_))));
    test.hasher.set_full(false);
    assert!(matches!(login(&test, PASSWORD).await, Err(LoginError::Locked(_))));
}

#[tokio::test]
async fn hidden_accounts_look_like_new_ones_and_their_owner_is_told() {
    let test = engine(Policy { hide_existing_accounts: true, ..Policy::default() }).await;
    verified(&test).await;
    let made_up = register(&test).await.expect("an answer of the same form");
    assert!(!made_up.email_verified);
    test.engine.delivery.run(50).await.expect("a delivery");
    assert_eq!(test.mailer.last_to(&ada()).expect("a mail").kind, NoticeKind::AccountExists);
}

/// Somebody was first at an address that is not theirs: the newest registration counts, as often as mails may go
/// there, and what an operator made or somebody proved is nobody's to register.
#[tokio::test]
async fn an_unproved_address_is_registered_anew_within_the_number_of_mails() {
    let policy =
        Policy { hide_existing_accounts: true, mail_per_address: Quota::per_hour(2), ..Policy::default() };
    let test = engine(policy).await;
    let try_as = async |password: &str| {
        let request = Register {
            tenant: TenantId::default(),
            email: ada(),
            password: new(password),
            full_name: None,
            client: Client::default(),
        };
        test.engine.accounts.register(&request).await.expect("an answer that tells nothing").id
    };
    let first = try_as(OTHER).await;
    let stale = mailed(&test, NoticeKind::VerifyEmail).await;
    assert_ne!(try_as(PASSWORD).await, first);
    let link = mailed(&test, NoticeKind::ResetPassword).await;
    try_as("a third one was too many").await;
    test.engine.delivery.run(50).await.expect("a delivery");
    let last = test.mailer.last_to(&ada()).expect("a mail").kind;
    assert_eq!(last, NoticeKind::ResetPassword, "no more mails than that");

    let verified = test.engine.accounts.verify_email(&stale, &Client::default()).await;
    assert!(matches!(verified, Err(VerifyEmailError::InvalidToken)));
    let reset =
        ResetPassword { token: link, new_password: new("a wholly New one 4711!"), client: Client::default() };
    test.engine.recovery.reset(&reset).await.expect("a password of the owner's own");
    for dead in [OTHER, PASSWORD, "a third one was too many"] {
        assert!(matches!(login(&test, dead).await, Err(LoginError::BadCredentials)), "{dead}");
    }
    let caller = caller(&test, &login(&test, "a wholly New one 4711!").await.expect("a session")).await;
    assert_eq!(caller.user.id, first, "one account all the way");
}

#[tokio::test]
async fn a_mail_that_fails_comes_later_and_only_its_newest_link_works() {
    let test = engine(Policy::default()).await;
    register(&test).await.expect("an account");
    test.mailer.fail(2);
    for _ in 0..3 {
        test.engine.delivery.run(50).await.expect("a delivery");
        test.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(test.mailer.attempts(), 3);
    let token = test.mailer.token(NoticeKind::VerifyEmail, &ada()).expect("a mailed link");
    test.engine.accounts.verify_email(&token, &Client::default()).await.expect("a proved address");
}
