//! Roles granted and taken.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Power, Target};
use crate::{
    audit::AuditEvent,
    port::Tx,
    usecase::transaction::transaction,
    user::{Role, User},
};

/// Which roles an account is to have and which not. Those that are not named stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// [`Role::Superuser`].
    pub superuser: Option<bool>,
    /// [`Role::ApplicationAdmin`].
    pub application_admin: Option<bool>,
    /// [`Role::Manager`].
    pub manager: Option<bool>,
}

impl RoleChange {
    /// Grants one role, or takes it.
    #[must_use]
    pub const fn of(role: Role, wanted: bool) -> Self {
        let none = Self { superuser: None, application_admin: None, manager: None };
        match role {
            Role::Superuser => Self { superuser: Some(wanted), ..none },
            Role::ApplicationAdmin => Self { application_admin: Some(wanted), ..none },
            Role::Manager => Self { manager: Some(wanted), ..none },
        }
    }

    fn wanted(self, role: Role) -> Option<bool> {
        match role {
            Role::Superuser => self.superuser,
            Role::ApplicationAdmin => self.application_admin,
            Role::Manager => self.manager,
        }
    }
}

/// What it takes to grant a role or to take it: never less than the role gives.
pub(super) const fn power_over(role: Role) -> Power {
    match role {
        Role::Superuser => Power::Superuser,
        Role::ApplicationAdmin | Role::Manager => Power::ApplicationAdmin,
    }
}

impl Admin {
    /// Grants and takes roles. They count from the account's next request on.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn change_roles(
        &self,
        actor: Actor<'_>,
        target: &Target,
        change: RoleChange,
    ) -> Result<User, AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.change_roles_in(tx, actor, target, change, now));
        self.conclude(actor, Action::ChangeRoles, Some(target), outcome).await
    }

    async fn change_roles_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        change: RoleChange,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::ChangeRoles).await?;
        let mut records = Vec::new();
        for role in Role::ALL {
            let has = meeting.user.roles.has(role);
            let Some(wanted) = change.wanted(role).filter(|wanted| *wanted != has) else { continue };
            if meeting.acting.power < power_over(role) {
                return Err(AdminError::NotAllowed);
            }
            if role == Role::Superuser && !wanted {
                meeting.keep_a_superuser()?;
            }
            let event = if wanted { AuditEvent::RoleGranted } else { AuditEvent::RoleTaken };
            records.push(meeting.record(event, now).with("role", role.as_str()));
            let roles = meeting.user.roles;
            meeting.user.roles = if wanted { roles.with(role) } else { roles.without(role) };
        }
        if records.is_empty() {
            return Ok(meeting.user);
        }
        meeting.user.updated_at = now;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&meeting.user).await?;
        for record in &records {
            tx.audit().append(record).await?;
        }
        Ok(meeting.user)
    }
}
