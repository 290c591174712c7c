//! Cognito's errors in the words of the port.

use std::{error::Error, io, iter::successors};

use auth_domain::port::IdentityError;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};

/// What was asked: the same code means different things to different calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    SignUp,
    Confirm,
    ResendCode,
    ForgotPassword,
    ResetPassword,
    SignIn,
    Answer,
    /// Any call in the name of a token.
    WithToken,
    /// Such a call that brings a code.
    ActivateApp,
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: IdentityError,
    pub(crate) fate: Fate,
}

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// There was no connection, so nothing was sent: once more does no harm.
    NotSent,
    /// Cognito may have done it, and is not well.
    Lost,
    /// Cognito is well, and refuses.
    Answered,
}

impl Failed {
    /// An answer that makes no sense to us.
    pub(crate) fn senseless(what: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::refused(IdentityError::Internal(what.into()))
    }

    /// An answer that means `error`.
    pub(crate) const fn refused(error: IdentityError) -> Self {
        Self { error, fate: Fate::Answered }
    }
}

/// What an error of the SDK means. `private` are texts that no error may repeat: mocks and proxies show
/// what they were sent.
pub(crate) fn failed<E>(call: Call, private: &[&str], error: &SdkError<E>) -> Failed
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let context = || causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let unavailable = || IdentityError::Unavailable(cleaned(&context(), private).into());
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().unwrap_or_default();
            refused(call, status, code, answer.err().message().unwrap_or_default(), private)
        }
        SdkError::ConstructionFailure(_) => Failed::senseless(cleaned(&context(), private)),
        other if never_connected(other) => Failed { error: unavailable(), fate: Fate::NotSent },
        _ => Failed { error: unavailable(), fate: Fate::Lost },
    }
}

/// What Cognito's answer means.
fn refused(call: Call, status: u16, code: &str, message: &str, private: &[&str]) -> Failed {
    let cause = || format!("Cognito answered {status} {}: {}", on_one_line(code), cleaned(message, private));
    // Below 400 it is an answer that is not Cognito's: a proxy, a page of a captive network.
    if status != 429 && !(400..500).contains(&status) || code.is_empty() {
        return Failed { error: IdentityError::Unavailable(cause().into()), fate: Fate::Lost };
    }
    let said = message.to_lowercase();
    let known = match code.strip_suffix("Exception").unwrap_or(code) {
        "NotAuthorized" => not_authorized(call, &said),
        "InvalidParameter" => invalid_parameter(call, &said),
        "UserNotFound" if matches!(call, Call::WithToken | Call::ActivateApp) => {
            Means::This(IdentityError::Disabled)
        }
        // CG-08: whether there is such a user is nobody's business.
        "UserNotFound" => Means::This(IdentityError::WrongCredentials),
        // One mock says it at a sign-in, where no policy is asked.
        "InvalidPassword" if call == Call::SignIn => Means::This(IdentityError::WrongCredentials),
        "InvalidPassword" | "PasswordHistoryPolicyViolation" => {
            Means::This(IdentityError::WeakPassword { reason: reason(message, private) })
        }
        "UserNotConfirmed" => Means::This(IdentityError::NotConfirmed),
        "PasswordResetRequired" => Means::This(IdentityError::ResetRequired),
        "CodeMismatch" | "EnableSoftwareTokenMFA" => Means::This(IdentityError::CodeMismatch),
        "ExpiredCode" => Means::This(IdentityError::CodeExpired),
        "UsernameExists" | "AliasExists" => Means::This(IdentityError::AlreadyExists),
        // A rule that the pool's owner wrote.
        "UserLambdaValidation" => Means::This(IdentityError::Disabled),
        "LimitExceeded"
        | "TooManyRequests"
        | "TooManyFailedAttempts"
        | "Throttling"
        | "RequestLimitExceeded" => Means::TooMany,
        "CodeDeliveryFailure" | "ConcurrentModification" => Means::Unavailable,
        _ if status == 429 => Means::TooMany,
        _ => Means::Internal,
    };
    Failed::refused(known.because(cause))
}

/// What a refusal means, its cause to be added where the error carries one.
enum Means {
    This(IdentityError),
    TooMany,
    Unavailable,
    Internal,
}

impl Means {
    fn because(self, cause: impl FnOnce() -> String) -> IdentityError {
        match self {
            Self::This(error) => error,
            Self::TooMany => IdentityError::TooManyRequests(cause().into()),
            Self::Unavailable => IdentityError::Unavailable(cause().into()),
            Self::Internal => IdentityError::Internal(cause().into()),
        }
    }
}

/// One code for a dozen matters; only the words and the call tell.
fn not_authorized(call: Call, said: &str) -> Means {
    if said.contains("secret") || said.contains("scope") || said.contains("not permitted") {
        return Means::Internal;
    }
    if said.contains("attempts exceeded") {
        return Means::TooMany;
    }
    if said.contains("disabled") {
        return Means::This(IdentityError::Disabled);
    }
    Means::This(match call {
        Call::SignIn => IdentityError::WrongCredentials,
        Call::Answer if said.contains("invalid code") => IdentityError::CodeMismatch,
        Call::Answer => IdentityError::ChallengeExpired,
        // An account that is confirmed already, or a code that has no use any more.
        Call::Confirm | Call::ResetPassword => IdentityError::CodeMismatch,
        Call::SignUp => return Means::Internal,
        _ => IdentityError::Disabled,
    })
}

fn invalid_parameter(call: Call, said: &str) -> Means {
    let takes_code = matches!(call, Call::Confirm | Call::ResetPassword | Call::Answer | Call::ActivateApp);
    let sets_password = matches!(call, Call::SignUp | Call::ResetPassword | Call::Answer);
    Means::This(match call {
        Call::ForgotPassword if said.contains("verified") => IdentityError::NotConfirmed,
        Call::ResendCode if said.contains("already confirmed") => IdentityError::AlreadyExists,
        _ if sets_password && said.contains("password'") => IdentityError::WeakPassword {
            reason: "The password has a length or characters that cannot be used".to_owned(),
        },
        _ if takes_code && said.contains("code'") => IdentityError::CodeMismatch,
        _ => return Means::Internal,
    })
}

/// Why a password is refused, without the sentence around it.
fn reason(message: &str, private: &[&str]) -> String {
    let said = cleaned(message, private);
    let said = said.split_once("policy:").map_or(said.as_str(), |(_, reason)| reason).trim();
    if said.is_empty() { "Password not accepted".to_owned() } else { said.to_owned() }
}

/// The error and what lies beneath it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&cause| cause.source())
}

/// A text on one line, for a log that is read line by line.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text on one line, without what was private, addresses, or anything that could be a code, a number
/// or a token; not longer than a sentence or two.
fn cleaned(text: &str, private: &[&str]) -> String {
    let private = private.iter().filter(|private| !private.is_empty());
    let text = private.fold(text.to_owned(), |text, private| text.replace(private, "…"));
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    let hidden = |word: &str| word.contains('@') || word.len() > 64 || digits(word) > 3;
    let words = text.split_whitespace().map(|word| if hidden(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Whether the connection itself failed, in a way that only happens before anything is sent.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
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
mod tests;
