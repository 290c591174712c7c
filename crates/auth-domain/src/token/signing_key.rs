//! Keys that sign access tokens: made ahead, published before use, kept until nothing needs them.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::secret::Sealed;

/// Signature algorithms for access tokens (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JwtAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// HMAC with SHA-256 and a secret that other services share; has no key pair.
    Hs256,
}

impl JwtAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// The value of the `alg` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }

    /// Whether keys of this algorithm are made, stored and published by this server.
    pub const fn is_asymmetric(self) -> bool {
        !matches!(self, Self::Hs256)
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signature algorithm (EdDSA, ES256, RS256, HS256)")]
pub struct UnknownAlgorithm;

impl FromStr for JwtAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|alg| alg.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownAlgorithm)
    }
}

/// The `kid` of a key: its RFC 7638 thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Wraps a thumbprint that a key factory computed or a store handed back.
    pub const fn new(thumbprint: String) -> Self {
        Self(thumbprint)
    }

    /// The thumbprint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A signing key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Names the key in token headers and in the JWKS.
    pub id: KeyId,
    /// What the key signs with; a token with another `alg` is refused.
    pub algorithm: JwtAlgorithm,
    /// The private half, sealed.
    pub private: Sealed,
    /// The public half as a JWK (RFC 7517), JSON.
    pub public_jwk: String,
    /// When it was made, and published.
    pub created_at: DateTime<Utc>,
    /// When it begins to sign.
    pub activates_at: DateTime<Utc>,
    /// When it stops signing because a newer key took over; it verifies for a while longer.
    pub retires_at: Option<DateTime<Utc>>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Active,
    /// Verifies only.
    Retired,
    /// Of no use any more; may be deleted.
    Gone,
}

impl KeyState {
    /// The name shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Gone => "gone",
        }
    }
}

impl SigningKey {
    /// How long clients may cache the JWKS.
    pub const JWKS_MAX_AGE: TimeDelta = TimeDelta::seconds(300);
    /// A key is published this long before it signs: two cache lives, so that no verifier meets an
    /// unknown key.
    pub const PUBLISHED_AHEAD: TimeDelta = TimeDelta::seconds(600);
    /// A key is replaced after this time.
    pub const SIGNING_LIFE: TimeDelta = TimeDelta::days(90);

    /// Where the sealed private half of a key lives: it opens nowhere else.
    pub fn sealing_context(id: &KeyId) -> String {
        format!("signing_keys|private|{id}")
    }

    /// The state at `now`, given the longest life of a token it signed.
    pub fn state(&self, now: DateTime<Utc>, longest_token: TimeDelta) -> KeyState {
        match self.retires_at {
            Some(at) if at + longest_token <= now => KeyState::Gone,
            Some(at) if at <= now => KeyState::Retired,
            _ if self.activates_at <= now => KeyState::Active,
            _ => KeyState::Next,
        }
    }
}
