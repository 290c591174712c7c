//! Login with a password that an identity provider keeps.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    FirstFactor, Login, LoginError, MfaToken, PasswordLogin, SignedIn,
    enter::{Entry, Visitor, Wish},
    provider_step::ProviderStep,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::{DeviceTraits, FactorKind},
    guard::known_device::DeviceToken,
    outbox::Intent,
    port::{
        HashError, ProviderAnswer, ProviderChallenge, ProviderChallengeKind, ProviderCode, ProviderLogin,
        ProviderSignIn, Tx,
    },
    tenant::TenantId,
    token::AuthMethod,
    usecase::{
        Fault,
        fault::faults,
        federation::{Admission, NotAdmitted, ProviderRefusal, Vouched},
        lane::Attempt,
        transaction::transaction,
    },
    user::{Password, PasswordHash, User},
};

/// What a client needs to know to go on with a login at the provider.
#[derive(Debug)]
pub struct ProviderChallengeRequired {
    /// Stands for the sign-in from now on.
    pub token: MfaToken,
    /// What the provider asks for.
    pub kind: ProviderChallengeKind,
    /// Where a code went, as far as the provider shows it.
    pub destination: Option<String>,
}

/// A login at the provider that continues. Which of the two answers counts, the provider's question tells.
#[derive(Clone, Debug)]
pub struct ProviderChallengeLogin {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// What the first half was answered with, as it came.
    pub token: SecretString,
    /// A code.
    pub code: Option<ProviderCode>,
    /// Another password.
    pub new_password: Option<Password>,
    /// What the request shows of its device.
    pub device: DeviceTraits,
    /// The token of the device, if it has one from an earlier login.
    pub device_token: Option<DeviceToken>,
    /// Who is calling.
    pub client: Client,
}

/// Why nobody was signed in through the provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderLoginError {
    /// As at a login with a password of this server.
    #[error(transparent)]
    Login(LoginError),
    /// The provider asks for more.
    #[error("the provider asks for more")]
    Challenge(Box<ProviderChallengeRequired>),
    /// The token is unknown, used, expired or out of tries.
    #[error("the login cannot be continued")]
    InvalidToken,
    /// The provider asked for the other answer.
    #[error("the provider asks for something else")]
    MissingAnswer(ProviderChallengeKind),
    /// The provider's policy refuses the new password.
    #[error("the provider refuses the password")]
    WeakPassword {
        /// In its words.
        reason: String,
    },
    /// The provider takes no more tries now.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ProviderLoginError);

impl From<Fault> for ProviderLoginError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<LoginError> for ProviderLoginError {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

/// Everything that was found out before the transaction.
struct Proof {
    login: ProviderLogin,
    /// A second factor that the provider asked for.
    passed: Option<AuthMethod>,
    attempt: Attempt,
    after_failures: bool,
    hash: Option<PasswordHash>,
}

/// What became of somebody for whom the provider vouched.
enum Outcome {
    Entry(Entry),
    NotAdmitted(NotAdmitted),
}

impl Login {
    /// Signs somebody in whose password the provider keeps. In the order of
    /// [`with_password`](Self::with_password), and with the same lock rule; the provider is asked outside
    /// of any transaction. Second factors of the account here are demanded all the same.
    ///
    /// # Errors
    /// [`ProviderLoginError`].
    pub async fn with_provider(&self, login: &PasswordLogin) -> Result<SignedIn, ProviderLoginError> {
        let failed = |user: Option<&User>, reason: &str| self.provider_failure(login, user, reason);
        let signed = self
            .core
            .sign_in_counted((login.claim_at_provider(), &login.client), &login.password, failed)
            .await;
        let (attempt, outcome) = signed.map_err(|refusal| self.refused(refusal))?;
        let after_failures = attempt.is_suspicious(false);
        match outcome {
            ProviderSignIn::Done(done) => {
                let hash = self.migrated(&done, &login.password).await?;
                let proof = Proof { login: *done, passed: None, attempt, after_failures, hash };
                self.vouched(login, &proof).await
            }
            ProviderSignIn::Challenge(challenge) => {
                let hash = self.hash_to_keep(&login.password).await?;
                let (tenant, email) = (login.tenant.clone(), login.email.clone());
                self.ask(&ProviderStep { tenant, email, after_failures, challenge, hash }).await
            }
        }
    }

