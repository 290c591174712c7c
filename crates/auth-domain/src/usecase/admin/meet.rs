//! Who meets whom: the rules that every action on an account begins with.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Power, Target};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::{SessionId, UserId},
    port::{StoreError, Tx},
    tenant::TenantId,
    usecase::Caller,
    user::{User, UserStatus},
};

/// Who acts, with the rights of this moment.
pub(super) struct Acting {
    pub(super) power: Power,
    /// `None` for an operator, who is nobody here and everywhere.
    pub(super) who: Option<(UserId, TenantId)>,
    session: Option<SessionId>,
    pub(super) client: Client,
}

/// Who acts on whom.
pub(super) struct Meeting {
    pub(super) acting: Acting,
    /// Locked for the rest of the transaction.
    pub(super) user: User,
    /// Whether the account is the only active superuser of the installation.
    pub(super) is_last_superuser: bool,
}

impl Acting {
    pub(super) fn operator() -> Self {
        Self { power: Power::Operator, who: None, session: None, client: Client::default() }
    }

    pub(super) fn person(caller: &Caller, client: &Client, power: Power) -> Self {
        Self {
            power,
            who: Some((caller.user.id, caller.user.tenant.clone())),
            session: caller.session.as_ref().map(|session| session.id),
            client: client.clone(),
        }
    }

    /// The tenant that an actor does not see beyond.
    pub(super) fn tenant(&self) -> Option<&TenantId> {
        self.who.as_ref().map(|(_, tenant)| tenant)
    }

    /// An entry about something done in `tenant`.
    pub(super) fn record(&self, event: AuditEvent, tenant: &TenantId, now: DateTime<Utc>) -> AuditRecord {
        let record = AuditRecord::new(event, tenant, &self.client, now);
        AuditRecord { actor: self.who.as_ref().map(|(id, _)| *id), session: self.session, ..record }
    }
}

impl Meeting {
    /// An entry about something done to the account.
    pub(super) fn record(&self, event: AuditEvent, now: DateTime<Utc>) -> AuditRecord {
        self.acting.record(event, &self.user.tenant, now).about(self.user.id)
    }

    /// Refuses to leave the installation without anybody who could administer it.
    pub(super) const fn keep_a_superuser(&self) -> Result<(), AdminError> {
        if self.is_last_superuser { Err(AdminError::LastSuperuser) } else { Ok(()) }
    }
}

impl Admin {
    /// Brings actor and account together in the transaction that acts. Both are locked, so that of two
    /// administrators who remove each other at the same moment the second finds that they are none any more.
    pub(super) async fn meet_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        action: Action,
    ) -> Result<Meeting, AdminError> {
        let nobody = || AdminError::NotFound {
            action,
            id: if let Target::Id(id) = target { Some(*id) } else { None },
        };
        let seen = find_in(tx, target).await?;
        let is_within = |user: &User| match actor {
            Actor::Operator => true,
            Actor::Person { caller, .. } => caller.user.tenant == user.tenant,
        };
        let Some(seen) = seen.filter(is_within) else {
            // Whoever may not ask hears that first.
            self.acting_in(tx, actor, action).await?;
            return Err(nobody());
        };
        // All superusers first and then the two in one order, so that no two of these wait for each other.
        let superusers = if seen.roles.superuser { tx.users().lock_superusers().await? } else { Vec::new() };
        let is_first = matches!(actor, Actor::Person { caller, .. } if caller.user.id < seen.id);
        let (acting, user) = if is_first {
            let acting = self.acting_in(tx, actor, action).await?;
            (acting, tx.users().lock(seen.id).await?)
        } else {
            let user = tx.users().lock(seen.id).await?;
            (self.acting_in(tx, actor, action).await?, user)
        };
        let user = user.ok_or_else(nobody)?;
        if user.roles.superuser && !seen.roles.superuser {
            return Err(StoreError::Conflict.into());
        }
        allow(&acting, &user, action)?;
        let is_last_superuser = matches!(superusers.as_slice(), [only] if only.id == user.id);
        Ok(Meeting { acting, user, is_last_superuser })
    }

    /// The actor as their account is now, locked.
    pub(super) async fn acting_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        action: Action,
    ) -> Result<Acting, AdminError> {
        match actor {
            Actor::Operator => Ok(Acting::operator()),
            Actor::Person { caller, client } => {
                let fresh = tx.users().lock(caller.user.id).await?.ok_or(AdminError::NotAllowed)?;
                let power = self.weigh(caller, &fresh, action.power())?;
                Ok(Acting::person(caller, client, power))
            }
        }
    }
}

/// The account of that id or address, not locked.
pub(in crate::usecase) async fn find_in(
    tx: &mut dyn Tx,
    target: &Target,
) -> Result<Option<User>, StoreError> {
    match target {
        Target::Id(id) => tx.users().by_id(*id).await,
        Target::Address { tenant, email } => tx.users().by_email(tenant, email).await,
    }
}

fn allow(acting: &Acting, user: &User, action: Action) -> Result<(), AdminError> {
    let nobody = AdminError::NotFound { action, id: Some(user.id) };
    if user.roles.superuser && acting.power < Power::Superuser {
        // An action names what it refuses, as clients know it; a look finds nobody.
        return Err(if action.is_reading() { nobody } else { AdminError::OfSuperuser(action) });
    }
    if user.status == UserStatus::Deleted && !action.is_for_deleted() {
        return Err(nobody);
    }
    let is_own = acting.who.as_ref().is_some_and(|(id, _)| *id == user.id);
    if is_own && action.is_for_others() { Err(AdminError::OwnAccount(action)) } else { Ok(()) }
}
