//! Making an account.

use chrono::{DateTime, Utc};

use super::Accounts;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    outbox::{Intent, OutboxItem},
    port::Tx,
    tenant::TenantId,
    token::LinkPurpose,
    usecase::{Fault, fault::faults, new_password::PasswordFor, transaction::transaction},
    user::{Credential, Email, FullName, NewPassword, PasswordHash, User, WeakPassword, password},
};

/// A request for an account.
#[derive(Clone, Debug)]
pub struct Register {
    /// Where the account will live.
    pub tenant: TenantId,
    /// Its address.
    pub email: Email,
    /// Its password, as the policy admitted it.
    pub password: NewPassword,
    /// What the person wants to be called.
    pub full_name: Option<FullName>,
    /// Who is calling.
    pub client: Client,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The address has an account. Never answered when existing accounts are hidden.
    #[error("the address has an account already")]
    EmailTaken,
    /// The password is made of the account's own words, or too easy to guess.
    #[error(transparent)]
    WeakPassword(WeakPassword),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(RegisterError);

impl From<Fault> for RegisterError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Accounts {
    /// Makes an account and owes its owner a mail with a link that proves the address.
    ///
    /// The password is hashed whether or not the address is free, so that time does not tell. When
    /// existing accounts are hidden, a taken address gets an answer of the same form with a made-up
    /// id, and its owner gets a mail that says so; if nobody proved the address yet, the account loses the
    /// password it has, and whoever reads the mail sets one.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn register(&self, request: &Register) -> Result<User, RegisterError> {
        let words = password::context_words(&request.tenant, &request.email, request.full_name.as_ref());
        let owner = PasswordFor { tenant: &request.tenant, words, client: &request.client };
        let hash = self
            .core
            .hash_new_password(&request.password, owner)
            .await?
            .map_err(RegisterError::WeakPassword)?;
        // Asked for every address, so that time does not tell: each new registration is another mail.
        let hides = self.core.policy.hide_existing_accounts;
        let again = hides && self.core.may_mail("link", &request.tenant, &request.email).await?;
        let now = self.core.now();
        let (user, taken) =
            transaction!(self.core, tx => self.register_in(tx, request, hash.clone(), again, now))
                .map_err(RegisterError::Fault)?;
        if taken && !self.core.policy.hide_existing_accounts {
            Err(RegisterError::EmailTaken)
        } else {
            Ok(user)
        }
    }

    fn candidate(&self, request: &Register, hash: PasswordHash, now: DateTime<Utc>) -> Result<User, Fault> {
        Ok(User::register(
            UserId::mint(now, self.core.entropy())?,
            request.tenant.clone(),
            request.email.clone(),
            request.full_name.clone(),
            Credential::permanent(hash),
            now,
        ))
    }

    /// Registers an address anew that nobody proved yet. Of two who registered it, at most one owns it, and
    /// nobody here can tell which: so neither password counts, and a link that sets one goes to the address.
    /// The link mailed earlier dies with it. `false` if it was proved meanwhile.
    async fn take_over_in(&self, tx: &mut dyn Tx, id: UserId, record: AuditRecord) -> Result<bool, Fault> {
        let Some(mut owner) = tx.users().lock(id).await?.filter(User::is_unclaimed) else { return Ok(false) };
        (owner.credential, owner.full_name, owner.updated_at) = (None, None, record.at);
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&owner).await?;
        tx.links().withdraw(owner.id, LinkPurpose::VerifyEmail).await?;
        // Not held back by one that is being sent: its link has just died.
        let letter = self.core.letter_to(&owner, Intent::ResetPassword, &record.client, record.at)?;
        tx.outbox().put(&OutboxItem { once: None, ..letter }).await?;
        tx.audit().append(&record.by(owner.id).with("again", "true")).await?;
        Ok(true)
    }

    /// The account, and whether it was refused because the address was taken.
    async fn register_in(
        &self,
        tx: &mut dyn Tx,
        request: &Register,
        hash: PasswordHash,
        again: bool,
        now: DateTime<Utc>,
    ) -> Result<(User, bool), Fault> {
        let user = self.candidate(request, hash, now)?;
        let record = |event| AuditRecord::new(event, &request.tenant, &request.client, now);
        if let Ok(()) = tx.users().insert(&user).await? {
            tx.audit().append(&record(AuditEvent::Registered).by(user.id)).await?;
            let letter = self.core.letter_to(&user, Intent::VerifyEmail, &request.client, now)?;
            tx.outbox().put(&letter).await?;
            return Ok((user, false));
        }
        let owner = tx.users().by_email(&request.tenant, &request.email).await?;
        let unclaimed = owner.as_ref().filter(|owner| owner.is_unclaimed());
        if let Some(owner) = unclaimed.filter(|_| again)
            && self.take_over_in(tx, owner.id, record(AuditEvent::Registered)).await?
        {
            return Ok((user, true));
        }
        let refused = record(AuditEvent::RegisterRefused);
        let refused = match &owner {
            Some(owner) => refused.about(owner.id),
            None => refused,
        };
        tx.audit().append(&refused).await?;
        if self.core.policy.hide_existing_accounts {
            let (intent, address) = (Intent::AccountExists, (&request.tenant, &request.email));
            let letter =
                self.core.letter(address, owner.as_ref().filter(|_| again), intent, &request.client, now)?;
            tx.outbox().put(&letter).await?;
        }
        Ok((user, true))
    }
}
