//! The checks, in their order.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::hmac;

use crate::{
    claims::Claims,
    compact::Compact,
    key::Algorithm,
    live::{LiveCheck, LiveCheckFailed},
    source::{KeySource, KeysUnavailable},
};

/// How far two clocks may be apart unless somebody says otherwise: half of the 60 seconds that RFC 8725 calls
/// small.
const DEFAULT_SKEW: Duration = Duration::from_secs(30);
/// More is no difference between clocks any more.
const LARGEST_SKEW: Duration = Duration::from_mins(5);

/// What a token must say.
#[derive(Clone, Debug)]
pub struct Expectations {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) tenants: Tenants,
    pub(crate) skew: Duration,
    algorithms: Vec<Algorithm>,
}

/// Whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// Those of every tenant of the server: the service tells them apart by [`Claims::tenant`].
    Any,
    /// Those of these tenants.
    Only(BTreeSet<String>),
}

impl Tenants {
    /// Those of one tenant.
    pub fn one(name: &str) -> Self {
        Self::Only(BTreeSet::from([name.to_owned()]))
    }

    pub(crate) fn contain(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

impl Expectations {
    /// Tokens that `issuer` (the server's `JWT_ISSUER`) made for `audience` (its `JWT_AUDIENCE`), of the tenant
    /// `default`, with a clock that differs by 30 seconds at most.
    pub fn new(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            tenants: Tenants::one("default"),
            skew: DEFAULT_SKEW,
            algorithms: Algorithm::ALL.to_vec(),
        }
    }

    /// Takes tokens of other tenants.
    #[must_use]
    pub fn tenants(self, tenants: Tenants) -> Self {
        Self { tenants, ..self }
    }

    /// Lets clocks differ more or less, by five minutes at most.
    #[must_use]
    pub fn skew(self, skew: Duration) -> Self {
        Self { skew: skew.min(LARGEST_SKEW), ..self }
    }

    /// Takes keys of these algorithms only.
    #[must_use]
    pub fn algorithms(self, algorithms: &[Algorithm]) -> Self {
        Self { algorithms: algorithms.to_vec(), ..self }
    }
}

/// What tokens are verified with. One or the other: a token never chooses (RFC 8725 §3.1).
#[derive(Clone)]
pub enum Trust {
    /// The keys that the server publishes.
    Keys(Arc<dyn KeySource>),
    /// The secret that the server signs with (`JWT_ALGORITHM=HS256`). Whoever has it can sign, too.
    SharedSecret(SharedSecret),
}

/// A secret for HS256.
#[derive(Clone)]
pub struct SharedSecret(hmac::Key);

/// The secret has fewer than 32 bytes (RFC 7518 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shared secret has 32 bytes at least")]
pub struct WeakSecret;

impl Trust {
    /// The keys that the server publishes.
    pub fn keys(source: impl KeySource + 'static) -> Self {
        Self::Keys(Arc::new(source))
    }

    /// The server's `SECRET_KEY`, where it signs with that.
    ///
    /// # Errors
    /// [`WeakSecret`].
    pub fn shared_secret(secret: &[u8]) -> Result<Self, WeakSecret> {
        let fits = secret.len() >= 32;
        fits.then(|| Self::SharedSecret(SharedSecret(hmac::Key::new(hmac::HMAC_SHA256, secret))))
            .ok_or(WeakSecret)
    }
}

/// Why a token is not believed.
///
/// The reason is for the service's log; whoever sent the token is told no more than that it is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not the one shape that the server signs, or a header member that it does not write.
    #[error("malformed token")]
    Malformed,
    /// No key of that id, or the key is of another algorithm.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature")]
    BadSignature,
    /// A claim is missing or not of its type.
    #[error("claim {0} is missing or malformed")]
    BadClaim(&'static str),
    /// A token, but not an access token.
    #[error("not an access token")]
    WrongType,
    /// Signed by somebody else.
    #[error("wrong issuer")]
    WrongIssuer,
    /// Signed for somebody else.
    #[error("wrong audience")]
    WrongAudience,
    /// Of a tenant that this service does not serve.
    #[error("wrong tenant")]
    WrongTenant,
    /// Too late.
    #[error("expired")]
    Expired,
    /// Too early.
    #[error("not valid yet")]
    NotYetValid,
    /// The session has ended, or the account may not be used any more.
    #[error("revoked")]
    Revoked,
    /// The keys cannot be fetched: nobody can tell.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
    /// The server cannot be asked whether the session lives: nobody can tell.
    #[error(transparent)]
    LiveCheckFailed(#[from] LiveCheckFailed),
}

impl VerifyError {
    /// Whether trying again may help, since nothing was found wrong with the token.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::KeysUnavailable(_) | Self::LiveCheckFailed(_))
    }
}

/// Verifies access tokens. Clones share everything.
#[derive(Clone)]
pub struct Verifier {
    expectations: Arc<Expectations>,
    trust: Trust,
    live: Option<Arc<dyn LiveCheck>>,
}

impl Verifier {
    /// A verifier that looks at tokens alone: a revoked session ends for it when the token expires.
    pub fn new(expectations: Expectations, trust: Trust) -> Self {
        Self { expectations: Arc::new(expectations), trust, live: None }
    }

    /// Has `live` asked about each token that is good otherwise.
    #[must_use]
    pub fn with_live_check(self, live: impl LiveCheck + 'static) -> Self {
        Self { live: Some(Arc::new(live)), ..self }
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`VerifyError`] says why it is not believed.
    pub async fn verify(&self, token: &str) -> Result<Claims, VerifyError> {
        self.verify_at(token, unix_now()).await
    }

    /// The same at another time, in seconds since 1970: for tests.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub async fn verify_at(&self, token: &str, now: u64) -> Result<Claims, VerifyError> {
        let parts = Compact::parse(token)?;
        self.check_signature(&parts).await?;
        let claims = self.expectations.judge(parts.payload(), now)?;
        match &self.live {
            Some(live) if !live.is_live(token, &claims).await? => Err(VerifyError::Revoked),
            _ => Ok(claims),
        }
    }

    async fn check_signature(&self, token: &Compact<'_>) -> Result<(), VerifyError> {
        let fits = match &self.trust {
            Trust::SharedSecret(SharedSecret(secret)) => {
                token.check_shared_header()?;
                // In constant time.
                hmac::verify(secret, token.message(), token.signature()).is_ok()
            }
            Trust::Keys(source) => {
                let (id, algorithm) = token.published_header()?;
                if !self.expectations.algorithms.iter().any(|known| known.as_str() == algorithm) {
                    return Err(VerifyError::UnknownKey);
                }
                let key = source.key(id).await?.ok_or(VerifyError::UnknownKey)?;
                // The algorithm is the key's; the token may only agree.
                if key.algorithm().as_str() != algorithm {
                    return Err(VerifyError::UnknownKey);
                }
                key.verify(token.message(), token.signature())
            }
        };
        if fits { Ok(()) } else { Err(VerifyError::BadSignature) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("expectations", &self.expectations).finish_non_exhaustive()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys(_) => "Keys",
            Self::SharedSecret(_) => "SharedSecret",
        })
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where this crate looks at the clock")]
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
