//! Slow hashing of passwords, on threads of its own.

mod config;
mod foreign;
mod pool;
mod priority;
mod scratch;
mod stored;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth_domain::{
    port::{Entropy, EntropyError, HashError, HashPlace, PasswordHasher, Strength, Verification},
    user::{NewPassword, Password, PasswordHash},
};
use zeroize::Zeroizing;

pub use config::{Argon2Cost, BudgetTooSmall, HasherConfig, UnsafeCost};
pub use pool::HashLoad;

use self::{
    pool::{Pool, Work},
    scratch::Scratch,
    stored::{SALT_BYTES, Stored, TAG_BYTES},
};
use crate::OsEntropy;

/// Longest text given to the strength estimate, whose time grows faster than the text. What follows
/// can only make a password stronger.
const ESTIMATED_CHARS: usize = 100;

/// Hashes with Argon2id (RFC 9106); verifies that and what other systems made: Argon2 of any variant,
/// bcrypt, scrypt and PBKDF2, with costs within caps.
///
/// Passwords are hashed in NFKC form. Where a hash was made elsewhere the text is tried as typed too.
pub struct Argon2Hasher {
    pool: Pool,
    cost: Argon2Cost,
    /// What passwords of unknown accounts are compared with.
    dummy: Arc<PasswordHash>,
}

/// The pool could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system gave no thread.
    #[error("a hashing thread could not be started")]
    Thread(#[source] std::io::Error),
    /// The operating system gave no randomness.
    #[error("there is no randomness for a first hash")]
    Randomness,
}

impl Argon2Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`StartError`] when there are no threads or no randomness.
    pub fn start(config: HasherConfig) -> Result<Self, StartError> {
        let dummy = of_nobody(config.cost).map_err(|_| StartError::Randomness)?;
        let pool = Pool::start(&config).map_err(StartError::Thread)?;
        Ok(Self { pool, cost: config.cost, dummy: Arc::new(dummy) })
    }

    /// What the pool has to do, and what it has done.
    pub fn load(&self) -> HashLoad {
        self.pool.load()
    }

    /// A hash at the present cost.
    const fn present(&self) -> Work {
        Work::Hash(self.cost.memory_kib as usize)
    }
}

impl fmt::Debug for Argon2Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    fn take_place(&self) -> Result<HashPlace, HashError> {
        self.pool.take_place().map(HashPlace::held_by)
    }

    fn check(&self, hash: &PasswordHash) -> Result<(), HashError> {
        let stored = Stored::parse(hash.as_str())?;
        self.pool.check(Work::Hash(stored.blocks()))
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashError> {
        self.rehash(password.password()).await
    }

    async fn rehash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let (password, cost) = (normal_form(password), self.cost);
        self.pool.run(self.present(), move |scratch| hash(password.expose_secret(), cost, scratch)).await
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        let (password, cost) = (password.clone(), self.cost);
        let Some(hash) = hash else {
            let dummy = Arc::clone(&self.dummy);
            self.pool.run(self.present(), move |scratch| verify(&password, &dummy, cost, scratch)).await?;
            return Ok(Verification::Mismatch);
        };
        let work = Work::Hash(Stored::parse(hash.as_str())?.blocks());
        self.pool.run(work, move |scratch| verify(&password, &hash, cost, scratch)).await
    }

    async fn strength(&self, password: &NewPassword, context: &[String]) -> Result<Strength, HashError> {
        let (password, context) = (normal_form(password.password()), context.to_vec());
        self.pool.run(Work::Estimate, move |_| Ok(strength(password.expose_secret(), &context))).await
    }
}

/// What a hash of an unknown password looks like. That takes as long to compare with as a real one, and none
/// to make: a start waits for nothing.
fn of_nobody(cost: Argon2Cost) -> Result<PasswordHash, EntropyError> {
    let (mut salt, mut tag) = ([0; SALT_BYTES], [0; TAG_BYTES]);
    OsEntropy.fill(&mut salt)?;
    OsEntropy.fill(&mut tag)?;
    Ok(PasswordHash::new(stored::written(&salt, &tag, cost)))
}

fn normal_form(password: &Password) -> Password {
    password.normalised().unwrap_or_else(|| password.clone())
}

fn hash(password: &str, cost: Argon2Cost, scratch: &mut Scratch) -> Result<PasswordHash, HashError> {
    let mut salt = [0; SALT_BYTES];
    OsEntropy.fill(&mut salt).map_err(|_| HashError::Failed)?;
    stored::make(password, &salt, cost, scratch).map(PasswordHash::new)
}

fn verify(
    password: &Password,
    hash: &PasswordHash,
    cost: Argon2Cost,
    scratch: &mut Scratch,
) -> Result<Verification, HashError> {
    let stored = Stored::parse(hash.as_str())?;
    let present = stored.is_present(cost);
    let normal = password.normalised();
    let normal_text = normal.as_ref().unwrap_or(password).expose_secret();
    let matches = stored.matches(normal_text, scratch)?
        // Whatever made a foreign hash hashed what was typed.
        || (!present && normal.is_some() && stored.matches(password.expose_secret(), scratch)?);
    // Where the old hash saw only the beginning, hashing anew would make whatever end was typed this
    // time, slips included, the password.
    let outdated = !present && stored.covers(normal_text);
    Ok(if matches { Verification::Match { outdated } } else { Verification::Mismatch })
}

fn strength(password: &str, context: &[String]) -> Strength {
    let cut = |text: &str| Zeroizing::new(text.chars().take(ESTIMATED_CHARS).collect::<String>());
    let context: Vec<Zeroizing<String>> = context.iter().map(|word| cut(word)).collect();
    let words: Vec<&str> = context.iter().map(|word| word.as_str()).collect();
    match zxcvbn::zxcvbn(&cut(password), &words).score() {
        zxcvbn::Score::Zero => Strength::None,
        zxcvbn::Score::One => Strength::Weak,
        zxcvbn::Score::Two => Strength::Fair,
        zxcvbn::Score::Three => Strength::Good,
        _ => Strength::Strong,
    }
}
