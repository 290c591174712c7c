//! A sign-in that the provider has not finished: what is remembered of it.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::challenge::{LIFE, TRIES};
use crate::{
    port::{BoxError, ProviderChallenge, ProviderChallengeKind, ProviderSession, SecretBox, StoredChallenge},
    secret::Sealed,
    tenant::TenantId,
    user::{Email, PasswordHash},
};

/// Where the payload lives. A [`Challenge`](super::challenge::Challenge) lives elsewhere, so the token of
/// one is worth nothing where the other is asked for.
const CONTEXT: &str = "provider_challenges|payload";

/// A sign-in that the provider wants something more for. It says nothing yet about who signs in.
#[derive(Clone, Debug)]
pub(super) struct ProviderStep {
    pub(super) tenant: TenantId,
    /// The address that was typed: what the lock rule counts by.
    pub(super) email: Email,
    /// Whether wrong passwords came before it.
    pub(super) after_failures: bool,
    pub(super) challenge: ProviderChallenge,
    /// The hash of the password that the provider took, where it is to become one of this server.
    pub(super) hash: Option<PasswordHash>,
}

impl ProviderStep {
    /// Seals the step for the store.
    ///
    /// # Errors
    /// [`BoxError`] when the box refuses, and for a provider's answer that is larger than any should be.
    pub(super) fn seal(
        &self,
        secret_box: &dyn SecretBox,
        now: DateTime<Utc>,
    ) -> Result<StoredChallenge, BoxError> {
        let parts = [
            "1",
            self.tenant.as_str(),
            self.email.as_str(),
            if self.after_failures { "1" } else { "0" },
            kind_name(self.challenge.kind),
            self.hash.as_ref().map_or("", PasswordHash::as_str),
            self.challenge.destination.as_deref().unwrap_or_default(),
            &self.challenge.username,
            self.challenge.session.expose_secret(),
        ];
        if parts.iter().any(|part| part.contains('\n')) {
            return Err(BoxError);
        }
        let payload = Zeroizing::new(parts.join("\n"));
        let sealed = secret_box.seal(CONTEXT, payload.as_bytes())?;
        StoredChallenge::new(sealed, TRIES, now + LIFE).map_err(|_| BoxError)
    }

    /// Reads what [`seal`](Self::seal) wrote.
    pub(super) fn open(sealed: &Sealed, secret_box: &dyn SecretBox) -> Option<Self> {
        let plain = secret_box.open(CONTEXT, sealed).ok()?;
        let mut parts = std::str::from_utf8(&plain).ok()?.split('\n');
        let mut next = || parts.next();
        if next()? != "1" {
            return None;
        }
        let tenant = TenantId::parse(next()?).ok()?;
        let email = Email::parse(next()?).ok()?;
        let after_failures = next()? == "1";
        let kind = kind(next()?)?;
        let hash = Some(next()?).filter(|hash| !hash.is_empty()).map(PasswordHash::new);
        let destination = Some(next()?).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let username = next()?.to_owned();
        let session = ProviderSession::new(next()?.to_owned());
        let challenge = ProviderChallenge { kind, session, username, destination };
        Some(Self { tenant, email, after_failures, challenge, hash })
    }
}

const fn kind_name(kind: ProviderChallengeKind) -> &'static str {
    match kind {
        ProviderChallengeKind::SmsMfa => "sms",
        ProviderChallengeKind::SoftwareTokenMfa => "app",
        ProviderChallengeKind::NewPasswordRequired => "password",
    }
}

fn kind(name: &str) -> Option<ProviderChallengeKind> {
    use ProviderChallengeKind::{NewPasswordRequired, SmsMfa, SoftwareTokenMfa};
    [SmsMfa, SoftwareTokenMfa, NewPasswordRequired].into_iter().find(|kind| kind_name(*kind) == name)
}
