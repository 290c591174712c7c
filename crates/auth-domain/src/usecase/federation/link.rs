//! Linking an account at the provider on purpose, with proof of both.

use chrono::{DateTime, Utc};

use super::{Federation, ProviderRefusal, Vouched};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::Locked,
    id::IdentityId,
    outbox::Intent,
    port::{ProviderChallengeKind, ProviderLogin, ProviderSignIn, StoreError, Tx},
    usecase::{
        Caller, Core, Fault,
        factors::has_second_factor,
        fault::faults,
        lane::{Attempt, Claim},
        transaction::transaction,
    },
    user::{Email, LinkedIdentity, Password, User},
};

/// A wish to sign in through the provider, too.
#[derive(Clone, Debug)]
pub struct LinkIdentity {
    /// The address at the provider.
    pub email: Email,
    /// The password there.
    pub password: Password,
    /// Who is calling.
    pub client: Client,
}

/// Why nothing was linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkIdentityError {
    /// The login is too long ago, or had no second factor where the account demands one.
    #[error("the login is too long ago")]
    RecentLoginRequired,
    /// The provider knows no such user with this password.
    #[error("the provider knows no such user with this password")]
    WrongCredentials,
    /// The account at the provider is not confirmed.
    #[error("the account at the provider is not confirmed")]
    NotConfirmed,
    /// The provider asks for more than a password, which only a login can answer.
    #[error("the provider asks for more")]
    Challenged(ProviderChallengeKind),
    /// One of the two is linked to another already.
    #[error("the identity or the account is linked to another")]
    LinkedToAnother,
    /// Too many wrong passwords.
    #[error(transparent)]
    Locked(Locked),
    /// The provider takes no more tries now.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(LinkIdentityError);

impl From<Fault> for LinkIdentityError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ProviderRefusal> for LinkIdentityError {
    fn from(refusal: ProviderRefusal) -> Self {
        match refusal {
            ProviderRefusal::Locked(locked) => Self::Locked(locked),
            ProviderRefusal::NotConfirmed => Self::NotConfirmed,
            ProviderRefusal::TooManyRequests => Self::TooManyRequests,
            ProviderRefusal::Fault(fault) => Self::Fault(fault),
            ProviderRefusal::Wrong
            | ProviderRefusal::WrongCode
            | ProviderRefusal::Expired
            | ProviderRefusal::WeakPassword { .. } => Self::WrongCredentials,
        }
    }
}

impl Federation {
    /// Links the caller's account with one at the provider. Both are proved: this one by a recent login,
    /// that one by its password. The addresses need not be the same.
    ///
    /// # Errors
    /// [`LinkIdentityError`].
    pub async fn link(&self, caller: &Caller, request: &LinkIdentity) -> Result<(), LinkIdentityError> {
        let user = &caller.user;
        if !self.core.signed_in_recently(caller) || user.factors.is_demanded() && !has_second_factor(caller) {
            return Err(LinkIdentityError::RecentLoginRequired);
        }
        let failed = |_: Option<&User>, reason: &str| {
            let event = AuditEvent::PasswordProofFailed;
            let record = AuditRecord::new(event, &user.tenant, &request.client, self.core.now()).by(user.id);
            record.with("reason", reason).with("provider", "cognito")
        };
        let claim = Claim { tenant: &user.tenant, email: &request.email, device: None, by_provider: true };
        let who = (claim, &request.client);
        let (attempt, outcome) = self.core.sign_in_counted(who, &request.password, failed).await?;
        let login = match outcome {
            ProviderSignIn::Done(login) => login,
            ProviderSignIn::Challenge(challenge) => {
                return Err(LinkIdentityError::Challenged(challenge.kind));
            }
        };
        let now = self.core.now();
        transaction!(self.core, tx => self.link_in(tx, user, &login, attempt, request, now))
    }

    async fn link_in(
        &self,
        tx: &mut dyn Tx,
        seen: &User,
        login: &ProviderLogin,
        attempt: Attempt,
        request: &LinkIdentity,
        now: DateTime<Utc>,
    ) -> Result<(), LinkIdentityError> {
        let Some(user) = tx.users().lock(seen.id).await?.filter(User::is_active) else {
            return Err(LinkIdentityError::RecentLoginRequired);
        };
        self.core.clear_attempt_of(tx, &attempt, &request.email, &user).await?;
        let key = &login.user.key;
        let own = tx.identities().of_user(user.id).await?;
        let own = own.into_iter().find(|identity| identity.key.issuer() == key.issuer());
        match (tx.identities().by_key(key).await?, own) {
            (Some(mut identity), _) if identity.user == user.id => {
                self.core.renew(&mut identity, login, now)?;
                let saved = tx.identities().save(&identity).await?;
                if saved { Ok(()) } else { Err(StoreError::Conflict.into()) }
            }
            (None, None) => {
                let id = IdentityId::mint(now, self.core.entropy())?;
                let mut identity = LinkedIdentity::new(id, user.id, key.clone(), now);
                self.core.renew(&mut identity, login, now)?;
                let vouched = Vouched { tenant: &user.tenant, client: &request.client, login, hash: None };
                let notice = Some(Intent::IdentityLinkedNotice);
                Ok(self.core.link_in(tx, &vouched, &user, &identity, notice, now).await?)
            }
            _ => Err(LinkIdentityError::LinkedToAnother),
        }
    }
}

impl Core {
    /// Whether the caller signed in a moment ago. Nobody without a session did.
    pub(in crate::usecase) fn signed_in_recently(&self, caller: &Caller) -> bool {
        caller
            .session
            .as_ref()
            .is_some_and(|session| self.now() - session.authentication.at <= self.policy.recent_login)
    }
}
