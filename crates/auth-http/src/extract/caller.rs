//! Who calls: one function for each demand an operation can make.

use actix_web::http::StatusCode;
use auth_domain::{
    api_key::{ApiKey, Scope},
    id::SessionId,
    usecase::{Caller, Identity, Power},
    user::User,
};
use secrecy::SecretString;
use serde_json::Value;

use super::visit::{Presented, Visit, not_authenticated};
use crate::{api_key, problem::Problem};

/// Somebody who may act: now, where something is to be changed, and a moment ago, where not.
pub(super) async fn caller(visit: &Visit<'_>) -> Result<Caller, Problem> {
    let presented = visit.required_token()?;
    let (bearer, tenant) = (&visit.gate.bearer, &visit.context.tenant);
    let caller = if visit.changes_something() {
        bearer.authenticate(presented.token, tenant).await?
    } else {
        bearer.recognise(presented.token, tenant).await?
    };
    let_in(visit, presented, caller).await
}

async fn let_in(visit: &Visit<'_>, presented: Presented<'_>, caller: Caller) -> Result<Caller, Problem> {
    visit.is_of(caller.user.id);
    visit.admit(presented, caller.session.as_ref()).await?;
    Ok(caller)
}

/// Somebody who may act, or the person behind a key that is good for `scope`.
pub(super) async fn permitted(visit: &Visit<'_>, scope: Scope) -> Result<User, Problem> {
    let Some(key) = api_key::presented(visit.headers())? else { return Ok(caller(visit).await?.user) };
    let (key, user) = visit.gate.api_keys.person(key, &visit.context.tenant, scope).await?;
    visit.note_key(key.id);
    Ok(user)
}

/// The key of a service that is good for `scope`.
pub(super) async fn service(visit: &Visit<'_>, scope: Scope) -> Result<ApiKey, Problem> {
    let key = api_key::presented(visit.headers())?.ok_or_else(not_authenticated)?;
    let key = visit.gate.api_keys.service(key, &visit.context.tenant, scope).await?;
    visit.note_key(key.id);
    Ok(key)
}

/// Somebody who may act, and has that power over others.
pub(super) async fn holder_of(visit: &Visit<'_>, power: Power) -> Result<Caller, Problem> {
    let presented = visit.required_token()?;
    // As they are now: nobody administers others with a power that was taken a moment ago.
    let caller = visit.gate.bearer.authenticate(presented.token, &visit.context.tenant).await?;
    let caller = let_in(visit, presented, caller).await?;
    visit.admit_to(&caller, power).await?;
    Ok(caller)
}

/// What a good token names.
pub(super) async fn identity(visit: &Visit<'_>) -> Result<Identity, Problem> {
    let presented = visit.required_token()?;
    let identity = identify(visit, presented).await?;
    visit.admit(presented, identity.session.as_ref()).await?;
    Ok(identity)
}

async fn identify(visit: &Visit<'_>, presented: Presented<'_>) -> Result<Identity, Problem> {
    let identity = visit.gate.bearer.identify(presented.token, &visit.context.tenant).await?;
    visit.is_of(identity.claims.subject);
    Ok(identity)
}

/// What a token that need not be there names, or what it is refused for.
type Weighed = Option<Result<Identity, Problem>>;

/// What a token names if there is one, and the refresh token of the cookie. What the token itself is refused
/// for is the handler's to weigh. A refresh token in the body speaks for itself: no cookie is looked at.
pub(super) async fn whoever(visit: &Visit<'_>) -> Result<(Weighed, Option<SecretString>), Problem> {
    let refresh = visit.refresh_cookie()?;
    let presented = match visit.token() {
        Ok(presented) => presented.filter(|found| !(found.by_cookie && visit.body_has("refresh_token"))),
        Err(problem) => return Ok((weighed(Err(problem))?, None)),
    };
    let identity = match presented {
        Some(found) => weighed(identify(visit, found).await)?,
        None => None,
    };
    if refresh.is_some() || presented.is_some_and(|found| found.by_cookie) {
        let kept = match refresh {
            Some(token) => visit.gate.csrf.session_of(&visit.context.tenant, token).await?,
            None => None,
        };
        let named = identity.iter().flatten().filter_map(|identity| identity.session.as_ref());
        visit.admit_cookies(&named.chain(&kept).collect::<Vec<_>>()).await?;
    }
    Ok((identity, refresh.map(SecretString::from)))
}

/// Only what the token itself is refused for is weighed.
fn weighed(identity: Result<Identity, Problem>) -> Result<Weighed, Problem> {
    match identity {
        Err(problem) if problem.status() != StatusCode::UNAUTHORIZED => Err(problem),
        identity => Ok(Some(identity)),
    }
}

/// The refresh token of the cookie. It is not spent here.
pub(super) async fn kept_token(visit: &Visit<'_>) -> Result<Option<SecretString>, Problem> {
    let Some(token) = visit.refresh_cookie()? else { return Ok(None) };
    let session = visit.gate.csrf.session_of(&visit.context.tenant, token).await?;
    if let Some(session) = &session {
        visit.is_of(session.user);
    }
    visit.admit_cookies(session.as_ref().as_slice()).await?;
    Ok(Some(token.into()))
}

/// The session of the cookies.
pub(super) async fn kept_session(visit: &Visit<'_>) -> Result<SessionId, Problem> {
    let tenant = &visit.context.tenant;
    let access = visit.token()?.filter(|presented| presented.by_cookie);
    let known = match access {
        Some(access) => visit.gate.bearer.authenticate(access.token, tenant).await.map_err(Problem::from),
        None => Err(not_authenticated()),
    };
    let refused = match known {
        Ok(Caller { session: Some(session), user }) => {
            visit.is_of(user.id);
            return Ok(session.id);
        }
        Ok(Caller { session: None, .. }) => not_authenticated(),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => problem,
        Err(problem) => return Err(problem),
    };
    // A browser that slept longer than the access token lives still has the other one.
    let session = match visit.refresh_cookie()? {
        Some(token) => visit.gate.csrf.live_session_of(tenant, token).await?,
        None => None,
    };
    session.map(|session| session.id).ok_or(refused)
}

/// Whether a body names an account and a password, right or not.
pub(super) fn has_credentials(body: Option<&Value>) -> bool {
    body.is_some_and(|body| ["email", "password"].iter().all(|name| body.get(name).is_some()))
}
