//! Administration over the real SQLite store: who may do what to whom, and what it leaves.

mod accounts;
mod passwords;
mod reading;
mod rights;

use std::sync::Arc;

use auth_domain::{
    audit::{AuditEntry, AuditEvent},
    id::UserId,
    port::{AuditFilter, Clock as _, Store as _},
    session::{Authentication, Session},
    tenant::TenantId,
    usecase::{Action, Actor, Admin, AdminError, Caller, HandOut, Policy, RoleChange, Target},
    user::{NewPassword, Password, Role, Roles, User, UserStatus, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{builder, fake::TestEngine};
use chrono::{DateTime, Utc};

use crate::second_factor::client;

/// A tenant with people in it, and a second one.
pub(super) struct House {
    pub(super) test: TestEngine,
    pub(super) store: Arc<SqliteStore>,
}

/// Who lives there, by the numbers of their accounts. The two superusers of the first tenant stand on both sides
/// of everybody else, so that locks are taken in either order.
pub(super) const EVE: i64 = 10;
pub(super) const ADMIN: i64 = 20;
pub(super) const ADA: i64 = 30;
pub(super) const MANAGER: i64 = 40;
pub(super) const BOB: i64 = 90;
pub(super) const STRANGER: i64 = 50;

impl House {
    pub(super) async fn new() -> Self {
        Self::with(Policy::default()).await
    }

    pub(super) async fn with(policy: Policy) -> Self {
        let store = Arc::new(SqliteStore::open(SqliteConfig::in_memory()).expect("a store"));
        store.migrate().await.expect("a schema");
        let house = Self { test: TestEngine::new(store.clone(), policy), store };
        let superuser = Roles::default().with(Role::Superuser);
        house.move_in(EVE, "default", superuser).await;
        house.move_in(BOB, "default", superuser.with(Role::ApplicationAdmin)).await;
        house.move_in(ADMIN, "default", Roles::default().with(Role::ApplicationAdmin)).await;
        house.move_in(MANAGER, "default", Roles::default().with(Role::Manager)).await;
        house.move_in(ADA, "default", Roles::default()).await;
        house.move_in(STRANGER, "other", superuser).await;
        house
    }

    async fn move_in(&self, number: i64, tenant: &str, roles: Roles) {
        let mut user = builder::user(number, self.now());
        (user.tenant, user.roles) = (TenantId::parse(tenant).expect("a name"), roles);
        let session = builder::session(number, &user, self.now());
        let mut tx = self.store.begin().await.expect("a transaction");
        tx.users().insert(&user).await.expect("a store").expect("a free address");
        let first = builder::generation(session.id, 0, self.now());
        tx.sessions().insert(&session, &first).await.expect("a session");
        tx.commit().await.expect("a commit");
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.test.clock.now()
    }

    pub(super) fn admin(&self) -> &Admin {
        &self.test.engine.admin
    }

    pub(super) async fn user(&self, number: i64) -> User {
        let id = UserId::from_i64(number);
        let found = self.store.read().await.expect("a store").users().by_id(id).await;
        found.expect("an answer").expect("somebody who moved in")
    }

    /// Somebody as the door lets them in.
    pub(super) async fn caller(&self, number: i64) -> Caller {
        let user = self.user(number).await;
        let session = builder::session(number, &user, self.now());
        Caller { user, session: Some(session) }
    }

    pub(super) async fn live_sessions(&self, number: i64) -> usize {
        let (id, now) = (UserId::from_i64(number), self.now());
        self.store.read().await.expect("a store").sessions().live_of(id, now).await.expect("an answer").len()
    }

    pub(super) async fn audited(&self, event: AuditEvent) -> Vec<AuditEntry> {
        let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
        let mut repos = self.store.read().await.expect("a store");
        repos.audit().list(&filter, 200).await.expect("the store works")
    }

    /// Tries an action, and says in one word what became of it.
    pub(super) async fn tries(&self, who: i64, action: Action, whom: i64) -> &'static str {
        let (caller, client) = (self.caller(who).await, client());
        let actor = Actor::Person { caller: &caller, client: &client };
        outcome(&act(self.admin(), actor, action, &target(whom)).await)
    }
}

pub(super) fn target(number: i64) -> Target {
    Target::Id(UserId::from_i64(number))
}

/// Does something to an account, whatever it is.
pub(super) async fn act(
    admin: &Admin,
    actor: Actor<'_>,
    action: Action,
    target: &Target,
) -> Result<(), AdminError> {
    let change = RoleChange { manager: Some(true), application_admin: Some(true), superuser: None };
    match action {
        Action::Show => admin.show(actor, target).await.map(drop),
        Action::Delete => admin.delete(actor, target).await.map(drop),
        Action::Reactivate => admin.reactivate(actor, target).await.map(drop),
        Action::ChangeStatus => {
            admin.change_status(actor, target, UserStatus::Suspended, Some("why not")).await.map(drop)
        }
        Action::ChangeRoles => admin.change_roles(actor, target, change).await.map(drop),
        Action::ResetPassword => admin.reset_password(actor, target, &hand_out(true)).await.map(drop),
        Action::Unlock => admin.unlock(actor, target).await.map(drop),
        Action::ResetFactors => admin.reset_factors(actor, target).await.map(drop),
        Action::ReadSessions => admin.sessions(actor, target).await.map(drop),
        Action::EndSessions => admin.end_sessions(actor, target).await.map(drop),
        Action::ReadDevices => admin.devices(actor, target).await.map(drop),
        Action::ForgetDevices => admin.forget_devices(actor, target).await.map(drop),
        Action::List | Action::Create | Action::ReadLog | Action::Count => panic!("about no account"),
    }
}

pub(super) fn outcome<T: std::fmt::Debug>(result: &Result<T, AdminError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(AdminError::NotDeleted(_)) => "not_deleted",
        Err(error) => error.reason().unwrap_or_else(|| panic!("{error:?}")),
    }
}

pub(super) const GIVEN: &str = "a handed out sentence 7";

pub(super) fn admitted(text: &str) -> NewPassword {
    PasswordPolicy::default().admit(Password::new(text.to_owned())).expect("a good password")
}

pub(super) fn hand_out(is_temporary: bool) -> HandOut {
    HandOut { password: admitted(GIVEN), is_temporary }
}

/// The same session, with a second factor proved.
pub(super) fn with_second_factor(caller: Caller) -> Caller {
    let session = caller.session.expect("everybody here has one");
    let authentication =
        Authentication { second_factor_at: Some(session.created_at), ..session.authentication };
    Caller { session: Some(Session { authentication, ..session }), ..caller }
}
