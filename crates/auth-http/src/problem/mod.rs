//! Every error a client can see, and the one place that writes it down.
//!
//! A handler or extractor returns a [`Problem`]; the shell renders it, because only there the request
//! id and the form that the client accepts are known:
//!
//! * `{"detail": …, "code": …, "request_id": …}` as `application/json`, or
//! * RFC 9457 as `application/problem+json`, when the `Accept` header names that.

mod admin;
mod cognito;
mod domain;
mod factor;
mod field;
mod render;
mod texting;
mod usecase;

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use auth_domain::port::Quota;
use serde_json::Value;

pub(crate) use factor::{factor_name, method_name};
pub use field::{FieldError, Place};
pub(crate) use render::{Form, fill};

/// An error on its way to the client.
///
/// `Debug` and `Display` leave out what was added for the client's eyes only.
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Detail,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Vec<(&'static str, Value)>,
}

/// The `detail` member: a sentence, or the list of what is wrong with the fields.
enum Detail {
    Text(Cow<'static, str>),
    Fields(Vec<FieldError>),
    /// An object, for the one answer that has one, and the sentence that says the same.
    Object(Box<Value>, &'static str),
}

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-error-type");

/// How long a client should wait before it calls a dependency that is down again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Problem {
    /// An error with the text and the code that clients know.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: Detail::Text(detail.into()), headers: Vec::new(), members: Vec::new() }
    }

    /// 400: the request makes no sense in the present state.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400 for a tenant that does not exist.
    pub fn unknown_tenant() -> Self {
        Self::bad_request("unknown_tenant", "Unknown tenant")
    }

    /// 401 with the challenge that the standard asks for.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 401 for a token that stands for no login under way.
    pub(crate) fn invalid_mfa_session() -> Self {
        Self::unauthenticated("Invalid or expired MFA session").with_code("invalid_mfa_session")
    }

    /// 403: known, and not allowed.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 403 for a right password of an account whose address was never proved.
    pub fn email_not_verified() -> Self {
        let code = "email_not_verified";
        Self::forbidden(code, code).with_header(ERROR_TYPE, HeaderValue::from_static(code))
    }

    /// 403 for what takes a more recent login, or one with a second factor.
    pub(crate) fn recent_login_required() -> Self {
        Self::forbidden("recent_login_required", "Recent login required")
    }

    /// 404 with the framework's text, or another one through [`new`](Self::new).
    pub fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    /// 409: somebody else was there first.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409 whose detail is an object.
    pub(crate) fn conflict_about(code: &'static str, message: &'static str, about: Value) -> Self {
        Self { detail: Detail::Object(Box::new(about), message), ..Self::conflict(code, message) }
    }

    /// 409 for what would leave nobody to administer the installation.
    pub(crate) fn last_superuser() -> Self {
        Self::conflict("last_superuser", "The last active superuser cannot be removed")
    }

    /// 422: what is wrong with the fields, all at once and in their order.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "validation_error",
            detail: Detail::Fields(errors),
            headers: Vec::new(),
            members: Vec::new(),
        }
    }

    /// 423: too many failures for this identifier.
    pub fn account_locked(retry_after: Duration) -> Self {
        let code = "account_locked";
        Self::new(StatusCode::LOCKED, code, code)
            .with_header(ERROR_TYPE, HeaderValue::from_static(code))
            .with_retry_after(retry_after)
    }

    /// 429: the limit in words, as in `5 per 1 minute`.
    pub fn rate_limited(quota: Quota, retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", in_words(quota))
            .with_retry_after(retry_after)
    }

    /// 429 for a client that has too many connections open.
    pub(crate) fn too_many_connections() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many connections")
            .with_retry_after(TRY_AGAIN)
    }

    /// 500. Logs the cause, once; the client learns nothing but the request id to quote.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %error_chain(cause), "request failed");
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// 503: something this server needs is down, or the server is too busy.
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service temporarily unavailable")
            .with_retry_after(retry_after)
    }

    /// The answer for a status that the framework chose.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("bad_request", "Bad Request"),
            StatusCode::NOT_FOUND => ("not_found", "Not Found"),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "Method Not Allowed"),
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "Request Timeout"),
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "Request body too large"),
            StatusCode::URI_TOO_LONG => ("uri_too_long", "URI Too Long"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "Unsupported media type"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                ("headers_too_large", "Request Header Fields Too Large")
            }
            StatusCode::SERVICE_UNAVAILABLE => return Self::unavailable(TRY_AGAIN),
            _ if status.is_client_error() => {
                ("bad_request", status.canonical_reason().unwrap_or("Bad Request"))
            }
            _ => ("internal_error", "Internal server error"),
        };
        Self::new(status, code, detail)
    }

    /// Replaces the code.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a member to the body, beside `detail`, `code` and `request_id`.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name that clients branch on.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Tells the client when to come back: in whole seconds, rounded up, one at least.
    fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("status", &self.status.as_u16())
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// A first draft; the shell renders it again with the request id and in the form asked for.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status);
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}

/// A quota as clients read it.
fn in_words(quota: Quota) -> String {
    let seconds = quota.window.as_secs();
    let window = match seconds {
        1 => "1 second".to_owned(),
        60 => "1 minute".to_owned(),
        3_600 => "1 hour".to_owned(),
        86_400 => "1 day".to_owned(),
        _ => format!("{seconds} seconds"),
    };
    format!("{} per {window}", quota.limit)
}

/// An error with everything that caused it, for the log.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_read_like_the_contract() {
        assert_eq!(in_words(Quota::per_minute(5)), "5 per 1 minute");
        assert_eq!(in_words(Quota::per_hour(10)), "10 per 1 hour");
        assert_eq!(in_words(Quota { limit: 2, window: Duration::from_secs(90) }), "2 per 90 seconds");
    }

    #[test]
    fn waiting_is_rounded_up_to_a_second() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
            let problem = Problem::account_locked(Duration::from_millis(millis));
            let retry_after = &problem.headers.last().unwrap().1;
            assert_eq!(retry_after.to_str().unwrap(), seconds);
        }
    }

    #[test]
    fn debug_shows_nothing_meant_for_the_client() {
        let problem =
            Problem::bad_request("mfa_required", "TOTP code required").with_member("mfa_token", "s3cret");
        assert_eq!(format!("{problem:?}"), r#"Problem { status: 400, code: "mfa_required", .. }"#);
    }
}
