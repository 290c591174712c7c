//! API keys over the real SQLite store, with the clock in the test's hands.

use auth_domain::{
    api_key::{self, ApiKeyKind, ApiKeyName, Scope, Scopes},
    audit::AuditEvent,
    client::Client,
    id::UserId,
    port::{AuditFilter, OutsideKeyError, Store as _},
    secret::Digest,
    tenant::TenantId,
    usecase::{
        ApiKeyAccessError, ApiKeyError, ApiKeyRefused, Caller, ChangePassword, ChangeProof, CloseAccount,
        CreateApiKey, CreatedApiKey, FactorError, KeyInvalid, Policy, ResetPassword,
    },
    user::{Password, Role, User, UserStatus, password::PasswordPolicy},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use crate::second_factor::{Ada, PASSWORD, ada as address, client, with_code, with_password, without_proof};

fn wish(kind: ApiKeyKind, scopes: &[Scope]) -> CreateApiKey {
    CreateApiKey {
        kind,
        name: ApiKeyName::parse("nightly report").expect("a name"),
        scopes: scopes.iter().copied().collect(),
        life: None,
        proof: ChangeProof::None,
        client: client(),
    }
}

fn personal() -> CreateApiKey {
    wish(ApiKeyKind::Personal, &[Scope::ProfileRead])
}

fn service() -> CreateApiKey {
    wish(ApiKeyKind::Service, &[Scope::TokensIntrospect])
}

impl Ada {
    async fn signed_in(&self) -> Caller {
        self.caller(&self.enter().await).await
    }

    async fn made(&self, caller: &Caller, wish: &CreateApiKey) -> CreatedApiKey {
        self.test.engine.api_keys.create(caller, wish).await.expect("a key")
    }

    async fn used(&self, text: &str, scope: Scope) -> Result<UserId, ApiKeyRefused> {
        let used = self.test.engine.api_keys.person(text, &TenantId::default(), scope).await;
        used.map(|(_, user)| user.id)
    }

    async fn dead(&self, created: &CreatedApiKey) -> ApiKeyRefused {
        self.used(created.secret.expose_secret(), Scope::ProfileRead).await.expect_err("it is dead")
    }

    async fn change(&self, change: impl FnOnce(&mut User)) {
        let mut repos = self.store.read().await.expect("repositories");
        let mut user = repos
            .users()
            .by_email(&TenantId::default(), &address())
            .await
            .expect("the store works")
            .expect("Ada");
        change(&mut user);
        repos.users().save(&user).await.expect("the store works").expect("the same address");
    }

    /// The details of the events of that name, newest first.
    async fn details_of(&self, event: AuditEvent) -> Vec<Vec<(String, String)>> {
        let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
        let mut repos = self.store.read().await.expect("repositories");
        let entries = repos.audit().list(&filter, 50).await.expect("the store works");
        entries.into_iter().map(|entry| entry.details).collect()
    }
}

fn detail(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[tokio::test]
async fn a_key_acts_as_its_owner_within_its_scopes() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    let created = ada.made(&caller, &personal()).await;
    let text = created.secret.expose_secret();
    assert_eq!(ada.used(text, Scope::ProfileRead).await.expect("good"), caller.user.id);
    let narrow = ada.used(text, Scope::ActivityRead).await.expect_err("out of scope");
    assert!(matches!(narrow, ApiKeyRefused::OutOfScope(Scope::ActivityRead)), "{narrow:?}");
    let engine = &ada.test.engine;
    let as_service = engine.api_keys.service(text, &TenantId::default(), Scope::TokensIntrospect).await;
    assert!(matches!(as_service, Err(ApiKeyRefused::OutOfScope(_))), "{as_service:?}");
    let elsewhere = TenantId::parse("acme").expect("a tenant");
    let foreign = engine.api_keys.person(text, &elsewhere, Scope::ProfileRead).await;
    assert!(matches!(foreign, Err(ApiKeyRefused::WrongTenant)), "{foreign:?}");
    let mistyped = text.replace('a', "b");
    assert!(matches!(ada.used(&mistyped, Scope::ProfileRead).await, Err(ApiKeyRefused::Unknown)));
    assert_eq!(created.key.digest, Digest::of(text.as_bytes()), "no more of it is kept");
    assert!(text.starts_with(created.key.prefix.as_str()));
    assert!(!format!("{created:?}").contains(&text[12..]), "{created:?}");

    // Told by mail, written down, and refusals are counted.
    engine.delivery.run(10).await.expect("a delivery");
    assert_eq!(ada.letters(NoticeKind::ApiKeyCreated).await, 1);
    let prefix = detail("key", created.key.prefix.as_str());
    let expected = vec![prefix, detail("kind", "personal"), detail("scopes", "profile:read")];
    assert_eq!(ada.details_of(AuditEvent::ApiKeyCreated).await, [expected]);
    engine.refusals.note().await.expect("the store works");
    let mut denied = ada.details_of(AuditEvent::ApiKeyDenied).await;
    denied.sort();
    let reasons: Vec<_> =
        denied.iter().map(|details| (details[0].1.as_str(), details[1].1.as_str())).collect();
    assert_eq!(reasons, [("other_tenant", "1"), ("out_of_scope", "2"), ("unknown", "1")]);
}

#[tokio::test]
async fn a_key_ends_on_time_and_its_use_is_noted_once_a_minute() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    let created = ada.made(&caller, &CreateApiKey { life: Some(TimeDelta::days(1)), ..personal() }).await;
    let last_used = async || {
        let keys = ada.test.engine.api_keys.list(&caller, ApiKeyKind::Personal).await.expect("a list");
        keys[0].last_used_at.map(|at| (at - created.key.created_at).num_seconds())
    };
    assert_eq!(last_used().await, None);
    for (pause, noted) in [(5, 5), (59, 5), (1, 65), (30, 65)] {
        ada.test.clock.advance(TimeDelta::seconds(pause));
        ada.used(created.secret.expose_secret(), Scope::ProfileRead).await.expect("good");
        assert_eq!(last_used().await, Some(noted));
    }
    ada.test.clock.advance(TimeDelta::days(1));
    assert!(matches!(ada.dead(&created).await, ApiKeyRefused::Expired));

    // After the usual while it is forgotten.
    let kept = ada.test.engine.upkeep.run().await.expect("upkeep");
    ada.test.clock.advance(Policy::default().retention);
    let deleted = ada.test.engine.upkeep.run().await.expect("upkeep");
    assert_eq!((kept.api_keys, deleted.api_keys), (0, 1));
    assert!(matches!(ada.dead(&created).await, ApiKeyRefused::Unknown));
}

