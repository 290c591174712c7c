//! Refreshing: a new pair for the newest token, the same pair for one spent a moment ago, the end of
//! the session for one spent long ago.

use chrono::{DateTime, Utc};

use super::Sessions;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    outbox::Intent,
    port::{StoreError, Tx},
    session::{
        EndReason, Ended, Session,
        rotation::{Generation, Presented, Verdict, judge},
    },
    tenant::TenantId,
    token::RefreshToken,
    usecase::{
        Fault, SignedIn,
        fault::faults,
        transaction::{Retryable, transaction},
    },
    user::User,
};

/// Why a refresh token gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Unknown, spent, expired, ended, of another tenant, or of an unusable account: one answer.
    #[error("the refresh token is not valid")]
    Invalid,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(RefreshError);

impl From<Fault> for RefreshError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What one look at a presented token led to.
enum Step {
    Refreshed(Box<(User, Session, RefreshToken)>),
    Refused,
    /// A parallel request was faster; look again.
    Overtaken,
}

/// How often a parallel request may be faster before we give up. Two looks are enough: whoever was
/// overtaken finds the token spent a moment ago.
const LOOKS: u32 = 4;

impl Sessions {
    /// Exchanges a refresh token for a new pair.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn refresh(
        &self,
        tenant: &TenantId,
        token: &str,
        client: &Client,
    ) -> Result<SignedIn, RefreshError> {
        let token = RefreshToken::parse(token).ok_or(RefreshError::Invalid)?;
        for _ in 0..LOOKS {
            let now = self.core.now();
            match self.look(tenant, &token, client, now).await? {
                Step::Refreshed(pair) => {
                    let (user, session, refresh) = *pair;
                    return Ok(self.core.issue(user, session, refresh, now)?);
                }
                Step::Refused => return Err(RefreshError::Invalid),
                Step::Overtaken => {}
            }
        }
        Err(RefreshError::Fault(StoreError::Conflict.into()))
    }

    async fn look(
        &self,
        tenant: &TenantId,
        token: &RefreshToken,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Step, Fault> {
        let presented = self.core.ports.store.read().await?.sessions().presented(&token.digest()).await?;
        let Some(presented) = presented.filter(|presented| presented.session.tenant == *tenant) else {
            return Ok(Step::Refused);
        };
        match judge(&presented, now, self.core.policy.refresh_grace) {
            Verdict::Dead => Ok(Step::Refused),
            Verdict::Rotate => self.rotate(token, presented, client, now).await,
            Verdict::Repeat(successor) => {
                self.repeat(token, presented.session, &successor, client, now).await
            }
            Verdict::Reuse => self.punish(presented.session, client, now).await,
        }
    }

    async fn rotate(
        &self,
        token: &RefreshToken,
        presented: Presented,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Step, Fault> {
        let mut salt = [0u8; 16];
        self.core.entropy().fill(&mut salt)?;
        let refresh = token.successor(&salt, &*self.core.ports.keyed_hash);
        let next =
            Generation { number: presented.token.number + 1, digest: refresh.digest(), salt, minted_at: now };
        let rotated =
            transaction!(self.core, tx => Self::rotate_in(tx, &presented.session, &next, client, now));
        match rotated {
            Ok(user) => Ok(Step::Refreshed(Box::new((user, presented.session, refresh)))),
            Err(NotRotated::Refused) => Ok(Step::Refused),
            Err(NotRotated::Overtaken) => Ok(Step::Overtaken),
            Err(NotRotated::Fault(fault)) => Err(fault),
        }
    }

    async fn rotate_in(
        tx: &mut dyn Tx,
        session: &Session,
        next: &Generation,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<User, NotRotated> {
        let user = tx.sessions().rotate_with_user(session.id, next).await?.ok_or(NotRotated::Overtaken)?;
        // As it is now: a refresh must not outlive the account's right to it. The refusal is an error,
        // so that the rotation is discarded with it.
        if !user.is_active() {
            return Err(NotRotated::Refused);
        }
        let record = AuditRecord::new(AuditEvent::RefreshOk, &session.tenant, client, now);
        tx.audit().append(&record.by(user.id).within(session.id)).await?;
        Ok(user)
    }

    /// Hands out the successor that a parallel request, or one whose answer was lost, was given.
    async fn repeat(
        &self,
        token: &RefreshToken,
        session: Session,
        successor: &Generation,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Step, Fault> {
        let refresh = token.successor(&successor.salt, &*self.core.ports.keyed_hash);
        if refresh.digest() != successor.digest {
            // The server's secret was changed within the grace window; the successor cannot be made again.
            return Ok(Step::Refused);
        }
        let mut repos = self.core.ports.store.read().await?;
        let Some(user) = repos.users().by_id(session.user).await?.filter(User::is_active) else {
            return Ok(Step::Refused);
        };
        let record = AuditRecord::new(AuditEvent::RefreshGrace, &session.tenant, client, now);
        repos.audit().append(&record.by(user.id).within(session.id)).await?;
        Ok(Step::Refreshed(Box::new((user, session, refresh))))
    }

    /// Two parties hold the token. Nobody can tell which is the thief, so the session ends for both.
    async fn punish(&self, session: Session, client: &Client, now: DateTime<Utc>) -> Result<Step, Fault> {
        transaction!(self.core, tx => self.punish_in(tx, &session, client, now))?;
        Ok(Step::Refused)
    }

    async fn punish_in(
        &self,
        tx: &mut dyn Tx,
        session: &Session,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let ended = Ended { at: now, reason: EndReason::TokenReuse };
        if !tx.sessions().end(session.id, ended).await? {
            return Ok(());
        }
        let record = AuditRecord::new(AuditEvent::RefreshReuse, &session.tenant, client, now);
        tx.audit().append(&record.about(session.user).within(session.id)).await?;
        if let Some(user) = tx.users().by_id(session.user).await? {
            let letter = self.core.letter_to(&user, Intent::RefreshReuseNotice, client, now)?;
            tx.outbox().put(&letter).await?;
        }
        Ok(())
    }
}

/// Why nothing was rotated.
enum NotRotated {
    /// The account may not be used.
    Refused,
    /// A parallel request was faster.
    Overtaken,
    Fault(Fault),
}

impl From<StoreError> for NotRotated {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl Retryable for NotRotated {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_conflict())
    }
}
