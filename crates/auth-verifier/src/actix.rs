//! An extractor for services on actix-web.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use auth_verifier::{Expectations, RemoteKeys, RemoteKeysConfig, Trust, Verifier, actix::Authenticated};
//!
//! async fn hello(caller: Authenticated) -> String {
//!     format!("account {} of {}", caller.claims.user_id, caller.claims.tenant)
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = RemoteKeys::new(RemoteKeysConfig::at("https://auth.example.com"))?;
//! let expectations = Expectations::new("https://auth.example.com", "orders");
//! let verifier = web::Data::new(Verifier::new(expectations, Trust::keys(keys)));
//! HttpServer::new(move || App::new().app_data(verifier.clone()).route("/hello", web::get().to(hello)))
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await?;
//! # Ok(()) }
//! ```

use std::{fmt, future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{
        StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web::Data,
};
use serde_json::json;

use crate::{Claims, Verifier, VerifyError};

/// A request with a good access token in its `Authorization` header. The application must hold a
/// [`Data<Verifier>`](Data).
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// What the token says.
    pub claims: Claims,
}

/// Why a request was not let in: answered as RFC 6750 §3 asks for, with a body after RFC 9457.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no bearer token.
    NoToken,
    /// There is more than one `Authorization` header.
    Ambiguous,
    /// The token is not good. Whoever sent it does not learn why.
    BadToken,
    /// Nobody could tell whether it is good.
    Unavailable,
    /// The application holds no verifier: a fault of the program.
    NotSetUp,
}

impl FromRequest for Authenticated {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let verifier = request.app_data::<Data<Verifier>>().cloned();
        let token = bearer(request).map(str::to_owned);
        Box::pin(async move {
            let verifier = verifier.ok_or(Refusal::NotSetUp)?;
            match verifier.verify(&token?).await {
                Ok(claims) => Ok(Self { claims }),
                Err(error) => Err(refused(&error)),
            }
        })
    }
}

fn bearer(request: &HttpRequest) -> Result<&str, Refusal> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Refusal::NoToken),
        (Some(value), None) => value.to_str().map_err(|_| Refusal::NoToken)?,
        (Some(_), Some(_)) => return Err(Refusal::Ambiguous),
    };
    let (scheme, token) = value.trim().split_once(' ').ok_or(Refusal::NoToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::NoToken) }
}

fn refused(error: &VerifyError) -> Refusal {
    tracing::debug!(%error, "an access token was refused");
    if error.is_unavailable() { Refusal::Unavailable } else { Refusal::BadToken }
}

impl Refusal {
    const fn detail(self) -> &'static str {
        match self {
            Self::NoToken => "An access token is required",
            Self::Ambiguous => "More than one Authorization header",
            Self::BadToken => "The access token is not valid",
            Self::Unavailable => "The access token cannot be checked at the moment",
            Self::NotSetUp => "Internal server error",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSetUp => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        match self {
            // Who sent no credentials is told no more than what to send.
            Self::NoToken => response.insert_header((WWW_AUTHENTICATE, "Bearer")),
            Self::BadToken => response.insert_header((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
            Self::Ambiguous => response.insert_header((WWW_AUTHENTICATE, "Bearer error=\"invalid_request\"")),
            Self::Unavailable => response.insert_header((RETRY_AFTER, "1")),
            Self::NotSetUp => &mut response,
        };
        response.content_type("application/problem+json").body(
            json!({
                "type": "about:blank",
                "title": status.canonical_reason().unwrap_or_default(),
                "status": status.as_u16(),
                "detail": self.detail(),
            })
            .to_string(),
        )
    }
}