#[tokio::test]
async fn lives_and_scopes_are_what_keys_may_have() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    let engine = &ada.test.engine;
    for life in [TimeDelta::zero(), -TimeDelta::days(1), api_key::LONGEST_LIFE + TimeDelta::seconds(1)] {
        let refused = engine.api_keys.create(&caller, &CreateApiKey { life: Some(life), ..personal() }).await;
        assert!(matches!(refused, Err(ApiKeyError::UnfitLife)), "{life}: {refused:?}");
    }
    for scopes in [Scopes::from_iter([]), Scopes::from_iter(Scope::ALL)] {
        let refused = engine.api_keys.create(&caller, &CreateApiKey { scopes, ..personal() }).await;
        assert!(matches!(refused, Err(ApiKeyError::UnfitScopes)), "{refused:?}");
    }
    let usual = ada.made(&caller, &personal()).await.key;
    assert_eq!(usual.expires_at - usual.created_at, TimeDelta::days(90));
    for _ in 1..api_key::AT_MOST {
        ada.made(&caller, &personal()).await;
    }
    let refused = engine.api_keys.create(&caller, &personal()).await;
    assert!(matches!(refused, Err(ApiKeyError::TooMany)), "{refused:?}");
    engine.api_keys.revoke(&caller, usual.id, &client()).await.expect("revoked");
    ada.made(&caller, &personal()).await; // dead ones do not count
}

