//! Which program calls: from an API key to the account or the service it stands for.

use actix_web::http::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use async_trait::async_trait;
use auth_domain::{
    api_key::{ApiKey, ApiKeySecret, Scope},
    tenant::TenantId,
    usecase::{self, ApiKeyRefused},
    user::User,
};

use crate::{bearer::Credentials, problem::Problem};

/// The header of a key. As a bearer token it may come, too.
pub(crate) const HEADER: &str = "X-API-Key";

/// Decides whom an API key stands for. The one real implementor is the use case [`usecase::ApiKeys`];
/// tests put their own in its place.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// The person behind a personal key that is good for `scope`.
    ///
    /// # Errors
    /// [`ApiKeyRefused`] when the key is not good, or not for that.
    async fn person(
        &self,
        text: &str,
        tenant: &TenantId,
        scope: Scope,
    ) -> Result<(ApiKey, User), ApiKeyRefused>;

    /// The key of a service that is good for `scope`.
    ///
    /// # Errors
    /// [`ApiKeyRefused`] when the key is not good, or not for that.
    async fn service(&self, text: &str, tenant: &TenantId, scope: Scope) -> Result<ApiKey, ApiKeyRefused>;
}

#[async_trait]
impl ApiKeys for usecase::ApiKeys {
    async fn person(
        &self,
        text: &str,
        tenant: &TenantId,
        scope: Scope,
    ) -> Result<(ApiKey, User), ApiKeyRefused> {
        Self::person(self, text, tenant, scope).await
    }

    async fn service(&self, text: &str, tenant: &TenantId, scope: Scope) -> Result<ApiKey, ApiKeyRefused> {
        Self::service(self, text, tenant, scope).await
    }
}

impl From<ApiKeyRefused> for Problem {
    fn from(refused: ApiKeyRefused) -> Self {
        match refused {
            // One text for all: whoever found a key must not learn what has become of it.
            ApiKeyRefused::Unknown
            | ApiKeyRefused::Revoked
            | ApiKeyRefused::Expired
            | ApiKeyRefused::WrongTenant
            | ApiKeyRefused::OwnerInactive => {
                Self::unauthenticated("Invalid API key").with_code("invalid_api_key")
            }
            ApiKeyRefused::OutOfScope(scope) => out_of_scope(scope),
            ApiKeyRefused::Fault(fault) => fault.into(),
        }
    }
}

/// 403 with the challenge of RFC 6750 §3.1.
fn out_of_scope(scope: Scope) -> Problem {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = Problem::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        format!("The API key lacks the scope {scope}"),
    );
    // Names of scopes are ASCII.
    match HeaderValue::from_str(&challenge) {
        Ok(value) => problem.with_header(WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}

/// The key a request shows, on a route that takes one.
///
/// # Errors
/// 400 for two keys, and for a key beside an `Authorization` header: which one counts must not depend on
/// who looks.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(HEADER);
    match (values.next(), values.next(), headers.contains_key(AUTHORIZATION)) {
        (None, ..) => Ok(match Credentials::of(headers)? {
            Credentials::Bearer(token) if token.starts_with(ApiKeySecret::PREFIX) => Some(token),
            Credentials::Bearer(_) | Credentials::None => None,
        }),
        // What is no text is no key.
        (Some(value), None, false) => Ok(Some(value.to_str().map_or("", str::trim))),
        (Some(_), ..) => Err(Problem::bad_request(
            "ambiguous_credentials",
            "More than one API key or Authorization header",
        )),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(headers: &[(&'static str, &'static str)]) -> Result<Option<String>, u16> {
        let request =
            headers.iter().fold(TestRequest::default(), |request, header| request.append_header(*header));
        let request = request.to_http_request();
        presented(request.headers())
            .map(|key| key.map(ToOwned::to_owned))
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_key_comes_in_one_header_of_two() {
        assert_eq!(seen(&[]), Ok(None));
        assert_eq!(seen(&[("authorization", "Bearer eyJ")]), Ok(None));
        assert_eq!(seen(&[("authorization", "Basic ak_1")]), Ok(None));
        assert_eq!(seen(&[("authorization", "bearer ak_1")]), Ok(Some("ak_1".to_owned())));
        assert_eq!(seen(&[("x-api-key", " ak_1 ")]), Ok(Some("ak_1".to_owned())));
        assert_eq!(seen(&[("x-api-key", "")]), Ok(Some(String::new())));
        assert_eq!(seen(&[("x-api-key", "ak_1"), ("x-api-key", "ak_1")]), Err(400));
        assert_eq!(seen(&[("x-api-key", "ak_1"), ("authorization", "Bearer ak_1")]), Err(400));
        assert_eq!(seen(&[("x-api-key", "ak_1"), ("authorization", "Basic x")]), Err(400));
    }
}
