//! Reading stored hashes: Argon2 in PHC form, bcrypt in crypt form, and those of `foreign`.

use argon2::{Algorithm, Argon2, Params, Version};
use auth_domain::port::HashError;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Argon2Cost, foreign::Foreign, scratch::Scratch};

/// Beyond these a stored hash is refused: whoever can write one must not be able to exhaust the
/// machine with it.
pub(super) const MAX_MEMORY_KIB: u32 = 256 * 1024;
pub(super) const MAX_ITERATIONS: u32 = 16;
pub(super) const MAX_LANES: u32 = 16;
const MAX_BYTES: usize = 64;
const MIN_SALT: usize = 8;
const MIN_TAG: usize = 10;
/// Each step doubles the time; 15 is about two seconds.
const MAX_BCRYPT_COST: u32 = 15;
/// All that bcrypt reads of a password.
const BCRYPT_BYTES: usize = 72;

/// What this server makes: 128 bits of salt, 256 bits of tag (RFC 9106 §4).
pub(super) const SALT_BYTES: usize = 16;
pub(super) const TAG_BYTES: usize = 32;

/// A hash that can be compared with.
pub(super) enum Stored<'a> {
    Argon2(Box<Phc>),
    Bcrypt(&'a str),
    Foreign(Foreign),
}

/// The content of `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`.
pub(super) struct Phc {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    tag: Zeroizing<Vec<u8>>,
}

impl<'a> Stored<'a> {
    /// Reads a stored hash. Of Argon2 and bcrypt, Django writes its own name for them before what others
    /// write.
    ///
    /// # Errors
    /// [`HashError::Unreadable`] for an unknown form, [`HashError::TooDear`] for a cost beyond the caps.
    pub(super) fn parse(text: &'a str) -> Result<Self, HashError> {
        let text = without_name(text);
        if text.starts_with("$argon2") {
            Phc::parse(text).and_then(Phc::within_caps).map(|phc| Self::Argon2(Box::new(phc)))
        } else if text.starts_with("$2") {
            check_bcrypt(text).map(|()| Self::Bcrypt(text))
        } else {
            Foreign::parse(text).map(Self::Foreign)
        }
    }

    /// Whether this is what `cost` would make today.
    pub(super) fn is_present(&self, cost: Argon2Cost) -> bool {
        match self {
            Self::Argon2(phc) => phc.is_present(cost),
            Self::Bcrypt(_) | Self::Foreign(_) => false,
        }
    }

    /// The blocks of 1 KiB it takes to compute, where that is much: bcrypt needs four.
    pub(super) fn blocks(&self) -> usize {
        match self {
            Self::Argon2(phc) => phc.params.block_count(),
            Self::Bcrypt(_) => 0,
            Self::Foreign(foreign) => foreign.blocks(),
        }
    }

    /// Whether the hash depends on all of `password`.
    pub(super) fn covers(&self, password: &str) -> bool {
        !matches!(self, Self::Bcrypt(_)) || password.len() <= BCRYPT_BYTES
    }

    /// Whether `password` is what was hashed.
    pub(super) fn matches(&self, password: &str, scratch: &mut Scratch) -> Result<bool, HashError> {
        match self {
            Self::Argon2(phc) => phc.matches(password, scratch),
            // A longer password is cut, as it was by whatever made the hash. The crate compares in
            // constant time.
            Self::Bcrypt(text) => {
                bcrypt::verify(password.as_bytes(), text).map_err(|_| HashError::Unreadable)
            }
            Self::Foreign(foreign) => foreign.matches(password, scratch),
        }
    }
}

impl Phc {
    fn parse(text: &str) -> Result<Self, HashError> {
        Self::read(text).ok_or(HashError::Unreadable)
    }

