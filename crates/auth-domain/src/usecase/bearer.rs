//! From an access token to the person behind it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{Core, Fault, Refusals, fault::faults, snapshot::Found};
use crate::{
    id::SessionId,
    port::{IdentityError, StoreError},
    session::Session,
    tenant::TenantId,
    token::{AccessClaims, AuthMethod, TokenRejected},
    user::User,
};

/// How stale `last_used_at` may become before a request writes it again. A write per request would
/// cost more than the request.
pub(super) const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Turns access tokens into callers.
#[derive(Clone)]
pub struct Bearer {
    core: Arc<Core>,
    refusals: Refusals,
}

/// How new what is known of a session must be.
#[derive(Clone, Copy)]
enum Known {
    Now,
    /// As it was within the last [`Policy::snapshot_life`](super::Policy::snapshot_life).
    Recently,
}

/// Somebody who may act: the token is good, the session lives, the account is active.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub user: User,
    /// The session behind the token; `None` only for tokens of sister services (HS256) and of the identity
    /// provider.
    pub session: Option<Session>,
}

/// What a good token says, whatever has become of its session and account since.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The token's content.
    pub claims: AccessClaims,
    /// The account, unless its row is gone.
    pub user: Option<User>,
    /// The session, unless its row is gone or the token has none.
    pub session: Option<Session>,
}