    /// Goes on with a login that the provider asked something more for. Every answer counts as an attempt
    /// by the lock rule, until one is right.
    ///
    /// # Errors
    /// [`ProviderLoginError`]. A wrong code can be tried again.
    pub async fn with_provider_challenge(
        &self,
        login: &ProviderChallengeLogin,
    ) -> Result<SignedIn, ProviderLoginError> {
        let invalid = || ProviderLoginError::InvalidToken;
        let token = MfaToken::parse(login.token.expose_secret()).ok_or_else(invalid)?.digest();
        let ports = &self.core.ports;
        let payload = ports.challenges.attempt(&token, self.core.now()).await.map_err(Fault::from)?;
        let step = payload
            .and_then(|payload| ProviderStep::open(&payload, &*ports.secret_box))
            .filter(|step| step.tenant == login.tenant)
            .ok_or_else(invalid)?;
        let answer = answer(login, step.challenge.kind)?;
        let visit = visit(login, &step, &answer);
        let failed = |user: Option<&User>, reason: &str| self.provider_failure(&visit, user, reason);
        let who = (visit.claim_at_provider(), &visit.client);
        let signed = self.core.answer_counted(who, &step.challenge, &answer, failed).await;
        let (attempt, outcome) = match signed {
            Err(ProviderRefusal::Expired) => {
                ports.challenges.consume(&token, self.core.now()).await.map_err(Fault::from)?;
                return Err(invalid());
            }
            signed => signed.map_err(|refusal| self.refused(refusal))?,
        };
        if !ports.challenges.consume(&token, self.core.now()).await.map_err(Fault::from)? {
            return Err(invalid());
        }
        self.answered(&visit, step, &answer, attempt, outcome).await
    }

    async fn answered(
        &self,
        visit: &PasswordLogin,
        step: ProviderStep,
        answer: &ProviderAnswer,
        attempt: Attempt,
        outcome: ProviderSignIn,
    ) -> Result<SignedIn, ProviderLoginError> {
        let hash = match answer {
            ProviderAnswer::NewPassword(password) => self.hash_to_keep(password).await?,
            ProviderAnswer::Code(_) => step.hash.clone(),
        };
        match outcome {
            ProviderSignIn::Done(done) => {
                let passed = passed(step.challenge.kind);
                let after_failures = step.after_failures;
                let proof = Proof { login: *done, passed, attempt, after_failures, hash };
                self.vouched(visit, &proof).await
            }
            ProviderSignIn::Challenge(challenge) => self.ask(&ProviderStep { challenge, hash, ..step }).await,
        }
    }

    /// Keeps the sign-in, and tells what the provider asks for.
    async fn ask(&self, step: &ProviderStep) -> Result<SignedIn, ProviderLoginError> {
        let now = self.core.now();
        let token = MfaToken::mint(self.core.entropy())?;
        let sealed = step.seal(&*self.core.ports.secret_box, now).map_err(Fault::from)?;
        self.core.ports.challenges.open(&token.digest(), &sealed, now).await.map_err(Fault::from)?;
        let ProviderChallenge { kind, destination, .. } = &step.challenge;
        let (kind, destination) = (*kind, destination.clone());
        Err(ProviderLoginError::Challenge(Box::new(ProviderChallengeRequired { token, kind, destination })))
    }

