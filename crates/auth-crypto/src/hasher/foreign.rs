//! Hashes of other systems that this server verifies and never makes: scrypt and PBKDF2.
//!
//! Read are the PHC form, the form of Django, and that of Python's passlib:
//!
//! | function | forms |
//! |---|---|
//! | scrypt | `$scrypt$ln=16,r=8,p=1$salt$key` (PHC, passlib) and `scrypt$16384$salt$8$1$key` (Django) |
//! | PBKDF2 | `$pbkdf2-sha256$i=600000,l=32$salt$key` (PHC), `$pbkdf2-sha256$29000$salt$key` (passlib) and `pbkdf2_sha256$600000$salt$key` (Django) |

use auth_domain::port::HashError;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{scratch::Scratch, stored::MAX_MEMORY_KIB};

/// Beyond these a stored hash is refused, like Argon2 beyond its caps. Each is a few seconds of work
/// (measured 2026-11: 0.3 s for a million rounds of SHA-256, 0.8 s for one of SHA-512).
const MAX_ROUNDS: u32 = 5_000_000;
const MAX_SCRYPT_WORK_KIB: u64 = 4 * 1024 * 1024;
const MAX_LOG_N: u8 = 24;
/// Of salts and keys, in bytes.
const MAX_BYTES: usize = 128;
const MIN_KEY: usize = 16;

/// A hash of another system.
pub(super) struct Foreign {
    function: Function,
    salt: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

enum Function {
    Scrypt(scrypt::Params),
    Pbkdf2(Sha, u32),
}

#[derive(Clone, Copy)]
enum Sha {
    One,
    Two256,
    Two512,
}

impl Foreign {
    /// Reads a hash of one of the forms above.
    ///
    /// # Errors
    /// [`HashError::Unreadable`] for any other form, [`HashError::TooDear`] beyond the caps.
    pub(super) fn parse(text: &str) -> Result<Self, HashError> {
        match text.strip_prefix('$') {
            Some(rest) => phc(&rest.split('$').collect::<Vec<_>>()),
            None => django(&text.split('$').collect::<Vec<_>>()),
        }
    }

    /// The blocks of 1 KiB it takes to compute, where that is much.
    pub(super) fn blocks(&self) -> usize {
        match &self.function {
            Function::Scrypt(params) => (scrypt_kib(params)).try_into().unwrap_or(usize::MAX),
            Function::Pbkdf2(..) => 0,
        }
    }

    /// Whether `password` is what was hashed. Gives the memory of the thread back first where scrypt needs
    /// its own: both together would be more than was set aside.
    pub(super) fn matches(&self, password: &str, scratch: &mut Scratch) -> Result<bool, HashError> {
        let mut key = Zeroizing::new(vec![0; self.key.len()]);
        match &self.function {
            Function::Scrypt(params) => {
                scratch.release();
                scrypt::scrypt(password.as_bytes(), &self.salt, params, &mut key)
                    .map_err(|_| HashError::Failed)?;
            }
            Function::Pbkdf2(sha, rounds) => sha.derive(password.as_bytes(), &self.salt, *rounds, &mut key),
        }
        Ok(key.ct_eq(&self.key).into())
    }
}

impl Sha {
    fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::One),
            "sha256" => Some(Self::Two256),
            "sha512" => Some(Self::Two512),
            _ => None,
        }
    }

    fn derive(self, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::One => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, key),
            Self::Two256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
            Self::Two512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        }
    }
}

/// What passlib and the PHC write: the salt in base64 without padding.
fn phc(fields: &[&str]) -> Result<Foreign, HashError> {
    let [name, costs, salt, key] = fields else { return Err(HashError::Unreadable) };
    let function = match *name {
        "scrypt" => {
            let [log_n, r, p] = named(costs, ["ln=", "r=", "p="]).ok_or(HashError::Unreadable)?;
            scrypt_of(log_n, r, p)?
        }
        _ => pbkdf2_of(name, costs)?,
    };
    Foreign::new(function, base64(salt), base64(key))
}