/// Whoever holds a session for a while is not proved to be its owner.
#[tokio::test]
async fn a_key_takes_a_fresh_login_or_a_proof() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    ada.made(&caller, &personal()).await;
    ada.test.clock.advance(Policy::default().recent_login + TimeDelta::seconds(1));
    let caller = ada.again(&caller).await;
    let engine = &ada.test.engine;
    let refused = engine.api_keys.create(&caller, &personal()).await;
    assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::RecentLoginRequired))), "{refused:?}");
    let wrong = ChangeProof::Password(Password::new("wrong".to_owned()));
    let refused = engine.api_keys.create(&caller, &CreateApiKey { proof: wrong, ..personal() }).await;
    assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::WrongPassword))), "{refused:?}");
    let proof = with_password().proof;
    ada.made(&caller, &CreateApiKey { proof, ..personal() }).await;

    let sister = Caller { session: None, user: caller.user.clone() };
    let refused = engine.api_keys.create(&sister, &personal()).await;
    assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::RecentLoginRequired))), "{refused:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_where_there_is_one() {
    let ada = Ada::registered(Policy::default()).await;
    let (old, stepped_up) = (ada.signed_in().await, ada.signed_in().await);
    let (app, _) = ada.activate(&stepped_up, &without_proof()).await;
    // From before the factor was there: a recent login and the password prove too little.
    let old = ada.again(&old).await;
    for proof in [ChangeProof::None, with_password().proof] {
        let refused = ada.test.engine.api_keys.create(&old, &CreateApiKey { proof, ..personal() }).await;
        assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::RecentLoginRequired))), "{refused:?}");
    }
    ada.made(&ada.again(&stepped_up).await, &personal()).await;
    ada.test.clock.advance(Policy::default().recent_login + TimeDelta::seconds(1));
    let late = ada.again(&stepped_up).await;
    let refused = ada.test.engine.api_keys.create(&late, &personal()).await;
    assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::RecentLoginRequired))), "{refused:?}");
    let proof = with_code(&app.shows(&ada)).proof;
    ada.made(&old, &CreateApiKey { proof, ..personal() }).await;
}

/// A proof is worth nothing once what was proved has changed.
#[tokio::test]
async fn no_key_is_made_with_what_was_proved_before_a_change() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    ada.change(|user| user.factors.totp = true).await;
    let refused = ada.test.engine.api_keys.create(&caller, &personal()).await;
    assert!(matches!(refused, Err(ApiKeyError::Proof(FactorError::RecentLoginRequired))), "{refused:?}");
}

#[tokio::test]
async fn a_key_of_an_account_that_may_not_be_used_is_refused() {
    let ada = Ada::registered(Policy::default()).await;
    let created = ada.made(&ada.signed_in().await, &personal()).await;
    for status in UserStatus::ALL.into_iter().filter(|status| *status != UserStatus::Active) {
        ada.change(|user| user.status = status).await;
        assert!(matches!(ada.dead(&created).await, ApiKeyRefused::OwnerInactive), "{status}");
        let text = created.secret.expose_secret();
        let judged = ada.test.engine.api_keys.validate(text, &TenantId::default()).await;
        assert!(matches!(judged, Err(KeyInvalid::UserInactive)), "{status}: {judged:?}");
    }
    ada.change(|user| user.status = UserStatus::Active).await;
    ada.used(created.secret.expose_secret(), Scope::ProfileRead).await.expect("good again");
}

