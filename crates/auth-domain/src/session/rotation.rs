//! Refresh rotation: what a presented token means. Pure; see `tests/it/rotation_model.rs` for the
//! proof over every interleaving.
//!
//! A session is a chain of tokens. The store keeps one row per token, numbered from 0, and a token is
//! *spent* when the row after it exists. Inserting that row is the one atomic step: the key
//! `(session, generation)` lets exactly one of any number of parallel refreshes do it (invariant I2).

use chrono::{DateTime, TimeDelta, Utc};

use crate::{secret::Digest, session::Session};

/// One token of a session's chain, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Position in the chain, from 0.
    pub number: u32,
    /// Digest of the token; unique over all sessions.
    pub digest: Digest,
    /// Chance that went into the token when it was derived from the one before it.
    pub salt: [u8; 16],
    /// When the token was made, which is when the one before it was spent.
    pub minted_at: DateTime<Utc>,
}

/// What the store knows about a presented token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The session the token belongs to.
    pub session: Session,
    /// The token itself.
    pub token: Generation,
    /// The token after it; `None` while the presented one is the newest.
    pub successor: Option<Generation>,
}

/// What to do about a presented token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is the newest of a live session: replace it.
    Rotate,
    /// The token was spent a moment ago, by a parallel request or one whose answer was lost: hand out
    /// the same successor again.
    Repeat(Generation),
    /// The token was spent long ago. Two parties hold it; the session must end.
    Reuse,
    /// The session has ended or expired: refuse, change nothing.
    Dead,
}

/// Judges a presented token.
///
/// A spent token is good for `grace` after the moment it was spent, whatever happened to its
/// successor since. That cannot fork the chain: the successor is the same one, and it is judged by
/// the same rule when it comes back.
pub fn judge(presented: &Presented, now: DateTime<Utc>, grace: TimeDelta) -> Verdict {
    if !presented.session.is_live(now) {
        return Verdict::Dead;
    }
    match &presented.successor {
        None => Verdict::Rotate,
        Some(next) if now - next.minted_at <= grace && grace > TimeDelta::zero() => {
            Verdict::Repeat(next.clone())
        }
        Some(_) => Verdict::Reuse,
    }
}
