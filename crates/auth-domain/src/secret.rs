//! Credentials come in two types: the plain one can be shown once, the digest can be stored.

mod server;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

pub use server::{ServerSecret, WeakSecret};

/// A SHA-256 of a random 256-bit token.
///
/// Tokens of this strength need no slow hash (ASVS 6.5.2). Comparison takes constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps a digest that a store handed back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, as stores keep them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

/// Bytes sealed by a [`SecretBox`](crate::port::SecretBox): safe to store, useless without its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps what a secret box produced or a store handed back.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What it was sealed with; `None` if it is too short to be a sealed value.
    pub fn label(&self) -> Option<SealLabel> {
        self.0.first_chunk().copied().map(SealLabel)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

/// The first bytes of a sealed value: they name the form and the key, and tell nothing about either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealLabel([u8; Self::BYTES]);

impl SealLabel {
    /// How long a label is.
    pub const BYTES: usize = 5;

    /// Wraps what a secret box writes or a store cut off.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, as a store compares them.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for SealLabel {
    /// In hexadecimal, as operators see it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A signed access token, on its way to the client. Never stored.
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Wraps what a signer produced.
    pub fn new(compact: String) -> Self {
        Self(compact.into())
    }

    /// The compact serialisation, for the one answer that carries it.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

/// Declares an opaque token of 256 bits with its prefix.
macro_rules! opaque_tokens {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// 256 bits in base64url without padding. `Debug` shows the type's name only.
        pub struct $name(secrecy::SecretString);

        impl $name {
            /// What every token of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a token from chance.
            ///
            /// # Errors
            /// [`EntropyError`](crate::port::EntropyError) when the operating system gives no randomness.
            pub fn mint(entropy: &dyn crate::port::Entropy) -> Result<Self, crate::port::EntropyError> {
                let mut bytes = zeroize::Zeroizing::new([0u8; 32]);
                entropy.fill(&mut *bytes)?;
                Ok(Self::from_bits(&bytes))
            }

            /// Writes 256 bits down as a token.
            pub(crate) fn from_bits(bits: &[u8; 32]) -> Self {
                use base64::Engine as _;
                let body = zeroize::Zeroizing::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits));
                Self(format!("{}{}", $prefix, body.as_str()).into())
            }

            /// Reads a token that a client presents; `None` unless it has exactly the shape of one.
            pub fn parse(text: &str) -> Option<Self> {
                use base64::Engine as _;
                let body = text.strip_prefix($prefix)?;
                if body.len() != 43 {
                    return None;
                }
                let bits = zeroize::Zeroizing::new(
                    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).ok()?,
                );
                (bits.len() == 32).then(|| Self(text.to_owned().into()))
            }

            /// The form that is stored and looked up.
            pub fn digest(&self) -> crate::secret::Digest {
                crate::secret::Digest::of(self.expose_secret().as_bytes())
            }

            /// The token itself, for the one message that carries it.
            pub fn expose_secret(&self) -> &str {
                secrecy::ExposeSecret::expose_secret(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
pub(crate) use opaque_tokens;