/// A thief who made a key does not keep it beyond a new password.
#[tokio::test]
async fn what_ends_all_sessions_for_safety_revokes_personal_keys() {
    let new = |text: &str| PasswordPolicy::default().admit(Password::new(text.to_owned())).expect("good");
    let ada = Ada::registered(Policy::default()).await;
    let engine = &ada.test.engine;
    let caller = ada.signed_in().await;

    let by_change = ada.made(&caller, &personal()).await;
    let change = ChangePassword {
        current: Some(Password::new(PASSWORD.to_owned())),
        new: new("other words at dusk"),
        client: client(),
    };
    engine.passwords.change_known(&caller, &change).await.expect("a change that keeps sessions");
    ada.used(by_change.secret.expose_secret(), Scope::ProfileRead).await.expect("kept with the sessions");
    let change = ChangePassword {
        current: Some(Password::new("other words at dusk".to_owned())),
        new: new(PASSWORD),
        client: client(),
    };
    engine.passwords.change(&ada.again(&caller).await, &change).await.expect("a change");
    assert!(matches!(ada.dead(&by_change).await, ApiKeyRefused::Revoked));

    let by_reset = ada.made(&ada.signed_in().await, &personal()).await;
    engine.recovery.forgot(&TenantId::default(), &address(), &Client::default()).await.expect("an answer");
    engine.delivery.run(50).await.expect("a delivery");
    let token = ada.test.mailer.token(NoticeKind::ResetPassword, &address()).expect("a link");
    let reset = ResetPassword { token, new_password: new(PASSWORD_TWO), client: client() };
    engine.recovery.reset(&reset).await.expect("a reset");
    assert!(matches!(ada.dead(&by_reset).await, ApiKeyRefused::Revoked));
    let revoked = ada.details_of(AuditEvent::ApiKeyRevoked).await;
    assert_eq!(revoked, vec![vec![detail("keys", "1")]; 2]);
}

const PASSWORD_TWO: &str = "third words at noon";

#[tokio::test]
async fn closing_the_account_revokes_its_keys_for_good() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.signed_in().await;
    let created = ada.made(&caller, &personal()).await;
    let close = CloseAccount { password: Password::new(PASSWORD.to_owned()), client: client() };
    ada.test.engine.accounts.close(&caller, &close).await.expect("closed");
    ada.change(|user| user.status = UserStatus::Active).await;
    assert!(matches!(ada.dead(&created).await, ApiKeyRefused::Revoked));
}

#[tokio::test]
async fn keys_of_services_belong_to_the_tenant() {
    let ada = Ada::registered(Policy::default()).await;
    let engine = &ada.test.engine;
    let caller = ada.signed_in().await;
    let refused = engine.api_keys.create(&caller, &service()).await;
    assert!(matches!(refused, Err(ApiKeyError::NotAllowed)), "{refused:?}");
    let refused = engine.api_keys.list(&caller, ApiKeyKind::Service).await;
    assert!(matches!(refused, Err(ApiKeyAccessError::NotAllowed)), "{refused:?}");
    for role in [Role::Superuser, Role::ApplicationAdmin] {
        ada.change(|user| user.roles = [role].into_iter().collect()).await;
        let admin = ada.again(&caller).await;
        let created = ada.made(&admin, &service()).await;
        let text = created.secret.expose_secret();
        let used = engine.api_keys.service(text, &TenantId::default(), Scope::TokensIntrospect).await;
        assert_eq!(used.expect("good").made_by, caller.user.id);
        assert!(matches!(ada.used(text, Scope::ProfileRead).await, Err(ApiKeyRefused::OutOfScope(_))));
        let judged = engine.api_keys.validate(text, &TenantId::default()).await;
        assert!(matches!(judged, Err(KeyInvalid::Outside(OutsideKeyError::NoSubject))), "{judged:?}");
    }
    let keys = engine.api_keys.list(&ada.again(&caller).await, ApiKeyKind::Service).await.expect("a list");
    assert_eq!(keys.len(), 2);

    // It outlives its maker, whom the next administrator need not know.
    ada.change(|user| {
        user.roles = [].into_iter().collect();
        user.status = UserStatus::Deleted;
    })
    .await;
    let key = &keys[0];
    let eve = ada.caller(&ada.sign_up("eve@example.com").await).await;
    let not_hers = engine.api_keys.revoke(&eve, key.id, &client()).await;
    assert!(matches!(not_hers, Err(ApiKeyAccessError::NotFound)), "{not_hers:?}");
    let mut admin = eve;
    admin.user.roles.application_admin = true;
    engine.api_keys.revoke(&admin, key.id, &client()).await.expect("revoked");
    engine.api_keys.revoke(&admin, key.id, &client()).await.expect("revoked before");
    assert_eq!(ada.details_of(AuditEvent::ApiKeyRevoked).await.len(), 1);
}

