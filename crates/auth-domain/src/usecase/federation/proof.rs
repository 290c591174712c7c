//! Proving a password to the provider, under the lock rule. Every path that takes one goes through here.

use crate::{
    audit::AuditRecord,
    client::Client,
    guard::lockout::Locked,
    port::{IdentityError, ProviderAnswer, ProviderChallenge, ProviderSignIn},
    usecase::{
        Core, Fault,
        lane::{Attempt, Claim},
    },
    user::{Password, User},
};

/// Why the provider did not let somebody go on.
pub(in crate::usecase) enum ProviderRefusal {
    /// Too many failures; the provider was not asked.
    Locked(Locked),
    /// Wrong, unknown, disabled, or due for a reset: one answer for all.
    Wrong,
    NotConfirmed,
    WrongCode,
    /// The sign-in has to begin anew.
    Expired,
    WeakPassword {
        reason: String,
    },
    TooManyRequests,
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for ProviderRefusal {
    fn from(source: E) -> Self {
        Self::Fault(source.into())
    }
}

/// Whose attempts are counted, and who is calling.
type Who<'a> = (Claim<'a>, &'a Client);

impl Core {
    /// Has the provider check a password. The attempt is counted first, by the address that was typed, and
    /// given back when the provider did not look at it.
    pub(in crate::usecase) async fn sign_in_counted(
        &self,
        who: Who<'_>,
        password: &Password,
        failed: impl Fn(Option<&User>, &str) -> AuditRecord,
    ) -> Result<(Attempt, ProviderSignIn), ProviderRefusal> {
        let provider = self.provider()?;
        let (attempt, account) = self.reserve_with_provider(who).await?;
        match provider.sign_in.sign_in(who.0.email, password).await {
            Ok(outcome) => Ok((attempt, outcome)),
            Err(error) => Err(self.settle(who, attempt, account.as_ref(), error, failed).await?),
        }
    }

    /// The same for the answer to what the provider asked.
    pub(in crate::usecase) async fn answer_counted(
        &self,
        who: Who<'_>,
        challenge: &ProviderChallenge,
        answer: &ProviderAnswer,
        failed: impl Fn(Option<&User>, &str) -> AuditRecord,
    ) -> Result<(Attempt, ProviderSignIn), ProviderRefusal> {
        let provider = self.provider()?;
        let (attempt, account) = self.reserve_with_provider(who).await?;
        match provider.sign_in.answer(challenge, answer).await {
            Ok(outcome) => Ok((attempt, outcome)),
            // The password was right before; what the provider does not take now is the code.
            Err(IdentityError::WrongCredentials) => {
                let error = IdentityError::CodeMismatch;
                Err(self.settle(who, attempt, account.as_ref(), error, failed).await?)
            }
            Err(error) => Err(self.settle(who, attempt, account.as_ref(), error, failed).await?),
        }
    }

    async fn reserve_with_provider(
        &self,
        (claim, client): Who<'_>,
    ) -> Result<(Attempt, Option<User>), ProviderRefusal> {
        self.reserve_attempt(claim, client).await?.map_err(ProviderRefusal::Locked)
    }

    /// Notes a failure, or gives the attempt back where the provider is to blame.
    async fn settle(
        &self,
        (claim, _): Who<'_>,
        attempt: Attempt,
        account: Option<&User>,
        error: IdentityError,
        failed: impl Fn(Option<&User>, &str) -> AuditRecord,
    ) -> Result<ProviderRefusal, ProviderRefusal> {
        let (reason, refusal) = match error {
            IdentityError::WrongCredentials => ("wrong_password", ProviderRefusal::Wrong),
            IdentityError::Disabled => ("provider_disabled", ProviderRefusal::Wrong),
            IdentityError::ResetRequired => ("provider_reset_required", ProviderRefusal::Wrong),
            IdentityError::NotConfirmed => ("email_not_verified", ProviderRefusal::NotConfirmed),
            IdentityError::CodeMismatch => ("wrong_code", ProviderRefusal::WrongCode),
            IdentityError::CodeExpired | IdentityError::ChallengeExpired => {
                ("challenge_expired", ProviderRefusal::Expired)
            }
            other => {
                self.refund_attempt(attempt).await?;
                return Ok(blameless(other));
            }
        };
        let record = failed(account, reason);
        self.wrong_password((claim.tenant, claim.email), account, attempt, &record).await?;
        Ok(refusal)
    }
}

/// What says nothing about the person.
fn blameless(error: IdentityError) -> ProviderRefusal {
    match error {
        IdentityError::WeakPassword { reason } => ProviderRefusal::WeakPassword { reason },
        IdentityError::TooManyRequests(_) => ProviderRefusal::TooManyRequests,
        other => ProviderRefusal::Fault(other.into()),
    }
}