/// Why a token gives no access.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// The token itself is not believed.
    #[error("the access token was rejected")]
    Rejected(#[source] TokenRejected),
    /// The token belongs to another tenant than the request.
    #[error("the access token belongs to another tenant")]
    WrongTenant,
    /// The account is gone.
    #[error("the account is gone")]
    UserNotFound,
    /// The session has ended or expired.
    #[error("the session has ended")]
    SessionEnded,
    /// The account may not be used.
    #[error("the account is not active")]
    UserInactive,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(BearerError);

impl Bearer {
    pub(super) const fn new(core: Arc<Core>, refusals: Refusals) -> Self {
        Self { core, refusals }
    }

    /// Verifies a token for `tenant` and checks that its session lives and its account is active, now
    /// and in the store: revoked is revoked (invariant I4).
    ///
    /// # Errors
    /// [`BearerError`].
    pub async fn authenticate(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        self.find_caller(token, tenant, Known::Now).await.inspect_err(|error| self.refusals.count(error))
    }

    /// The same for requests that change nothing: the session and its account may be as they were within the last
    /// [`Policy::snapshot_life`](super::Policy::snapshot_life), but for what this engine has changed since. The
    /// token is verified as ever.
    ///
    /// # Errors
    /// [`BearerError`].
    pub async fn recognise(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        self.find_caller(token, tenant, Known::Recently).await.inspect_err(|error| self.refusals.count(error))
    }

    async fn find_caller(&self, token: &str, tenant: &TenantId, known: Known) -> Result<Caller, BearerError> {
        self.admit(self.find_identity(token, tenant, known).await?).await
    }

    /// The same for tokens that this installation made, and with what they say. Refusals are not counted.
    pub(super) async fn find_live(
        &self,
        token: &str,
        tenant: &TenantId,
    ) -> Result<(AccessClaims, Caller), BearerError> {
        let verified = self.core.verify_token(token).await.map_err(BearerError::Fault)?;
        let identity = self.found(verified.map_err(BearerError::Rejected)?, tenant, Known::Now).await?;
        Ok((identity.claims.clone(), self.admit(identity).await?))
    }

    async fn admit(&self, identity: Identity) -> Result<Caller, BearerError> {
        let now = self.core.now();
        let user = identity.user.ok_or(BearerError::UserNotFound)?;
        if identity.claims.session.is_some() && !identity.session.as_ref().is_some_and(|s| s.is_live(now)) {
            return Err(BearerError::SessionEnded);
        }
        if !user.is_active() {
            return Err(BearerError::UserInactive);
        }
        if let Some(session) = identity.session.as_ref().filter(|s| now - s.last_used_at >= TOUCH_AFTER) {
            self.core.ports.store.read().await?.sessions().touch(session.id, now).await?;
        }
        Ok(Caller { user, session: identity.session })
    }

    /// Verifies a token for `tenant` and looks up what it names, without judging it.
    ///
    /// # Errors
    /// [`BearerError::Rejected`], [`BearerError::WrongTenant`] or [`BearerError::Fault`].
    pub async fn identify(&self, token: &str, tenant: &TenantId) -> Result<Identity, BearerError> {
        self.find_identity(token, tenant, Known::Now).await.inspect_err(|error| self.refusals.count(error))
    }

    async fn find_identity(
        &self,
        token: &str,
        tenant: &TenantId,
        known: Known,
    ) -> Result<Identity, BearerError> {
        let verified = self.core.verify_token(token).await.map_err(BearerError::Fault)?;
        let claims = match verified {
            Ok(claims) => claims,
            Err(rejected) => return self.identify_by_provider(token, tenant, rejected).await,
        };
        self.found(claims, tenant, known).await
    }

    async fn found(
        &self,
        claims: AccessClaims,
        tenant: &TenantId,
        known: Known,
    ) -> Result<Identity, BearerError> {
        if claims.tenant != *tenant {
            return Err(BearerError::WrongTenant);
        }
        let (session, user) = self.look_up(&claims, known).await?;
        Ok(Identity { claims, user, session })
    }

    /// A token that is not one of ours may be one of the provider's: then it opens the account of a linked
    /// identity, without a session.
    async fn identify_by_provider(
        &self,
        token: &str,
        tenant: &TenantId,
        rejected: TokenRejected,
    ) -> Result<Identity, BearerError> {
        let is_foreign = matches!(rejected, TokenRejected::Malformed | TokenRejected::UnknownKey);
        let provider = self.core.ports.provider.as_ref().filter(|_| is_foreign);
        let Some(provider) = provider else { return Err(BearerError::Rejected(rejected)) };
        let vouched = match provider.tokens.verify(token, self.core.now()).await {
            Ok(vouched) => vouched,
            Err(IdentityError::Rejected(why)) => return Err(BearerError::Rejected(why)),
            Err(error) => return Err(BearerError::Fault(error.into())),
        };
        let mut repos = self.core.ports.store.read().await?;
        let Some(identity) = repos.identities().by_key(&vouched.key).await? else {
            return Err(BearerError::UserNotFound);
        };
        let user = repos.users().by_id(identity.user).await?.ok_or(BearerError::UserNotFound)?;
        if user.tenant != *tenant {
            return Err(BearerError::WrongTenant);
        }
        let claims = AccessClaims {
            subject: user.id,
            tenant: user.tenant.clone(),
            session: None,
            id: None,
            issued_at: Some(vouched.issued_at),
            expires_at: vouched.expires_at,
            authenticated_at: None,
            methods: vec![AuthMethod::Cognito],
        };
        Ok(Identity { claims, user: Some(user), session: None })
    }

    async fn look_up(
        &self,
        claims: &AccessClaims,
        known: Known,
    ) -> Result<(Option<Session>, Option<User>), StoreError> {
        if let Some(id) = claims.session {
            let found = match known {
                Known::Now => self.session(id).await?,
                Known::Recently => self.recent_session(id).await?,
            };
            // A token names its own session only; anything else was not made by us.
            let is_named =
                |(session, user): &Found| session.user == claims.subject && user.id == claims.subject;
            if let Some((session, user)) = found.filter(is_named) {
                return Ok((Some(session), Some(user)));
            }
        }
        Ok((None, self.core.ports.store.read().await?.users().by_id(claims.subject).await?))
    }

    async fn session(&self, id: SessionId) -> Result<Option<Found>, StoreError> {
        self.core.ports.store.read().await?.sessions().with_user(id).await
    }

    /// The session as it was a moment ago. One that nobody may use is asked for again: it may be mended.
    async fn recent_session(&self, id: SessionId) -> Result<Option<Found>, StoreError> {
        let (snapshots, now) = (&self.core.snapshots, self.core.now());
        if let Some(kept) = snapshots.get(id, now) {
            return Ok(Some(kept.as_ref().clone()));
        }
        let reading = snapshots.reading(now);
        let found = self.session(id).await?;
        if let Some(found) = found.as_ref().filter(|(session, user)| session.is_live(now) && user.is_active())
        {
            snapshots.keep(reading, found);
        }
        Ok(found)
    }
}