    /// Lets somebody in for whom the provider vouched.
    async fn vouched(&self, visit: &PasswordLogin, proof: &Proof) -> Result<SignedIn, ProviderLoginError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.vouched_in(tx, visit, proof, now))?;
        match outcome {
            Outcome::Entry(Entry::Open(opened)) => Ok(self.issue(*opened)?),
            Outcome::Entry(Entry::FirstFactor(user, first)) => {
                // Elsewhere it is asked for with a password of this server, which here nobody has.
                if user.factors.is_active(FactorKind::Email) {
                    self.core.mail_code(&user, Intent::LoginCode, &visit.client).await?;
                }
                Ok(self.require_second(visit, *user, first).await?)
            }
            Outcome::Entry(Entry::Locked(locked)) => Err(LoginError::Locked(locked).into()),
            Outcome::NotAdmitted(NotAdmitted::Unverified) => Err(LoginError::EmailNotVerified.into()),
            Outcome::Entry(Entry::Unverified | Entry::Refused) | Outcome::NotAdmitted(_) => {
                Err(LoginError::BadCredentials.into())
            }
        }
    }

    async fn vouched_in(
        &self,
        tx: &mut dyn Tx,
        visit: &PasswordLogin,
        proof: &Proof,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Fault> {
        let Proof { login, hash, attempt, .. } = proof;
        let vouched = Vouched { tenant: &visit.tenant, client: &visit.client, login, hash: hash.as_ref() };
        let Admission { mut user, live } = match self.core.admit_in(tx, &vouched, now).await? {
            Ok(admission) => admission,
            Err(refused) => {
                let record = AuditRecord::new(refused.event(), &visit.tenant, &visit.client, now);
                let record = match refused.user() {
                    Some(user) => record.about(user),
                    None => record,
                };
                tx.audit().append(&record.with("reason", refused.reason()).by_provider(true)).await?;
                return Ok(Outcome::NotAdmitted(refused));
            }
        };
        self.core.clear_attempt_of(tx, attempt, &visit.email, &user).await?;
        self.enable_overdue_factor_in(tx, &mut user, &visit.client, now).await?;
        let record = AuditRecord::new(AuditEvent::IdentityLogin, &visit.tenant, &visit.client, now);
        tx.audit().append(&record.by(user.id)).await?;
        let first = FirstFactor::provider(&user, proof.passed, now, proof.after_failures);
        let visitor = Visitor::of(visit);
        let trusted = self.trusted_device_in(tx, &user, &visitor, now).await?;
        let entry = match first.complete(&user, trusted) {
            Ok(authenticated) => {
                let suspicious = first.came_after_failures();
                // Not that of the attempt: the address that was typed may be another account's here.
                let known = self.known_device_in(tx, &user, &visitor, now).await?;
                let opened =
                    self.open_in(tx, user, live, authenticated, suspicious, &visitor, known, now).await?;
                Entry::Open(Box::new(opened))
            }
            Err(_) => self.pause_in(tx, user, first, Wish::Session, visit, now).await?,
        };
        Ok(Outcome::Entry(entry))
    }

    /// The hash of the password that the provider took, unless the account keeps what it has.
    async fn migrated(
        &self,
        login: &ProviderLogin,
        password: &Password,
    ) -> Result<Option<PasswordHash>, Fault> {
        if !self.core.policy.migrate_passwords
            || self.core.keeps_its_password(&login.user.key, password).await?
        {
            return Ok(None);
        }
        self.hash_to_keep(password).await
    }

    /// Where passwords become ones of this server: the hash. It was admitted by the provider, so no policy
    /// applies. Where there is no room for it, a later login sees to it: nobody is kept out for that.
    async fn hash_to_keep(&self, password: &Password) -> Result<Option<PasswordHash>, Fault> {
        if !self.core.policy.migrate_passwords {
            return Ok(None);
        }
        match self.core.ports.hasher.rehash(password).await {
            Ok(hash) => Ok(Some(hash)),
            Err(HashError::Overloaded { .. } | HashError::Abandoned) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn provider_failure(&self, login: &PasswordLogin, user: Option<&User>, reason: &str) -> AuditRecord {
        let now = self.core.now();
        let record = AuditRecord::new(AuditEvent::LoginFailed, &login.tenant, &login.client, now);
        let record = match user {
            Some(user) => record.about(user.id),
            None => record,
        };
        record.with("reason", reason).by_provider(true)
    }

    fn refused(&self, refusal: ProviderRefusal) -> ProviderLoginError {
        match refusal {
            ProviderRefusal::Locked(locked) => LoginError::Locked(locked).into(),
            ProviderRefusal::Wrong => LoginError::BadCredentials.into(),
            ProviderRefusal::NotConfirmed if self.core.policy.hide_existing_accounts => {
                LoginError::BadCredentials.into()
            }
            ProviderRefusal::NotConfirmed => LoginError::EmailNotVerified.into(),
            ProviderRefusal::WrongCode => LoginError::WrongCode.into(),
            ProviderRefusal::Expired => ProviderLoginError::InvalidToken,
            ProviderRefusal::WeakPassword { reason } => ProviderLoginError::WeakPassword { reason },
            ProviderRefusal::TooManyRequests => ProviderLoginError::TooManyRequests,
            ProviderRefusal::Fault(fault) => fault.into(),
        }
    }
}

/// The answer that the provider asked for.
fn answer(
    login: &ProviderChallengeLogin,
    kind: ProviderChallengeKind,
) -> Result<ProviderAnswer, ProviderLoginError> {
    let answer = match kind {
        ProviderChallengeKind::NewPasswordRequired => {
            login.new_password.clone().map(ProviderAnswer::NewPassword)
        }
        ProviderChallengeKind::SmsMfa | ProviderChallengeKind::SoftwareTokenMfa => {
            login.code.clone().map(ProviderAnswer::Code)
        }
    };
    answer.ok_or(ProviderLoginError::MissingAnswer(kind))
}

/// The login as it would have come in one piece. Only a new password is known any more.
fn visit(login: &ProviderChallengeLogin, step: &ProviderStep, answer: &ProviderAnswer) -> PasswordLogin {
    let password = match answer {
        ProviderAnswer::NewPassword(password) => password.clone(),
        ProviderAnswer::Code(_) => Password::new(String::new()),
    };
    PasswordLogin {
        tenant: step.tenant.clone(),
        email: step.email.clone(),
        password,
        code: None,
        device: login.device.clone(),
        device_token: login.device_token.clone(),
        client: login.client.clone(),
    }
}

/// The second factor that an answered question was about.
const fn passed(kind: ProviderChallengeKind) -> Option<AuthMethod> {
    match kind {
        ProviderChallengeKind::SmsMfa => Some(AuthMethod::Sms),
        ProviderChallengeKind::SoftwareTokenMfa => Some(AuthMethod::Totp),
        ProviderChallengeKind::NewPasswordRequired => None,
    }
}
