//! What is known from a moment ago, and for how long.

use std::sync::Arc;

use auth_domain::{
    client::Client,
    port::{Clock as _, Store as _, TokenSigner as _},
    secret::AccessToken,
    session::{EndReason, Ended, Session},
    tenant::TenantId,
    token::{AccessClaims, AuthMethod},
    usecase::{
        Actor, Bearer, BearerError, Caller, FieldChange, Policy, RoleChange, SessionFilter, UpdateProfile,
    },
    user::{FullName, Role, User},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder,
    fake::{FakeTokens, TestEngine},
};
use chrono::TimeDelta;

/// Ada, signed in twice.
struct World {
    test: TestEngine,
    store: SqliteStore,
    ada: User,
    sessions: [Session; 2],
    tokens: [AccessToken; 2],
}

impl World {
    async fn new(policy: Policy) -> Self {
        let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
        store.migrate().await.expect("a schema");
        let signer = Arc::new(FakeTokens::default());
        let test = TestEngine::adapted(Arc::new(store.clone()), policy, |mut ports| {
            (ports.signer, ports.verifier) = (signer.clone(), signer.clone());
            (ports.key_ring, ports.key_factory) = (signer.clone(), signer.clone());
            ports
        });
        test.engine.keys.ensure().await.expect("a signing key");
        let now = test.clock.now();
        let ada = builder::user(1, now);
        let sessions = [1, 2].map(|number| builder::session(number, &ada, now));
        let mut tx = store.begin().await.expect("a transaction");
        tx.users().insert(&ada).await.expect("it inserts").expect("a new address");
        for session in &sessions {
            let first = builder::generation(session.id, 0, now);
            tx.sessions().insert(session, &first).await.expect("it inserts");
        }
        tx.commit().await.expect("a commit");
        let tokens = sessions.clone().map(|session| {
            let claims = AccessClaims {
                subject: ada.id,
                tenant: ada.tenant.clone(),
                session: Some(session.id),
                id: None,
                issued_at: Some(now),
                expires_at: now + TimeDelta::minutes(30),
                authenticated_at: Some(now),
                methods: vec![AuthMethod::Password],
            };
            signer.sign(&claims, now).expect("a token")
        });
        Self { test, store, ada, sessions, tokens }
    }

    fn bearer(&self) -> &Bearer {
        &self.test.engine.bearer
    }

    async fn recognised(&self, number: usize) -> Result<Caller, BearerError> {
        self.bearer().recognise(self.tokens[number].expose_secret(), &TenantId::default()).await
    }

    async fn authenticated(&self, number: usize) -> Result<Caller, BearerError> {
        self.bearer().authenticate(self.tokens[number].expose_secret(), &TenantId::default()).await
    }

    /// Somebody else ends the first session: another replica, or the command line.
    async fn end_elsewhere(&self) {
        let ended = Ended { at: self.test.clock.now(), reason: EndReason::Revoked };
        let mut repos = self.store.read().await.expect("repositories");
        assert!(repos.sessions().end(self.sessions[0].id, ended).await.expect("it ends"));
    }
}

fn is_ended(outcome: &Result<Caller, BearerError>) -> bool {
    matches!(outcome, Err(BearerError::SessionEnded))
}

#[tokio::test]
async fn what_others_change_is_seen_after_the_moment_and_by_changes_at_once() {
    let world = World::new(Policy::default()).await;
    world.recognised(0).await.expect("a caller");
    world.end_elsewhere().await;
    world.test.clock.advance(TimeDelta::milliseconds(999));
    world.recognised(0).await.expect("the moment is not over");
    assert!(is_ended(&world.authenticated(0).await));
    world.test.clock.advance(TimeDelta::milliseconds(1));
    assert!(is_ended(&world.recognised(0).await));
}

#[tokio::test]
async fn without_a_moment_everybody_asks() {
    let world = World::new(Policy { snapshot_life: TimeDelta::zero(), ..Policy::default() }).await;
    world.recognised(0).await.expect("a caller");
    world.end_elsewhere().await;
    assert!(is_ended(&world.recognised(0).await));
}

