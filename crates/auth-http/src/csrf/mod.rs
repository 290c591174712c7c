//! Calls by cookie, and calls that ask for cookies: whether a page that may ask has sent them.
//!
//! A browser adds cookies to whatever any page sends. So a call that may change something and comes by
//! cookie must (a) come from a page that may ask, (b) carry `X-CSRF-Token`, made for the
//! very session of the cookie, and (c) have a JSON body, if it has one. A call that asks for its first
//! cookies has no session yet; (a) and (c) keep a foreign page from signing somebody in.

mod origin;

use actix_web::http::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use async_trait::async_trait;
use auth_domain::{
    id::SessionId,
    session::Session,
    tenant::TenantId,
    usecase::{self, CsrfDenial, Fault},
};

pub(crate) use origin::may_ask;

use crate::problem::Problem;

/// The header that carries the token.
pub(crate) const HEADER: &str = "X-CSRF-Token";

/// Judges tokens against forged requests. The one real implementor is the use case [`usecase::Csrf`]; tests
/// put their own in its place.
#[async_trait]
pub trait Csrf: Send + Sync {
    /// Whether a token was made for this session.
    fn admits(&self, token: &str, session: SessionId) -> bool;

    /// The session a refresh token belongs to, whatever has become of both; the token stays unspent.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    async fn session_of(&self, tenant: &TenantId, refresh_token: &str) -> Result<Option<Session>, Fault>;

    /// The same, only a session that lives.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    async fn live_session_of(&self, tenant: &TenantId, refresh_token: &str)
    -> Result<Option<Session>, Fault>;

    /// Writes a refusal down.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    async fn denied(&self, denial: &CsrfDenial) -> Result<(), Fault>;
}

#[async_trait]
impl Csrf for usecase::Csrf {
    fn admits(&self, token: &str, session: SessionId) -> bool {
        Self::admits(self, token, session)
    }

    async fn session_of(&self, tenant: &TenantId, refresh_token: &str) -> Result<Option<Session>, Fault> {
        Self::session_of(self, tenant, refresh_token).await
    }

    async fn live_session_of(
        &self,
        tenant: &TenantId,
        refresh_token: &str,
    ) -> Result<Option<Session>, Fault> {
        Self::live_session_of(self, tenant, refresh_token).await
    }

    async fn denied(&self, denial: &CsrfDenial) -> Result<(), Fault> {
        Self::denied(self, denial).await
    }
}

impl Problem {
    /// 403 for a call by cookie that does not prove which page sent it. One text for every reason.
    pub(crate) fn csrf_failed() -> Self {
        Self::forbidden("csrf_failed", "CSRF token missing or invalid")
    }

    /// 415: the body is not what it has to be.
    pub(crate) fn not_json() -> Self {
        Self::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }
}

/// Whether a method may change something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The token a request carries; one that is sent twice is none.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HEADER);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether a body says that it is JSON, and means it: a page can send any other type, and none, across
/// origins without being asked whether it may.
pub(crate) fn is_declared_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_json() {
        for (values, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&[], false),
            (&["text/plain"], false),
            (&["text/plain; x=application/json"], false),
            (&["application/json", "text/plain"], false),
            (&["application/merge-patch+json"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            assert_eq!(is_declared_json(&headers), expected, "{values:?}");
        }
    }

    #[test]
    fn reading_is_safe_and_everything_else_is_not() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(!is_unsafe(&method), "{method}");
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(is_unsafe(&method), "{method}");
        }
    }
}
