//! What an access token of the pool says, and what it must say to be believed.

use auth_domain::{
    port::{IdentityKey, ProviderClaims},
    token::TokenRejected,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

use super::compact::object;

/// How far two clocks may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// The end of the year 9999: later times overflow somewhere.
const MAX_TIME: i64 = 253_402_300_799;

/// What every token is held to.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) client: String,
}

/// The claims this server looks at. Those that another kind of token lacks are optional here, so that
/// such a token is refused for what it is.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    token_use: String,
    sub: Option<String>,
    client_id: Option<String>,
    username: Option<String>,
    exp: Seconds,
    iat: Seconds,
    #[serde(default, deserialize_with = "given")]
    nbf: Option<Seconds>,
}

/// Seconds since 1970: a whole number from zero up, no text and no fraction.
#[derive(Clone, Copy, Deserialize)]
struct Seconds(u64);

/// A value that is there: null is none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    Seconds::deserialize(deserializer).map(Some)
}

impl Rules {
    /// Reads the claims of a token whose signature was verified.
    ///
    /// # Errors
    /// [`TokenRejected`] names the first thing wrong.
    pub(super) fn read(&self, payload: &[u8], now: DateTime<Utc>) -> Result<ProviderClaims, TokenRejected> {
        let claims: Claims = object(payload).ok_or(TokenRejected::Malformed)?;
        if claims.iss != self.issuer {
            return Err(TokenRejected::WrongParty);
        }
        if claims.token_use != "access" {
            return Err(TokenRejected::WrongType);
        }
        let client = claims.client_id.filter(|id| *id == self.client).ok_or(TokenRejected::WrongParty)?;
        let subject = claims.sub.ok_or(TokenRejected::NoSubject)?;
        let key = IdentityKey::new(&claims.iss, &subject).map_err(|_| TokenRejected::NoSubject)?;
        // A token that a client was given for itself has a subject too, and no user.
        let username = claims.username.filter(|name| !name.is_empty());
        let username = username.ok_or(TokenRejected::BadClaim("username"))?;
        let (issued_at, expires_at) = (time(claims.iat, "iat")?, time(claims.exp, "exp")?);
        let not_before = claims.nbf.map(|nbf| time(nbf, "nbf")).transpose()?;
        check_times(issued_at, not_before, expires_at, now)?;
        Ok(ProviderClaims { key, username, client, issued_at, expires_at })
    }
}

fn check_times(
    issued_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), TokenRejected> {
    if expires_at + LEEWAY <= now {
        Err(TokenRejected::Expired)
    } else if issued_at.max(not_before.unwrap_or(issued_at)) > now + LEEWAY {
        Err(TokenRejected::NotYetValid)
    } else if expires_at <= issued_at {
        Err(TokenRejected::BadClaim("exp"))
    } else {
        Ok(())
    }
}

fn time(seconds: Seconds, name: &'static str) -> Result<DateTime<Utc>, TokenRejected> {
    let seconds = i64::try_from(seconds.0).ok().filter(|&seconds| seconds <= MAX_TIME);
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(TokenRejected::BadClaim(name))
}
