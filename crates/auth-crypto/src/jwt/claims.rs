//! What a token says: written in one shape, read in no other.

use auth_domain::{
    id::{SessionId, UserId},
    port::{KeyError, OutsideKey, OutsideKeyError},
    tenant::TenantId,
    token::{AccessClaims, AuthMethod, TokenExpectations, TokenRejected},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::strict::{Json, Object};

/// Largest integer that every client keeps exact.
const MAX_INTEGER: u64 = (1 << 53) - 1;
/// The end of the year 9999: later times overflow somewhere, here or in another language.
const MAX_TIME: u64 = 253_402_300_799;
const MAX_JTI_BYTES: usize = 128;
const MAX_METHODS: usize = 16;

/// What every token is held to.
pub(super) struct Rules {
    pub(super) expectations: TokenExpectations,
    pub(super) longest_life: TimeDelta,
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<i64>,
    tenant_id: &'a str,
    r#type: &'static str,
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
}

/// Writes claims as JSON. `fallback_id` becomes `jti` when the claims have none.
///
/// # Errors
/// [`KeyError::Broken`] for claims without session or proof: no verifier would believe them.
pub(super) fn encode(
    claims: &AccessClaims,
    rules: &Rules,
    now: DateTime<Utc>,
    fallback_id: &str,
) -> Result<Vec<u8>, KeyError> {
    if claims.session.is_none() || claims.authenticated_at.is_none() || claims.methods.is_empty() {
        return Err(KeyError::Broken("claims without session, proof or time of proof".into()));
    }
    let issued_at = claims.issued_at.unwrap_or(now).timestamp();
    let payload = Payload {
        iss: &rules.expectations.issuer,
        aud: &rules.expectations.audience,
        sub: claims.subject.to_string(),
        exp: claims.expires_at.timestamp(),
        iat: issued_at,
        nbf: issued_at,
        jti: claims.id.as_deref().unwrap_or(fallback_id),
        sid: claims.session.map(SessionId::as_i64),
        tenant_id: claims.tenant.as_str(),
        r#type: "access",
        amr: claims.methods.iter().map(|method| method.as_str()).collect(),
        auth_time: claims.authenticated_at.map(|at| at.timestamp()),
    };
    serde_json::to_vec(&payload).map_err(|err| KeyError::Broken(err.into()))
}

/// What a token says that this server signed.
pub(super) struct OwnClaims {
    pub(super) claims: AccessClaims,
    pub(super) not_before: DateTime<Utc>,
}

impl OwnClaims {
    /// The claims, if the token is good at this time.
    ///
    /// # Errors
    /// [`TokenRejected`] for a token that is too old, too young, or lives longer than any.
    pub(super) fn at(&self, rules: &Rules, now: DateTime<Utc>) -> Result<AccessClaims, TokenRejected> {
        rules.check_times(&self.claims, Some(self.not_before), now)?;
        Ok(self.claims.clone())
    }
}

/// Reads the claims of a token that this server signed: every one is required. Their times are not judged yet.
///
/// # Errors
/// [`TokenRejected`] names the first thing wrong.
pub(super) fn decode_own(payload: &[u8], rules: &Rules) -> Result<OwnClaims, TokenRejected> {
    let claims = Claims::parse(payload)?;
    claims.check_party(rules, Presence::Required)?;
    let issued_at = claims.required_time("iat")?;
    let not_before = claims.required_time("nbf")?;
    let session = claims.integer("sid")?.ok_or(TokenRejected::BadClaim("sid"))?;
    let id = claims.id()?.ok_or(TokenRejected::BadClaim("jti"))?;
    let methods = claims.methods()?.ok_or(TokenRejected::BadClaim("amr"))?;
    let authenticated_at = claims.required_time("auth_time")?;
    let claims = AccessClaims {
        subject: claims.subject()?,
        tenant: claims.tenant()?,
        session: Some(SessionId::from_i64(session)),
        id: Some(id),
        issued_at: Some(issued_at),
        expires_at: claims.required_time("exp")?,
        authenticated_at: Some(authenticated_at),
        methods,
    };
    Ok(OwnClaims { claims, not_before })
}

/// Reads the claims of a token signed with the shared secret, here or by a sister service: `sub`,
/// `type`, `tenant_id` and `exp` are required, the rest must fit if it is there.
///
/// # Errors
/// [`TokenRejected`] names the first thing wrong.
pub(super) fn decode_shared(
    payload: &[u8],
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<AccessClaims, TokenRejected> {
    let claims = Claims::parse(payload)?;
    claims.check_party(rules, Presence::Optional)?;
    let access = AccessClaims {
        subject: claims.subject()?,
        tenant: claims.tenant()?,
        session: claims.integer("sid")?.map(SessionId::from_i64),
        id: claims.id()?,
        issued_at: claims.time("iat")?,
        expires_at: claims.required_time("exp")?,
        authenticated_at: claims.time("auth_time")?,
        methods: claims.methods()?.unwrap_or_default(),
    };
    rules.check_times(&access, claims.time("nbf")?, now)?;
    Ok(access)
}

impl Rules {
    fn check_times(
        &self,
        claims: &AccessClaims,
        not_before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), TokenRejected> {
        let leeway = self.expectations.leeway;
        claims.check_times(now, leeway)?;
        if not_before.is_some_and(|at| at > now + leeway) {
            return Err(TokenRejected::NotYetValid);
        }
        // A token that outlives every rule was not made by them, even if the signature fits.
        let life = claims.issued_at.map(|at| claims.expires_at - at);
        if life.is_some_and(|life| life > self.longest_life || life <= TimeDelta::zero()) {
            return Err(TokenRejected::BadClaim("exp"));
        }
        Ok(())
    }
}

/// The claims of an API key that was minted outside.
pub(super) struct OutsideClaims(Claims);

impl OutsideClaims {
    /// Reads the payload of a key.
    ///
    /// # Errors
    /// [`OutsideKeyError::Invalid`] for what is no JSON object.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, OutsideKeyError> {
        Object::parse(payload).map(|object| Self(Claims(object))).ok_or(OutsideKeyError::Invalid)
    }

    /// What the key says, if it says enough. One that names an audience is for somebody else.
    ///
    /// # Errors
    /// [`OutsideKeyError`] names the first thing wrong.
    pub(super) fn judge(&self, now: DateTime<Utc>, leeway: TimeDelta) -> Result<OutsideKey, OutsideKeyError> {
        let Self(claims) = self;
        let times = (claims.required_time("exp"), claims.time("nbf"), claims.time("iat"));
        let (Ok(expires_at), Ok(not_before), Ok(issued_at)) = times else {
            return Err(OutsideKeyError::Invalid);
        };
        let early = [not_before, issued_at].into_iter().flatten().any(|at| at > now + leeway);
        if expires_at + leeway <= now || early || claims.0.get("aud").is_some() {
            return Err(OutsideKeyError::Invalid);
        }
        if claims.0.get("type") != Some(&Json::Text("api_key".to_owned())) {
            return Err(OutsideKeyError::WrongType);
        }
        let subject = match claims.0.get("sub") {
            // Some minters write a number for a number.
            Some(Json::Integer(number)) if (1..=MAX_INTEGER).contains(number) => {
                i64::try_from(*number).map(UserId::from_i64).map_err(|_| OutsideKeyError::NoSubject)?
            }
            _ => claims.subject().map_err(|_| OutsideKeyError::NoSubject)?,
        };
        let tenant = match claims.0.get("tenant_id") {
            None => None,
            Some(_) => Some(claims.tenant().map_err(|_| OutsideKeyError::Invalid)?),
        };
        Ok(OutsideKey { subject, tenant })
    }
}

/// Whether a claim may be missing. One that is there must always fit.
#[derive(Clone, Copy, PartialEq)]
enum Presence {
    Required,
    Optional,
}

struct Claims(Object);

impl Claims {
    /// Reads the payload of an access token; a token of another type ends here.
    fn parse(payload: &[u8]) -> Result<Self, TokenRejected> {
        let claims = Self(Object::parse(payload).ok_or(TokenRejected::Malformed)?);
        match claims.0.get("type") {
            Some(Json::Text(kind)) if kind == "access" => Ok(claims),
            _ => Err(TokenRejected::WrongType),
        }
    }

    fn check_party(&self, rules: &Rules, presence: Presence) -> Result<(), TokenRejected> {
        let TokenExpectations { issuer, audience, .. } = &rules.expectations;
        for (name, expected) in [("iss", issuer), ("aud", audience)] {
            match self.0.get(name) {
                Some(Json::Text(party)) if party == expected => {}
                None if presence == Presence::Optional => {}
                Some(Json::Text(_)) => return Err(TokenRejected::WrongParty),
                _ => return Err(TokenRejected::BadClaim(name)),
            }
        }
        Ok(())
    }

    fn subject(&self) -> Result<UserId, TokenRejected> {
        let text = match self.0.get("sub") {
            None | Some(Json::Unusable) => return Err(TokenRejected::NoSubject),
            Some(Json::Text(text)) => text,
            Some(_) => return Err(TokenRejected::BadClaim("sub")),
        };
        // One number has one spelling: no sign, no zeros in front.
        let plain = !text.starts_with('0') && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
        let number = plain.then(|| text.parse::<u64>().ok()).flatten().filter(|&n| n <= MAX_INTEGER);
        let number = number.and_then(|n| i64::try_from(n).ok());
        number.map(UserId::from_i64).ok_or(TokenRejected::BadClaim("sub"))
    }

    fn tenant(&self) -> Result<TenantId, TokenRejected> {
        match self.0.get("tenant_id") {
            Some(Json::Text(name)) => TenantId::parse(name).ok(),
            _ => None,
        }
        .ok_or(TokenRejected::BadClaim("tenant_id"))
    }

    fn id(&self) -> Result<Option<String>, TokenRejected> {
        match self.0.get("jti") {
            None => Ok(None),
            Some(Json::Text(id))
                if (1..=MAX_JTI_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                Ok(Some(id.clone()))
            }
            Some(_) => Err(TokenRejected::BadClaim("jti")),
        }
    }

    /// The methods this version knows. Others are left out: a newer replica may have written them, and
    /// a method can only add rights.
    fn methods(&self) -> Result<Option<Vec<AuthMethod>>, TokenRejected> {
        let list = match self.0.get("amr") {
            None => return Ok(None),
            Some(Json::List(list)) if (1..=MAX_METHODS).contains(&list.len()) => list,
            Some(_) => return Err(TokenRejected::BadClaim("amr")),
        };
        let texts = list.iter().map(|item| match item {
            Json::Text(text) => Ok(text.parse().ok()),
            _ => Err(TokenRejected::BadClaim("amr")),
        });
        texts.filter_map(Result::transpose).collect::<Result<_, _>>().map(Some)
    }

    fn required_time(&self, name: &'static str) -> Result<DateTime<Utc>, TokenRejected> {
        self.time(name)?.ok_or(TokenRejected::BadClaim(name))
    }

    fn time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, TokenRejected> {
        let Some(seconds) = self.integer(name)? else {
            return Ok(None);
        };
        let time = u64::try_from(seconds).ok().filter(|&seconds| seconds <= MAX_TIME);
        let time = time.and_then(|_| DateTime::from_timestamp(seconds, 0));
        time.map(Some).ok_or(TokenRejected::BadClaim(name))
    }

    fn integer(&self, name: &'static str) -> Result<Option<i64>, TokenRejected> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Json::Integer(number)) if *number <= MAX_INTEGER => {
                i64::try_from(*number).map(Some).map_err(|_| TokenRejected::BadClaim(name))
            }
            Some(_) => Err(TokenRejected::BadClaim(name)),
        }
    }
}
