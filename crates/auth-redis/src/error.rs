//! Why Redis did not answer.

use deadpool_redis::redis::RedisError;

/// A call to Redis failed. For the log; callers learn that the family is unavailable.
///
/// Messages name servers and commands, never a password, a key's meaning or a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisFailure {
    /// Too many calls failed in a row; this one was not tried.
    #[error("redis failed before and is not asked again yet")]
    BreakerOpen,
    /// No connection was made in time, or all were busy.
    #[error("no connection to redis in time")]
    ConnectTimeout,
    /// No connection was made.
    #[error("cannot connect to redis")]
    Connect(#[source] RedisError),
    /// The answer did not come in time. Whether the command was carried out is not known.
    #[error("no answer from redis in time")]
    Timeout,
    /// Redis refused the command, or the connection broke.
    #[error("the command to redis failed")]
    Command(#[source] RedisError),
    /// The answer is not one our scripts give.
    #[error("redis gave an answer of the wrong kind")]
    Answer,
}
