//! SNS's errors in the words of the port.

use std::{error::Error, io, iter::successors};

use auth_domain::port::SmsError;
use aws_sdk_sns::{
    error::{ProvideErrorMetadata as _, SdkError},
    operation::publish::PublishError,
};

/// What an attempt ended with, when it was not a message id.
#[derive(Debug)]
pub(crate) enum Failed {
    /// There was no connection, so nothing was sent: once more does no harm.
    NotSent(SmsError),
    /// SNS may have taken the message.
    Sent(SmsError),
}

impl Failed {
    pub(crate) fn into_error(self) -> SmsError {
        match self {
            Self::NotSent(error) | Self::Sent(error) => error,
        }
    }
}

pub(crate) fn failed(error: &SdkError<PublishError>) -> Failed {
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            let message = answer.err().message().unwrap_or_default();
            Failed::Sent(refused(answer.raw().status().as_u16(), code, message))
        }
        SdkError::ConstructionFailure(_) => Failed::NotSent(SmsError::Misconfigured(context(error))),
        other if never_connected(other) => Failed::NotSent(SmsError::Unavailable(context(error))),
        _ => Failed::Sent(SmsError::Unavailable(context(error))),
    }
}

/// What SNS's answer means. The codes are those of the API's errors and of AWS's common ones.
fn refused(status: u16, code: &str, message: &str) -> SmsError {
    let cause = || format!("SNS answered {status} {code}: {}", without_numbers(&on_one_line(message))).into();
    let said = message.to_lowercase();
    match code.strip_suffix("Exception").unwrap_or(code) {
        "OptedOut" => SmsError::OptedOut(cause()),
        "InvalidParameter" if said.contains("opted out") => SmsError::OptedOut(cause()),
        // The same code refuses our sender id and our text; only the words tell.
        "InvalidParameter" | "InvalidParameterValue" | "ParameterValueInvalid" | "Validation"
            if ["attribute", "sender", "message"].iter().any(|ours| said.contains(ours)) =>
        {
            SmsError::Misconfigured(cause())
        }
        "InvalidParameter" | "InvalidParameterValue" | "ParameterValueInvalid" | "Validation" => {
            SmsError::InvalidNumber(cause())
        }
        "Throttling" | "Throttled" | "TooManyRequests" | "RequestLimitExceeded" | "LimitExceeded" => {
            SmsError::Throttled(cause())
        }
        _ if status == 429 => SmsError::Throttled(cause()),
        // Below 400 it is an answer that is not SNS's: a proxy, a page of a captive network.
        _ if !(400..500).contains(&status) => SmsError::Unavailable(cause()),
        // Authorization, signature, key, token, sandbox, unknown parameters: ours to mend.
        _ => SmsError::Misconfigured(cause()),
    }
}

/// The whole chain, as one text. Not the SDK's `Debug` nor its `DisplayErrorContext`, which show whole
/// answers: those of a credential endpoint among them.
pub(crate) fn context(error: &(dyn Error + 'static)) -> Box<dyn Error + Send + Sync> {
    let said: Vec<String> = causes(error).map(ToString::to_string).collect();
    without_numbers(&on_one_line(&said.join(": "))).into()
}

/// The error and what lies beneath it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&cause| cause.source())
}

/// A text on one line, for a log that is read line by line.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without anything that could be a phone number.
fn without_numbers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        kept.push_str(if digits.len() < 7 { &digits } else { "…" });
        digits.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

/// Whether the connection itself failed, in a way that only happens before anything is sent.
fn never_connected(error: &SdkError<PublishError>) -> bool {
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    matches!(
        kind,
        Some(
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_name_no_number() {
        let said = "Invalid parameter: PhoneNumber Reason: +15551234567 is not valid, error 404";
        let kept = "Invalid parameter: PhoneNumber Reason: +… is not valid, error 404";
        assert_eq!(without_numbers(said), kept);
        assert_eq!(without_numbers("+15551234567"), "+…");
    }

    #[test]
    fn causes_are_one_line() {
        let error = refused(500, "Internal", "first\r\n  second +15551234567\n");
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "SNS answered 500 Internal: first second +…");
    }

    #[test]
    fn codes_with_and_without_their_suffix_mean_the_same() {
        assert!(matches!(refused(400, "ThrottlingException", "Rate exceeded"), SmsError::Throttled(_)));
        assert!(matches!(refused(400, "Throttling", "Rate exceeded"), SmsError::Throttled(_)));
    }
}