#[tokio::test]
async fn only_live_tokens_of_the_tenant_are_introspected() {
    let ada = Ada::registered(Policy::default()).await;
    let engine = &ada.test.engine;
    ada.change(|user| user.roles = [Role::Superuser].into_iter().collect()).await;
    let signed_in = ada.enter().await;
    let caller = ada.caller(&signed_in).await;
    let key = ada.made(&caller, &service()).await.key;
    let token = signed_in.access.expose_secret();
    let live = engine.api_keys.introspect(&key, token).await.expect("an answer").expect("a live token");
    assert_eq!((live.claims.subject, live.user.id), (caller.user.id, caller.user.id));
    let mut elsewhere = key.clone();
    elsewhere.tenant = TenantId::parse("acme").expect("a tenant");
    let texts = [(&elsewhere, token), (&key, signed_in.refresh.expose_secret()), (&key, ""), (&key, "x.y.z")];
    for (key, text) in texts {
        assert!(engine.api_keys.introspect(key, text).await.expect("an answer").is_none(), "{text}");
    }
    // A session that others see in use is in use.
    ada.test.clock.advance(TimeDelta::minutes(2));
    engine.api_keys.introspect(&key, token).await.expect("an answer").expect("a live token");
    let sessions = engine.sessions.list(&caller).await.expect("a list");
    assert_eq!((sessions[0].last_used_at - sessions[0].created_at).num_minutes(), 2);

    ada.change(|user| user.status = UserStatus::Suspended).await;
    assert!(engine.api_keys.introspect(&key, token).await.expect("an answer").is_none());
    ada.change(|user| user.status = UserStatus::Active).await;
    engine
        .sessions
        .revoke(&caller, caller.session.as_ref().expect("one").id, &client())
        .await
        .expect("ended");
    assert!(engine.api_keys.introspect(&key, token).await.expect("an answer").is_none());
    engine.refusals.note().await.expect("the store works");
    assert!(ada.details_of(AuditEvent::TokenInvalid).await.is_empty(), "to ask is no offence");
}

#[tokio::test]
async fn keys_minted_outside_stand_for_accounts_of_the_tenant() {
    let ada = Ada::registered(Policy::default()).await;
    let id = ada.signed_in().await.user.id;
    let judged = async |text: String, tenant: &str| {
        let tenant = TenantId::parse(tenant).expect("a tenant");
        ada.test.engine.api_keys.validate(&text, &tenant).await
    };
    for text in [format!("outside {id}"), format!("outside {id} default")] {
        assert_eq!(judged(text, "default").await.expect("good"), id);
    }
    let foreign = judged(format!("outside {id} acme"), "default").await;
    assert!(matches!(foreign, Err(KeyInvalid::Outside(OutsideKeyError::Invalid))), "{foreign:?}");
    let elsewhere = judged(format!("outside {id}"), "acme").await;
    assert!(matches!(elsewhere, Err(KeyInvalid::UserNotFound)), "{elsewhere:?}");
    assert!(matches!(judged("outside 404".to_owned(), "default").await, Err(KeyInvalid::UserNotFound)));
    ada.change(|user| user.status = UserStatus::Inactive).await;
    let inactive = judged(format!("outside {id}"), "default").await;
    assert!(matches!(inactive, Err(KeyInvalid::UserInactive)), "{inactive:?}");
}
