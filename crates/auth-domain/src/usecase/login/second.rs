//! The second half of a login.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    FirstFactor, Login, LoginError, MfaToken, PasswordLogin, SignedIn,
    challenge::Challenge,
    enter::{Opened, Visitor},
};
use crate::{
    client::Client,
    factor::{DeviceTraits, FactorKind},
    guard::{known_device::DeviceToken, lockout::Locked},
    port::{CodePurpose, Tx},
    tenant::TenantId,
    usecase::{
        Fault, TextError,
        fault::faults,
        proof::ProofError,
        second_factor::{SecondFactor, Stage},
        transaction::transaction,
    },
    user::User,
};

/// What a client needs to know to complete a login.
#[derive(Debug)]
pub struct SecondFactorRequired {
    /// The factors it may choose from, in the contract's order.
    pub factors: Vec<FactorKind>,
    /// Stands for the password from now on; `None` while short-lived state cannot be reached.
    pub token: Option<MfaToken>,
    /// Where a code was just sent to by text message, masked; `None` if none was.
    pub phone: Option<String>,
    /// Where a code can be sent to by mail, masked.
    pub email: Option<String>,
    /// Why no text message was sent, or no token made, for the log.
    pub trouble: Vec<TextError>,
}

/// A login that continues.
#[derive(Clone, Debug)]
pub struct ChallengeLogin {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// What the first half was answered with, as it came.
    pub token: SecretString,
    /// A code of any second factor.
    pub code: SecretString,
    /// What the request shows of its device.
    pub device: DeviceTraits,
    /// The token of the device, if it has one from an earlier login.
    pub device_token: Option<DeviceToken>,
    /// Who is calling.
    pub client: Client,
}

/// Why a login was not completed.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeLoginError {
    /// The token is unknown, used, expired, out of tries, or its account changed.
    #[error("the login cannot be continued")]
    InvalidToken,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// Too many wrong codes for this account.
    #[error(transparent)]
    Locked(Locked),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ChallengeLoginError);

impl From<ProofError> for ChallengeLoginError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongCode,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<ProofError> for LoginError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongCode,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Login {
    /// Completes a login whose password was right.
    ///
    /// # Errors
    /// [`ChallengeLoginError`]. A wrong code can be tried again, as often as the challenge and the
    /// account's lock rule allow.
    pub async fn with_challenge(&self, login: &ChallengeLogin) -> Result<SignedIn, ChallengeLoginError> {
        let token =
            MfaToken::parse(login.token.expose_secret()).ok_or(ChallengeLoginError::InvalidToken)?.digest();
        let ports = &self.core.ports;
        let payload = ports.challenges.attempt(&token, self.core.now()).await.map_err(Fault::from);
        let payload =
            payload.map_err(ChallengeLoginError::Fault)?.ok_or(ChallengeLoginError::InvalidToken)?;
        let challenge = Challenge::open(&payload, &*ports.secret_box)
            .filter(|challenge| challenge.tenant == login.tenant)
            .ok_or(ChallengeLoginError::InvalidToken)?;
        let user = self.core.ports.store.read().await?.users().by_id(challenge.user).await?;
        let user = user
            .filter(|user| user.is_active() && challenge.first.holds_for(user))
            .ok_or(ChallengeLoginError::InvalidToken)?;
        let code = login.code.expose_secret();
        let stage = Stage::Login { by_provider: challenge.first.is_by_provider() };
        let second = self.core.prove_second_factor(&user, code, stage, &login.client).await?;
        // After the code: a wrong one leaves the challenge. Of two right ones at once the second is spent
        // for nothing, which is better than two sessions.
        let consumed = ports.challenges.consume(&token, self.core.now()).await.map_err(Fault::from);
        if !consumed.map_err(ChallengeLoginError::Fault)? {
            return Err(ChallengeLoginError::InvalidToken);
        }
        let token = login.device_token.as_ref();
        let visitor = Visitor { device: &login.device, token, client: &login.client };
        let opened = self.complete(&user, challenge.first, second, &visitor).await;
        let opened = opened.map_err(ChallengeLoginError::Fault)?.ok_or(ChallengeLoginError::InvalidToken)?;
        self.issue(opened).map_err(ChallengeLoginError::Fault)
    }