    fn within_caps(self) -> Result<Self, HashError> {
        let fits = self.params.m_cost() <= MAX_MEMORY_KIB
            && self.params.t_cost() <= MAX_ITERATIONS
            && self.params.p_cost() <= MAX_LANES;
        fits.then_some(self).ok_or(HashError::TooDear)
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix('$')?.split('$');
        let algorithm = match fields.next()? {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            "argon2d" => Algorithm::Argon2d,
            _ => return None,
        };
        let mut field = fields.next()?;
        // The first version of Argon2 did not write its number down.
        let mut version = Version::V0x10;
        if let Some(number) = field.strip_prefix("v=") {
            version = match number {
                "19" => Version::V0x13,
                "16" => Version::V0x10,
                _ => return None,
            };
            field = fields.next()?;
        }
        let (memory, iterations, lanes) = costs(field)?;
        let salt = bytes(fields.next()?, MIN_SALT)?;
        let tag = Zeroizing::new(bytes(fields.next()?, MIN_TAG)?);
        if fields.next().is_some() {
            return None;
        }
        let params = Params::new(memory, iterations, lanes, Some(tag.len())).ok()?;
        Some(Self { algorithm, version, params, salt, tag })
    }

    fn is_present(&self, cost: Argon2Cost) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == cost.memory_kib
            && self.params.t_cost() == cost.iterations
            && self.params.p_cost() == cost.lanes
            && self.salt.len() == SALT_BYTES
            && self.tag.len() == TAG_BYTES
    }

    fn matches(&self, password: &str, scratch: &mut Scratch) -> Result<bool, HashError> {
        let mut tag = Zeroizing::new(vec![0; self.tag.len()]);
        let blocks = scratch.blocks(self.params.block_count());
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password.as_bytes(), &self.salt, &mut tag, blocks)
            .map_err(|_| HashError::Failed)?;
        Ok(tag.ct_eq(&self.tag).into())
    }
}

/// Makes a hash of `password` at `cost`, in PHC form.
pub(super) fn make(
    password: &str,
    salt: &[u8; SALT_BYTES],
    cost: Argon2Cost,
    scratch: &mut Scratch,
) -> Result<String, HashError> {
    let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(TAG_BYTES))
        .map_err(|_| HashError::Failed)?;
    let mut tag = Zeroizing::new([0; TAG_BYTES]);
    let blocks = scratch.blocks(params.block_count());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut *tag, blocks)
        .map_err(|_| HashError::Failed)?;
    Ok(written(salt, &tag, cost))
}

/// What a hash at `cost` looks like whose salt and tag are these.
pub(super) fn written(salt: &[u8; SALT_BYTES], tag: &[u8; TAG_BYTES], cost: Argon2Cost) -> String {
    let Argon2Cost { memory_kib, iterations, lanes } = cost;
    let (salt, tag) = (STANDARD_NO_PAD.encode(salt), Zeroizing::new(STANDARD_NO_PAD.encode(tag)));
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${salt}${}", tag.as_str())
}

/// Reads `m=19456,t=2,p=1`. A key id or associated data would need a secret this server has not.
fn costs(field: &str) -> Option<(u32, u32, u32)> {
    let mut parts = field.split(',');
    let mut number = |prefix: &str| {
        let digits = parts.next()?.strip_prefix(prefix)?;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok())?
    };
    let read = (number("m=")?, number("t=")?, number("p=")?);
    parts.next().is_none().then_some(read)
}

fn bytes(field: &str, min: usize) -> Option<Vec<u8>> {
    // Checked before decoding: 64 bytes are 86 characters.
    let decoded = (field.len() <= 86).then(|| STANDARD_NO_PAD.decode(field).ok())??;
    (min..=MAX_BYTES).contains(&decoded.len()).then_some(decoded)
}

/// Whether the text is a bcrypt hash this server verifies: `$2a$`, `$2b$` or `$2y$`, which agree for
/// every correct implementation. `$2x$` marks hashes of a faulty one.
fn check_bcrypt(text: &str) -> Result<(), HashError> {
    let right_kind = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    let parts = text.parse::<bcrypt::HashParts>().map_err(|_| HashError::Unreadable)?;
    match parts.get_cost() {
        4..=MAX_BCRYPT_COST if right_kind => Ok(()),
        16.. if right_kind => Err(HashError::TooDear),
        _ => Err(HashError::Unreadable),
    }
}

/// Argon2 and bcrypt as everybody writes them: Django puts its own name for them in front.
fn without_name(text: &str) -> &str {
    let named = [("argon2", "$argon2"), ("bcrypt$", "$2")];
    named
        .into_iter()
        .find_map(|(name, begin)| text.strip_prefix(name).filter(|rest| rest.starts_with(begin)))
        .unwrap_or(text)
}