#[tokio::test]
async fn who_was_refused_is_asked_for_again() {
    let world = World::new(Policy::default()).await;
    let disable = async |status| {
        let mut tx = world.store.begin().await.expect("a transaction");
        let mut ada = tx.users().lock(world.ada.id).await.expect("it locks").expect("ada");
        ada.status = status;
        tx.users().save(&ada).await.expect("it saves").expect("her own address");
        tx.commit().await.expect("a commit");
    };
    disable(auth_domain::user::UserStatus::Suspended).await;
    assert!(matches!(world.recognised(0).await, Err(BearerError::UserInactive)));
    disable(auth_domain::user::UserStatus::Active).await;
    world.recognised(0).await.expect("a caller");
}

#[tokio::test]
async fn the_token_and_the_tenant_are_checked_as_ever() {
    let world = World::new(Policy::default()).await;
    world.recognised(0).await.expect("a caller");
    let (token, other) = (world.tokens[0].expose_secret(), TenantId::parse("other").expect("a tenant"));
    assert!(matches!(world.bearer().recognise(token, &other).await, Err(BearerError::WrongTenant)));
    let forged = format!("{token}0");
    let outcome = world.bearer().recognise(&forged, &TenantId::default()).await;
    assert!(matches!(outcome, Err(BearerError::Rejected(_))), "{outcome:?}");
    world.test.clock.advance(TimeDelta::minutes(31));
    assert!(matches!(world.recognised(0).await, Err(BearerError::Rejected(_))));
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let world = World::new(Policy::default()).await;
    world.recognised(0).await.expect("a caller");
    world.test.clock.advance(TimeDelta::minutes(2));
    let mut uses = Vec::new();
    for _ in 0..3 {
        let session = world.recognised(0).await.expect("a caller").session.expect("a session");
        uses.push(session.last_used_at);
    }
    let now = world.test.clock.now();
    assert_eq!(uses, [now - TimeDelta::minutes(2), now, now]);
}

/// Whatever this engine does, who asked for it finds it done: what is recognised afterwards is what is there.
#[tokio::test]
async fn what_the_engine_changes_is_seen_at_once() {
    for change in ["revoke", "revoke others", "extend", "profile", "roles", "end", "delete", "erase"] {
        let world = World::new(Policy { extension: TimeDelta::days(60), ..Policy::default() }).await;
        let caller = world.recognised(0).await.expect("a caller");
        world.recognised(1).await.expect("a caller");
        make(change, &world, &caller).await;
        let mut changed = false;
        for number in [0, 1] {
            let was = (caller.user.clone(), world.sessions[number].clone());
            let outcomes = [world.recognised(number).await, world.authenticated(number).await];
            let [recognised, there] = outcomes.map(|outcome| match outcome {
                Ok(Caller { user, session }) => Ok((user, session.expect("a session"))),
                Err(error) => Err(error.to_string()),
            });
            assert_eq!(recognised, there, "{change}, session {number}");
            changed |= there != Ok(was);
        }
        assert!(changed, "{change} changes something");
    }
}

async fn make(change: &str, world: &World, caller: &Caller) {
    let (engine, client, target) = (&world.test.engine, Client::default(), world.ada.id.into());
    match change {
        "revoke" => engine.sessions.revoke(caller, world.sessions[1].id, &client).await.expect("an end"),
        "revoke others" => {
            assert_eq!(engine.sessions.revoke_others(caller, &client).await.expect("an end"), 1);
        }
        "extend" => {
            world.test.clock.advance(TimeDelta::milliseconds(10));
            let token = world.tokens[0].expose_secret();
            let identity = world.bearer().identify(token, &TenantId::default()).await.expect("an identity");
            let filter = SessionFilter { refresh_token: None };
            engine.sessions.extend(&identity, &filter, &client).await.expect("more time");
        }
        "profile" => {
            let name = FullName::parse("Augusta Ada King").expect("a name");
            let change = UpdateProfile { full_name: FieldChange::Set(name), client };
            engine.accounts.update_profile(caller, &change).await.expect("a change");
        }
        "roles" => {
            let change = RoleChange::of(Role::Superuser, true);
            engine.admin.change_roles(Actor::Operator, &target, change).await.expect("a role");
        }
        "end" => {
            assert_eq!(engine.admin.end_sessions(Actor::Operator, &target).await.expect("an end").1, 2);
        }
        "delete" => {
            engine.admin.delete(Actor::Operator, &target).await.expect("it is closed");
        }
        "erase" => engine.persons.erase(world.ada.id).await.expect("nothing is left"),
        other => panic!("nobody can {other}"),
    }
}