    /// Completes a login that brought its code along.
    pub(super) async fn with_code(
        &self,
        login: &PasswordLogin,
        user: &User,
        first: FirstFactor,
        code: &SecretString,
    ) -> Result<SignedIn, LoginError> {
        let code = code.expose_secret();
        let stage = Stage::Login { by_provider: first.is_by_provider() };
        let second = self.core.prove_second_factor(user, code, stage, &login.client).await?;
        let visitor = Visitor::of(login);
        match self.complete(user, first, second, &visitor).await? {
            Some(opened) => Ok(self.issue(opened)?),
            None => self.refuse(login, user, "account_changed").await,
        }
    }

    /// `None` when the account changed since its factors were proved.
    async fn complete(
        &self,
        user: &User,
        first: FirstFactor,
        second: SecondFactor,
        visitor: &Visitor<'_>,
    ) -> Result<Option<Opened>, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => self.complete_in(tx, user, first, second, visitor, now))
    }

    async fn complete_in(
        &self,
        tx: &mut dyn Tx,
        seen: &User,
        first: FirstFactor,
        second: SecondFactor,
        visitor: &Visitor<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Opened>, Fault> {
        let locked = tx.users().lock_with_live_sessions(seen.id, now).await?;
        let Some((user, live)) = locked.filter(|(user, _)| user.is_active() && first.holds_for(user)) else {
            return Ok(None);
        };
        // Unlinked since: nobody vouches any more.
        if first.is_by_provider() && tx.identities().of_user(user.id).await?.is_empty() {
            return Ok(None);
        }
        let Ok(authenticated) = first.complete(&user, Some(second)) else { return Ok(None) };
        self.remember_device_in(tx, &user, second, visitor, now).await?;
        let suspicious = second.is_suspicious() || first.came_after_failures();
        let device = self.known_device_in(tx, &user, visitor, now).await?;
        let opened = self.open_in(tx, user, live, authenticated, suspicious, visitor, device, now).await?;
        Ok(Some(opened))
    }

    /// Asks for the second factor: keeps the login, and sends the text message that clients wait for.
    /// That a message could not be sent is no reason to refuse: another factor or a recovery code may do.
    pub(super) async fn require_second(
        &self,
        login: &PasswordLogin,
        user: User,
        first: FirstFactor,
    ) -> Result<SignedIn, LoginError> {
        let mut trouble = Vec::new();
        let token = match self.open_challenge(&user, first).await {
            Ok(token) => Some(token),
            Err(fault) => {
                trouble.push(TextError::Fault(fault));
                None
            }
        };
        let mut phone = None;
        if let Some(number) = user.factors.sms.active_number() {
            match self.core.text_code(&user, number, CodePurpose::SmsLogin, &login.client).await {
                Ok(_) => phone = Some(number.masked()),
                Err(error) => trouble.push(error),
            }
        }
        Err(LoginError::SecondFactorRequired(Box::new(SecondFactorRequired {
            factors: user.factors.active(),
            token,
            phone,
            email: user.factors.email.then(|| user.email.masked()),
            trouble,
        })))
    }

    async fn open_challenge(&self, user: &User, first: FirstFactor) -> Result<MfaToken, Fault> {
        let now = self.core.now();
        let token = MfaToken::mint(self.core.entropy())?;
        let challenge = Challenge { tenant: user.tenant.clone(), user: user.id, first };
        let sealed = challenge.seal(&*self.core.ports.secret_box, now)?;
        self.core.ports.challenges.open(&token.digest(), &sealed, now).await?;
        Ok(token)
    }
}
