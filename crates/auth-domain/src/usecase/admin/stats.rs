//! Numbers about accounts.

use chrono::TimeDelta;

use super::{Action, Actor, Admin, AdminError};
use crate::port::{RecentSince, UserCounts};

/// How much there is of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The accounts of the actor's tenant; of every tenant for an operator.
    pub users: Vec<UserCounts>,
    /// Their sessions that live.
    pub live_sessions: u64,
    /// Messages of the installation that wait.
    pub messages_waiting: u64,
    /// Messages of the installation that were given up.
    pub dead_letters: u64,
}

impl Admin {
    /// Counts accounts, sessions and messages.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn stats(&self, actor: Actor<'_>) -> Result<Stats, AdminError> {
        let outcome = self.try_stats(actor).await;
        self.conclude(actor, Action::Count, None, outcome).await
    }

    async fn try_stats(&self, actor: Actor<'_>) -> Result<Stats, AdminError> {
        let acting = self.reader(actor, Action::Count.power())?;
        let tenant = acting.tenant().cloned();
        let now = self.core.now();
        let since = RecentSince { day: now - TimeDelta::days(1), week: now - TimeDelta::days(7) };
        let mut repos = self.core.ports.store.read().await?;
        Ok(Stats {
            users: repos.users().counts(tenant.clone(), since).await?,
            live_sessions: repos.sessions().count_live(tenant, now).await?,
            messages_waiting: repos.outbox().depth().await?,
            dead_letters: repos.outbox().dead_letters().await?,
        })
    }
}
