//! Accounts, page by page.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Power, meet::Acting};
use crate::{
    audit::AuditEvent,
    id::UserId,
    port::UserFilter,
    tenant::TenantId,
    usecase::{Fault, LaneView},
    user::{User, UserSearch, UserStatus},
};

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Only accounts of this tenant. A person sees their own tenant whatever this says.
    pub tenant: Option<TenantId>,
    /// Only those in one of these states; where it is empty, all but those removed.
    pub statuses: Vec<UserStatus>,
    /// Only those whose address or name begins so.
    pub search: Option<UserSearch>,
}

/// One account in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// The account.
    pub user: User,
    /// The wrong passwords of those whose device is not known.
    pub passwords: LaneView,
}

/// A page of accounts, in the order of their making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts.
    pub items: Vec<ListedUser>,
    /// What gives the next page; `None` when this is the last.
    pub next: Option<String>,
}

impl Admin {
    /// At most `limit` accounts that the actor may see, from `cursor` on.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn list(
        &self,
        actor: Actor<'_>,
        query: &UserQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<UserPage, AdminError> {
        let outcome = self.try_list(actor, query, limit, cursor).await;
        self.conclude(actor, Action::List, None, outcome).await
    }

    async fn try_list(
        &self,
        actor: Actor<'_>,
        query: &UserQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<UserPage, AdminError> {
        let acting = self.reader(actor, Action::List.power())?;
        let filter = filter(&acting, query);
        let place = filter.tenant.as_ref().map_or("", TenantId::as_str);
        let list = [&b"users"[..], place.as_bytes()];
        let after = match cursor {
            Some(cursor) => Some(self.core.read_cursor(&list, cursor).ok_or(AdminError::BadCursor)?),
            None => None,
        };
        let now = self.core.now();
        let mut repos = self.core.ports.store.read().await?;
        // One more than asked for says whether there is a next page.
        let after = after.map(UserId::from_i64);
        let mut users = repos.users().page(&filter, after, limit.saturating_add(1)).await?;
        let tenant = filter.tenant.clone().unwrap_or_default();
        repos.audit().append(&acting.record(AuditEvent::UsersListed, &tenant, now)).await?;
        drop(repos);
        let is_last = users.len() <= limit as usize;
        users.truncate(limit as usize);
        let next = users.last().filter(|_| !is_last).map(|last| self.core.cursor(&list, last.id.as_i64()));
        Ok(UserPage { items: self.with_lanes(users, now).await?, next })
    }

    async fn with_lanes(&self, users: Vec<User>, now: DateTime<Utc>) -> Result<Vec<ListedUser>, Fault> {
        let keys: Vec<_> = users.iter().map(|user| self.core.lock_key(&user.tenant, &user.email)).collect();
        let states = self.core.ports.store.read().await?.locks().states(&keys).await?;
        let states: HashMap<_, _> = states.into_iter().collect();
        let policy = &self.core.policy.lock;
        let listed = users.into_iter().zip(keys).map(|(user, key)| {
            let state = policy.remembered(states.get(&key).copied(), now);
            ListedUser { user, passwords: LaneView { state, standing: policy.standing(state, now) } }
        });
        Ok(listed.collect())
    }
}

fn filter(acting: &Acting, query: &UserQuery) -> UserFilter {
    let all_but_deleted = || UserStatus::ALL.into_iter().filter(|status| *status != UserStatus::Deleted);
    let statuses =
        if query.statuses.is_empty() { all_but_deleted().collect() } else { query.statuses.clone() };
    UserFilter {
        tenant: acting.tenant().cloned().or_else(|| query.tenant.clone()),
        statuses,
        search: query.search.clone(),
        without_superusers: acting.power < Power::Superuser,
    }
}
