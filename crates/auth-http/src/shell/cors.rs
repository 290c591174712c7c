//! Calls from pages of other origins, by an exact list of origins.
//!
//! The checks are `actix-cors`'s; what is put right here is what clients of this API expect beyond
//! them: the texts of preflights, and no CORS header at all for an origin that was refused.

use actix_cors::{Cors, CorsError};
use actix_web::{
    Error, HttpResponse,
    body::BoxBody,
    http::{
        Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, VARY,
        },
    },
};

use crate::settings::HttpSettings;

/// Answer headers that scripts of other origins may read.
const EXPOSED: [&str; 8] = [
    "X-MFA-Type",
    "X-MFA-Methods",
    "X-Phone-Masked",
    "X-Email-Masked",
    "X-Error-Type",
    "X-Request-Id",
    "X-Next-Cursor",
    "Retry-After",
];

const METHODS: [Method; 7] =
    [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH, Method::POST, Method::PUT];

/// The layer that answers preflights and marks answers to allowed origins.
pub(crate) fn cors(settings: &HttpSettings) -> Cors {
    let origins = settings.cors_origins.clone();
    Cors::default()
        // Compared as browsers send them; `null` is on no list.
        .allowed_origin_fn(move |origin, _| {
            origins.iter().any(|allowed| {
                allowed.as_bytes() == origin.as_bytes()
                    || allowed == HttpSettings::ANY_ORIGIN && origin != "null"
            })
        })
        .allowed_methods(METHODS)
        .allow_any_header()
        .expose_headers(EXPOSED)
        .supports_credentials()
        .max_age(600)
}

/// Whether a browser asks if it may call.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|value| value.to_str().ok());
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && asked.is_some_and(|method| Method::from_bytes(method.as_bytes()).is_ok())
}

/// Gives the answer to a preflight the text that clients know.
pub(super) fn answer_preflight(response: HttpResponse) -> HttpResponse {
    let text = match response.error().and_then(Error::as_error::<CorsError>) {
        _ if response.status() == StatusCode::OK => "OK",
        Some(CorsError::MethodNotAllowed | CorsError::BadRequestMethod) => "Disallowed CORS method",
        _ if response.status() == StatusCode::BAD_REQUEST => "Disallowed CORS origin",
        _ => return response,
    };
    let mut response = response.set_body(BoxBody::new(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// Takes away what is said to an origin that was not allowed, and to no origin; and leave to send cookies to
/// one that was allowed only because all are.
pub(super) fn tidy(headers: &mut HeaderMap, settings: &HttpSettings) {
    if let Some(origin) = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN) {
        if !settings.cors_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()) {
            headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        }
        return;
    }
    for name in [
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
}
