//! What the errors of the domain's ports mean to a client.

use std::error::Error as StdError;

use actix_web::http::StatusCode;
use auth_domain::{
    port::{
        BoxError, EntropyError, HashError, IdentityError, KeyError, LimiterError, MailboxError, StoreError,
    },
    token::TokenRejected,
    usecase::Fault,
};

use super::{Problem, TRY_AGAIN, error_chain};

impl Problem {
    /// 503 for a dependency that is down. Logs the cause, once.
    pub(super) fn dependency(cause: &(dyn StdError + 'static)) -> Self {
        tracing::warn!(error = %error_chain(cause), "a dependency failed");
        Self::unavailable(TRY_AGAIN)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict => Self::dependency(&error),
            // Corrupt rows and refused statements do not go away by trying again.
            _ => Self::internal(&error),
        }
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                tracing::warn!("password hashing is overloaded");
                Self::unavailable(retry_after)
            }
            // Read by nobody; for the log.
            HashError::Abandoned => Self::of_status(StatusCode::REQUEST_TIMEOUT),
            _ => Self::internal(&error),
        }
    }
}

impl From<LimiterError> for Problem {
    fn from(error: LimiterError) -> Self {
        Self::dependency(&error)
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Unavailable(_) | IdentityError::TooManyRequests(_) => Self::dependency(&error),
            // What is about a person is dealt with where it is known what it is about.
            _ => Self::internal(&error),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error.into(),
            Fault::Unaudited { entry, source } => {
                tracing::error!(target: "audit", entry, "not in the audit log");
                source.into()
            }
            Fault::AuditChain(error) => Self::internal(&error),
            Fault::Hash(error) => error.into(),
            Fault::Key(error) => error.into(),
            Fault::Limiter(error) => error.into(),
            Fault::Codes(error) => Self::dependency(&error),
            Fault::Challenges(error) => Self::dependency(&error),
            Fault::Provider(error) => error.into(),
            Fault::Box(error) => error.into(),
            Fault::Entropy(error) => error.into(),
        }
    }
}

impl From<TokenRejected> for Problem {
    /// The reason goes to the log; clients get no more than the three texts they know.
    fn from(why: TokenRejected) -> Self {
        tracing::info!(reason = %why, "access token refused");
        Self::unauthenticated(match why {
            TokenRejected::WrongType => "Invalid token type",
            TokenRejected::NoSubject => "Invalid authentication credentials",
            _ => "Could not validate credentials",
        })
    }
}

/// Errors that are faults of the installation: nothing a client can do about them.
macro_rules! internal {
    ($($error:ty),*) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::internal(&error)
            }
        }
    )*};
}

internal!(BoxError, EntropyError, KeyError, MailboxError);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_domain::port::{ChallengeStoreError, CodeStoreError};

    use super::*;

    #[test]
    fn what_may_pass_is_503_and_the_rest_500() {
        let gone = || Box::<dyn StdError + Send + Sync>::from("connection refused");
        let table = [
            (Problem::from(StoreError::Unavailable(gone())), 503),
            (Problem::from(StoreError::Conflict), 503),
            (Problem::from(StoreError::Corrupt { table: "users", id: "1".to_owned() }), 500),
            (Problem::from(StoreError::Internal(gone())), 500),
            (Problem::from(HashError::Overloaded { retry_after: Duration::from_secs(2) }), 503),
            (Problem::from(HashError::Unreadable), 500),
            (Problem::from(LimiterError { source: gone() }), 503),
            (Problem::from(Fault::from(CodeStoreError { source: gone() })), 503),
            (Problem::from(Fault::from(ChallengeStoreError { source: gone() })), 503),
            (Problem::from(Fault::from(IdentityError::Unavailable(gone()))), 503),
            (Problem::from(Fault::from(IdentityError::Internal(gone()))), 500),
            (Problem::from(TokenRejected::Expired), 401),
        ];
        for (problem, status) in table {
            assert_eq!(problem.status().as_u16(), status, "{problem}");
        }
    }
}
