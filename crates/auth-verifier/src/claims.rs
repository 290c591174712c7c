//! What a token says, and what it must say to be believed.

use serde::{Deserialize, Deserializer};

use crate::{
    compact::object,
    verifier::{Expectations, VerifyError},
};

/// Largest integer that every client keeps exact.
const MAX_INTEGER: u64 = (1 << 53) - 1;
/// The end of the year 9999: later times overflow somewhere.
const MAX_TIME: u64 = 253_402_300_799;
/// No access token of the server lives longer, whatever its settings.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// What a good access token says. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: the account.
    pub user_id: u64,
    /// `tenant_id`: where the account lives. Numbers of accounts are unique across tenants all the same.
    pub tenant: String,
    /// `sid`: the session behind the token. `None` only for tokens that sister services sign with the shared
    /// secret.
    pub session_id: Option<u64>,
    /// `jti`: tells two tokens of one session apart.
    pub token_id: Option<String>,
    /// `iat`.
    pub issued_at: u64,
    /// `exp`.
    pub expires_at: u64,
    /// `auth_time`: when the person last proved who they are.
    pub authenticated_at: Option<u64>,
    /// `amr`: how they proved it, as in `pwd`, `otp`, `sms`, `email`, `recovery`.
    pub methods: Vec<String>,
}

impl Claims {
    /// Whether a second factor was proved, beside a password.
    pub fn has_second_factor(&self) -> bool {
        self.methods.iter().any(|method| !matches!(method.as_str(), "pwd" | "cognito"))
    }
}

/// The claims as they stand in the token. Those that another kind of token lacks are optional here, so that
/// such a token is refused for what it is.
#[derive(Deserialize)]
struct Payload {
    r#type: Option<String>,
    iss: Option<String>,
    aud: Option<String>,
    sub: Option<String>,
    tenant_id: Option<String>,
    exp: Option<u64>,
    iat: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    nbf: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    sid: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "given")]
    auth_time: Option<u64>,
    #[serde(default)]
    amr: Vec<String>,
}

/// A value that is there: null is none.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Expectations {
    /// Reads the claims of a token whose signature was verified.
    ///
    /// # Errors
    /// [`VerifyError`] names the first thing wrong.
    pub(crate) fn judge(&self, payload: &[u8], now: u64) -> Result<Claims, VerifyError> {
        let payload: Payload = object(payload).ok_or(VerifyError::Malformed)?;
        if payload.r#type.as_deref() != Some("access") {
            return Err(VerifyError::WrongType);
        }
        if payload.iss.as_ref() != Some(&self.issuer) {
            return Err(VerifyError::WrongIssuer);
        }
        if payload.aud.as_ref() != Some(&self.audience) {
            return Err(VerifyError::WrongAudience);
        }
        let expires_at = time(payload.exp, "exp")?;
        let issued_at = time(payload.iat, "iat")?;
        let not_before = payload.nbf.map_or(Ok(issued_at), |nbf| time(Some(nbf), "nbf"))?;
        self.check_times(issued_at, not_before, expires_at, now)?;
        let tenant =
            payload.tenant_id.filter(|name| is_tenant(name)).ok_or(VerifyError::BadClaim("tenant_id"))?;
        if !self.tenants.contain(&tenant) {
            return Err(VerifyError::WrongTenant);
        }
        Ok(Claims {
            user_id: payload.sub.as_deref().and_then(account).ok_or(VerifyError::BadClaim("sub"))?,
            tenant,
            session_id: integer(payload.sid, "sid")?,
            token_id: payload.jti,
            issued_at,
            expires_at,
            authenticated_at: integer(payload.auth_time, "auth_time")?,
            methods: payload.amr,
        })
    }

    fn check_times(
        &self,
        issued_at: u64,
        not_before: u64,
        expires_at: u64,
        now: u64,
    ) -> Result<(), VerifyError> {
        let skew = self.skew.as_secs();
        if expires_at.saturating_add(skew) <= now {
            Err(VerifyError::Expired)
        } else if issued_at.max(not_before) > now.saturating_add(skew) {
            Err(VerifyError::NotYetValid)
        } else if expires_at <= issued_at || expires_at - issued_at > LONGEST_LIFE {
            // A token that outlives every rule was not made by them, even if the signature fits.
            Err(VerifyError::BadClaim("exp"))
        } else {
            Ok(())
        }
    }
}

fn time(seconds: Option<u64>, name: &'static str) -> Result<u64, VerifyError> {
    seconds.filter(|&seconds| seconds <= MAX_TIME).ok_or(VerifyError::BadClaim(name))
}

fn integer(number: Option<u64>, name: &'static str) -> Result<Option<u64>, VerifyError> {
    if number.is_some_and(|number| number > MAX_INTEGER) {
        Err(VerifyError::BadClaim(name))
    } else {
        Ok(number)
    }
}

/// One number has one spelling: no sign, no zeros in front.
fn account(text: &str) -> Option<u64> {
    let plain = !text.starts_with('0') && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().filter(|&number| number <= MAX_INTEGER)
}

fn is_tenant(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=63).contains(&name.len()) && name.bytes().all(letters)
}
