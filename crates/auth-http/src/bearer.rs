//! Who calls: from the `Authorization` header to an account and its session.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use async_trait::async_trait;
use auth_domain::{
    tenant::TenantId,
    usecase::{self, BearerError, Caller, Identity},
};

use crate::problem::Problem;

/// Decides whom an access token belongs to. The one real implementor is the use case
/// [`usecase::Bearer`]; tests put their own in its place.
#[async_trait]
pub trait Bearer: Send + Sync {
    /// Finds somebody who may act now.
    ///
    /// # Errors
    /// [`BearerError`] when the token, its session or its account is not good.
    async fn authenticate(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError>;

    /// Finds somebody who may act, as far as was known a moment ago: for requests that change nothing.
    ///
    /// # Errors
    /// As for [`authenticate`](Self::authenticate), which it is where nothing else is put in its place.
    async fn recognise(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        self.authenticate(token, tenant).await
    }

    /// Finds out what a good token names, without judging what has become of it since.
    ///
    /// # Errors
    /// [`BearerError`] when the token is not good.
    async fn identify(&self, token: &str, tenant: &TenantId) -> Result<Identity, BearerError>;
}

#[async_trait]
impl Bearer for usecase::Bearer {
    async fn authenticate(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        Self::authenticate(self, token, tenant).await
    }

    async fn recognise(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        Self::recognise(self, token, tenant).await
    }

    async fn identify(&self, token: &str, tenant: &TenantId) -> Result<Identity, BearerError> {
        Self::identify(self, token, tenant).await
    }
}

impl From<BearerError> for Problem {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Rejected(why) => why.into(),
            BearerError::WrongTenant => Self::unauthenticated("Token is not valid for this tenant"),
            BearerError::UserNotFound => Self::unauthenticated("User not found"),
            // Revoked looks like never valid: the contract has one text for both.
            BearerError::SessionEnded | BearerError::UserInactive => {
                Self::unauthenticated("Could not validate credentials")
            }
            BearerError::Fault(fault) => fault.into(),
        }
    }
}

/// The credentials in a request's `Authorization` header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    /// No header, or one of another scheme.
    None,
    /// A bearer token, which may be empty.
    Bearer(&'a str),
}

impl<'a> Credentials<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 for two headers: which one counts must not depend on who looks.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(AUTHORIZATION);
        match (values.next(), values.next()) {
            (None, _) => Ok(Self::None),
            (Some(value), None) => Ok(value.to_str().map_or(Self::None, Self::parse)),
            (Some(_), Some(_)) => {
                Err(Problem::bad_request("ambiguous_credentials", "More than one Authorization header"))
            }
        }
    }

    fn parse(value: &'a str) -> Self {
        let (scheme, token) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if scheme.eq_ignore_ascii_case("bearer") { Self::Bearer(token.trim()) } else { Self::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bearer_in_any_case_and_nothing_else() {
        let table = [
            ("Bearer abc", Some("abc")),
            ("bEaReR   abc ", Some("abc")),
            ("Bearer", Some("")),
            ("Bearer ", Some("")),
            ("Basic abc", None),
            ("BearerX abc", None),
            ("", None),
        ];
        for (value, token) in table {
            let found = match Credentials::parse(value) {
                Credentials::Bearer(token) => Some(token),
                Credentials::None => None,
            };
            assert_eq!(found, token, "{value:?}");
        }
    }
}
