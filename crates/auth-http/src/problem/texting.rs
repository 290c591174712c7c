//! Why no text message was sent, to a client.

use std::time::Duration;

use actix_web::http::StatusCode;
use auth_domain::{
    guard::pumping::{RefusedNumber, SmsRefused, Velocity},
    port::SmsError,
    usecase::TextError,
};

use super::{FieldError, Problem};

/// Numbers are counted over a month; nobody is told to wait for that long.
const TOMORROW: Duration = Duration::from_hours(24);

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Refused(refused) => refused.into(),
            TextError::Provider(error) => error.into(),
            TextError::Fault(fault) => fault.into(),
        }
    }
}

impl From<SmsRefused> for Problem {
    fn from(refused: SmsRefused) -> Self {
        match refused {
            // Nothing the caller did, and how many there are is nobody's business.
            SmsRefused::TooOften { what: Velocity::Everybody, retry_after, .. } => {
                tracing::warn!("the day's text messages are used up");
                Self::unavailable(retry_after)
            }
            SmsRefused::TooOften { what, quota, retry_after } => {
                tracing::info!(?what, limit = quota.limit, "too many text messages");
                Self::rate_limited(quota, retry_after)
            }
            SmsRefused::TooManyPairs => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many phone numbers")
                    .with_retry_after(TOMORROW)
            }
            SmsRefused::Number(_) => invalid_number(),
            SmsRefused::Off | SmsRefused::Conversion | SmsRefused::Limiter(_) | SmsRefused::Ledger(_) => {
                Self::dependency(&refused)
            }
        }
    }
}

impl From<SmsError> for Problem {
    fn from(error: SmsError) -> Self {
        match error {
            SmsError::InvalidNumber(_) => invalid_number(),
            SmsError::OptedOut(_) => {
                Self::bad_request("phone_opted_out", "Phone number has opted out of SMS messages")
            }
            _ => Self::dependency(&error),
        }
    }
}

fn invalid_number() -> Problem {
    Problem::bad_request("invalid_phone_number", "Invalid phone number format")
}

impl FieldError {
    /// A telephone number that gets no text messages.
    pub(crate) fn refused_number(field: &str, why: RefusedNumber) -> Self {
        let rule = match why {
            RefusedNumber::Impossible => "Phone number must be between 10 and 15 digits",
            RefusedNumber::Country => "Phone numbers of this country are not supported",
            RefusedNumber::Kind(_) => "Phone number must be able to receive text messages",
        };
        Self::value("body", field, rule)
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::{
        guard::pumping::NumberKind,
        port::{LedgerError, LimiterError, Quota},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn each_refusal_has_its_status_and_code() {
        let gone = || Box::<dyn std::error::Error + Send + Sync>::from("gone");
        let too_often = SmsRefused::TooOften {
            what: Velocity::User,
            quota: Quota::per_hour(10),
            retry_after: Duration::from_secs(90),
        };
        let used_up = SmsRefused::TooOften {
            what: Velocity::Everybody,
            quota: Quota::per_hour(10),
            retry_after: Duration::from_secs(90),
        };
        let table = [
            (Problem::from(too_often), 429, "rate_limited"),
            (Problem::from(used_up), 503, "unavailable"),
            (SmsRefused::TooManyPairs.into(), 429, "rate_limited"),
            (SmsRefused::Number(RefusedNumber::Country).into(), 400, "invalid_phone_number"),
            (SmsRefused::Off.into(), 503, "unavailable"),
            (SmsRefused::Conversion.into(), 503, "unavailable"),
            (SmsRefused::Limiter(LimiterError { source: gone() }).into(), 503, "unavailable"),
            (SmsRefused::Ledger(LedgerError { source: gone() }).into(), 503, "unavailable"),
            (SmsError::InvalidNumber(gone()).into(), 400, "invalid_phone_number"),
            (SmsError::OptedOut(gone()).into(), 400, "phone_opted_out"),
            (SmsError::Throttled(gone()).into(), 503, "unavailable"),
            (SmsError::Misconfigured(gone()).into(), 503, "unavailable"),
            (SmsError::Unavailable(gone()).into(), 503, "unavailable"),
        ];
        for (problem, status, code) in table {
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            let waits = problem.headers.iter().any(|(name, _)| name == "retry-after");
            assert_eq!(waits, status != 400, "{problem}");
        }
    }

    #[test]
    fn a_refused_number_is_not_echoed() {
        for why in
            [RefusedNumber::Impossible, RefusedNumber::Country, RefusedNumber::Kind(NumberKind::Premium)]
        {
            let error = json!(FieldError::refused_number("phone_number", why));
            assert_eq!(error["loc"], json!(["body", "phone_number"]));
            assert!(error["msg"].as_str().unwrap().starts_with("Value error, Phone number"), "{error}");
            assert_eq!((&error["ctx"], error.get("input")), (&json!({ "error": {} }), None));
        }
    }
}