fn pbkdf2_of(name: &str, costs: &str) -> Result<Function, HashError> {
    let sha = match name.strip_prefix("pbkdf2") {
        Some("") => Some(Sha::One),
        Some(variant) => variant.strip_prefix('-').and_then(Sha::named),
        None => None,
    };
    let costs = costs.strip_prefix("i=").unwrap_or(costs);
    // The length of the key, which shows anyway.
    let rounds = costs.split_once(",l=").map_or(costs, |(rounds, _)| rounds);
    rounds_of(sha, rounds)
}

/// What Django writes: the salt as it is.
fn django(fields: &[&str]) -> Result<Foreign, HashError> {
    match fields {
        ["scrypt", n, salt, r, p, key] => {
            let numbers = [n, r, p].map(|text| number(text));
            let [Some(n), Some(r), Some(p)] = numbers else { return Err(HashError::Unreadable) };
            let function = scrypt_of(log_of(n).ok_or(HashError::Unreadable)?, r, p)?;
            Foreign::new(function, Some(salt.as_bytes().to_vec()), base64(key))
        }
        [name, rounds, salt, key] => {
            let function = rounds_of(name.strip_prefix("pbkdf2_").and_then(Sha::named), rounds)?;
            Foreign::new(function, Some(salt.as_bytes().to_vec()), base64(key))
        }
        _ => Err(HashError::Unreadable),
    }
}

impl Foreign {
    fn new(function: Function, salt: Option<Vec<u8>>, key: Option<Vec<u8>>) -> Result<Self, HashError> {
        let (Some(salt), Some(key)) = (salt, key) else { return Err(HashError::Unreadable) };
        let fits = (1..=MAX_BYTES).contains(&salt.len()) && (MIN_KEY..=MAX_BYTES).contains(&key.len());
        fits.then_some(Self { function, salt, key: Zeroizing::new(key) }).ok_or(HashError::Unreadable)
    }
}

fn rounds_of(sha: Option<Sha>, rounds: &str) -> Result<Function, HashError> {
    match (sha, number(rounds)) {
        (Some(_), Some(rounds)) if rounds > MAX_ROUNDS => Err(HashError::TooDear),
        (Some(sha), Some(rounds)) if rounds > 0 => Ok(Function::Pbkdf2(sha, rounds)),
        _ => Err(HashError::Unreadable),
    }
}

fn scrypt_of(log_n: u32, r: u32, p: u32) -> Result<Function, HashError> {
    if log_n == 0 {
        return Err(HashError::Unreadable);
    }
    let small = u8::try_from(log_n).ok().filter(|&log_n| log_n <= MAX_LOG_N);
    let work_kib = u64::from(r).saturating_mul(p.into()) << log_n.min(MAX_LOG_N.into()) >> 3;
    if small.is_none() || work_kib > MAX_SCRYPT_WORK_KIB || r > 1024 || p > 1024 {
        return Err(HashError::TooDear);
    }
    let params = scrypt::Params::new(small.unwrap_or_default(), r, p, scrypt::Params::RECOMMENDED_LEN);
    let params = params.map_err(|_| HashError::Unreadable)?;
    if scrypt_kib(&params) > u64::from(MAX_MEMORY_KIB) {
        return Err(HashError::TooDear);
    }
    Ok(Function::Scrypt(params))
}

/// 128 bytes times r, for N places and p inputs.
fn scrypt_kib(params: &scrypt::Params) -> u64 {
    let (r, p) = (u64::from(params.r()), u64::from(params.p()));
    (r * ((1 << params.log_n()) + p)).div_ceil(8)
}

fn log_of(n: u32) -> Option<u32> {
    (n.is_power_of_two() && n > 1).then(|| n.trailing_zeros())
}

/// Reads `ln=16,r=8,p=1`.
fn named<const N: usize>(field: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut parts = field.split(',');
    let mut numbers = [0; N];
    for (value, name) in numbers.iter_mut().zip(names) {
        *value = number(parts.next()?.strip_prefix(name)?)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Reads digits and nothing else.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u32::MAX))
}

/// Reads base64 with or without padding; passlib writes `.` for `+`.
fn base64(field: &str) -> Option<Vec<u8>> {
    let standard = field.replace('.', "+");
    let engine = if standard.ends_with('=') { &STANDARD } else { &STANDARD_NO_PAD };
    // Checked before decoding: 128 bytes are 172 characters.
    (standard.len() <= 172).then(|| engine.decode(standard).ok())?
}
