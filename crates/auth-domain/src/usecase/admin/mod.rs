//! What people do who run the server: with accounts of others, by HTTP and at the command line alike.
//!
//! | who | may |
//! |---|---|
//! | [`Power::ApplicationAdmin`] | make, close and change accounts of the own tenant; superusers do not exist for them, or are refused |
//! | [`Power::Superuser`] | all that, with every account of the own tenant; states, sessions, devices, numbers and the log besides |
//! | [`Power::Operator`] | everything, in every tenant: whoever has the command line has the database |
//!
//! The rights are read from the account as it is in the transaction that acts, not from a token. Nobody acts on
//! another tenant, whose accounts are answered for as if there were none; nobody grants a role stronger than
//! their own, or changes their own; and the last active superuser stays. Whatever is done leaves an entry in
//! the audit log with who did it and to whom, and so does whatever is refused.

mod create;
mod error;
mod factors;
mod list;
mod log;
mod meet;
mod password;
mod roles;
mod sessions;
mod show;
mod stats;
mod status;

use std::sync::Arc;

pub use create::NewAccount;
pub use error::{Action, AdminError};
pub use list::{ListedUser, UserPage, UserQuery};
pub use log::{AuditPage, AuditQuery};
pub use password::HandOut;
pub use roles::RoleChange;
pub use show::AccountView;
pub use stats::Stats;
pub use status::StatusChange;

use self::meet::Acting;
pub(super) use self::meet::find_in;
use super::{Caller, Core, Fault, factors::has_second_factor};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    tenant::TenantId,
    user::{Email, User},
};

/// Administration.
#[derive(Clone)]
pub struct Admin {
    core: Arc<Core>,
}

/// Who acts.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// Somebody signed in.
    Person {
        /// Who.
        caller: &'a Caller,
        /// From where.
        client: &'a Client,
    },
    /// Whoever has the command line.
    Operator,
}

/// What somebody may do to the accounts of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Administers the ordinary accounts of their tenant.
    ApplicationAdmin,
    /// Administers all accounts of their tenant.
    Superuser,
    /// Administers everything.
    Operator,
}

impl Power {
    /// The power that an account gives.
    pub fn of(user: &User) -> Option<Self> {
        let roles = user.roles;
        let power = match (roles.superuser, roles.application_admin) {
            (true, _) => Self::Superuser,
            (false, true) => Self::ApplicationAdmin,
            (false, false) => return None,
        };
        user.is_active().then_some(power)
    }
}

/// Whose account it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The account of that id.
    Id(UserId),
    /// The account of an address within a tenant.
    Address {
        /// The tenant.
        tenant: TenantId,
        /// The address.
        email: Email,
    },
}

impl From<UserId> for Target {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl Admin {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Whether the caller has at least that power, and a session good enough to use it: what is asked at the
    /// door. The use cases ask once more, of the account as it is when they act.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] or [`AdminError::SecondFactorRequired`].
    pub fn check(&self, caller: &Caller, power: Power) -> Result<(), AdminError> {
        self.weigh(caller, &caller.user, power).map(drop)
    }

    /// Notes that somebody was turned away at the door, and from what.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn turned_away(
        &self,
        caller: &Caller,
        why: &AdminError,
        route: &str,
        client: &Client,
    ) -> Result<(), Fault> {
        self.core.note_refusal(&self.denial(caller, client, why).with("route", route)).await
    }

    /// The power that `user`, the caller's account as it was read just now, gives them.
    fn weigh(&self, caller: &Caller, user: &User, power: Power) -> Result<Power, AdminError> {
        let has = Power::of(user).filter(|has| *has >= power).ok_or(AdminError::NotAllowed)?;
        if self.core.policy.admin_requires_second_factor && !has_second_factor(caller) {
            return Err(AdminError::SecondFactorRequired);
        }
        Ok(has)
    }

    fn denial(&self, caller: &Caller, client: &Client, error: &AdminError) -> AuditRecord {
        let event = AuditEvent::AuthzDenied;
        let record = AuditRecord::new(event, &caller.user.tenant, client, self.core.now());
        let record = AuditRecord { actor: Some(caller.user.id), ..record };
        let record = match &caller.session {
            Some(session) => record.within(session.id),
            None => record,
        };
        record.with("reason", error.reason().unwrap_or("fault"))
    }

    /// Who acts without touching an account, for reading: with the rights of the account as it was read for
    /// this very request.
    fn reader(&self, actor: Actor<'_>, power: Power) -> Result<Acting, AdminError> {
        match actor {
            Actor::Operator => Ok(Acting::operator()),
            Actor::Person { caller, client } => {
                let has = self.weigh(caller, &caller.user, power)?;
                Ok(Acting::person(caller, client, has))
            }
        }
    }

    /// Notes a refusal in the audit log, in a transaction of its own: the one that was refused left nothing.
    async fn conclude<T>(
        &self,
        actor: Actor<'_>,
        action: Action,
        target: Option<&Target>,
        outcome: Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let (Err(error), Actor::Person { caller, client }) = (&outcome, actor) else { return outcome };
        if error.reason().is_some() {
            let refused = self.denial(caller, client, error).with("action", action.as_str());
            let refused = match target {
                Some(Target::Id(id)) => refused.about(*id),
                Some(Target::Address { .. }) | None => refused,
            };
            self.core.note_refusal(&refused).await?;
        }
        outcome
    }
}
