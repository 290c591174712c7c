//! A password hasher for outcome tests: instant, and not secure.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::{
    port::{HashError, HashPlace, PasswordHasher, Strength, Verification},
    user::{NewPassword, Password, PasswordHash},
};

use super::{digest_of, hex, lock};

/// What a [`FastHasher`] was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HasherCalls {
    /// Hashes of new passwords made.
    pub hash: u32,
    /// Hashes of known passwords made anew.
    pub rehash: u32,
    /// Comparisons, those against the dummy included.
    pub verify: u32,
    /// Comparisons against the dummy.
    pub dummy: u32,
    /// Estimates.
    pub strength: u32,
}

/// Salted SHA-256 in the form `$fake$v=2$salt$digest`. A hash that begins with `$fake$dear` is too expensive.
/// Clones share counts and settings.
#[derive(Clone, Debug, Default)]
pub struct FastHasher {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    calls: HasherCalls,
    salts: u64,
    strength: Strength,
    overloaded: u32,
    full: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            calls: HasherCalls::default(),
            salts: 0,
            strength: Strength::Strong,
            overloaded: 0,
            full: false,
        }
    }
}

impl FastHasher {
    /// What it was asked for so far.
    pub fn calls(&self) -> HasherCalls {
        lock(&self.state).calls
    }

    /// What [`strength`](PasswordHasher::strength) answers from now on; [`Strength::Strong`] at first.
    pub fn set_strength(&self, strength: Strength) {
        lock(&self.state).strength = strength;
    }

    /// Makes the next `times` calls answer [`HashError::Overloaded`].
    pub fn overload(&self, times: u32) {
        lock(&self.state).overloaded = times;
    }

    /// Says from now on whether there is room for one more hash.
    pub fn set_full(&self, full: bool) {
        lock(&self.state).full = full;
    }

    /// A hash with the present parameters, for builders.
    pub fn hash_of(typed: &str) -> PasswordHash {
        encode(2, "builder", typed)
    }

    /// A hash that verifies and is reported as outdated.
    pub fn outdated_hash_of(typed: &str) -> PasswordHash {
        encode(1, "builder", typed)
    }

    fn enter(&self, count: impl FnOnce(&mut HasherCalls)) -> Result<u64, HashError> {
        let mut state = lock(&self.state);
        count(&mut state.calls);
        if state.overloaded > 0 {
            state.overloaded -= 1;
            return Err(HashError::Overloaded { retry_after: Duration::from_secs(1) });
        }
        state.salts += 1;
        Ok(state.salts)
    }
}

#[async_trait]
impl PasswordHasher for FastHasher {
    fn take_place(&self) -> Result<HashPlace, HashError> {
        if lock(&self.state).full {
            Err(HashError::Overloaded { retry_after: Duration::from_secs(1) })
        } else {
            Ok(HashPlace::unbounded())
        }
    }

    fn check(&self, hash: &PasswordHash) -> Result<(), HashError> {
        read(hash).map(drop)
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashError> {
        let salt = self.enter(|calls| calls.hash += 1)?;
        Ok(encode(2, &salt.to_string(), normal(password.password()).expose_secret()))
    }

    async fn rehash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let salt = self.enter(|calls| calls.rehash += 1)?;
        Ok(encode(2, &salt.to_string(), normal(password).expose_secret()))
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.enter(|calls| {
            calls.verify += 1;
            calls.dummy += u32::from(hash.is_none());
        })?;
        let Some(hash) = hash else {
            return Ok(Verification::Mismatch);
        };
        let (version, salt) = read(&hash)?;
        Ok(if encode(version, salt, normal(password).expose_secret()) == hash {
            Verification::Match { outdated: version == 1 }
        } else {
            Verification::Mismatch
        })
    }

    async fn strength(&self, _: &NewPassword, _: &[String]) -> Result<Strength, HashError> {
        self.enter(|calls| calls.strength += 1)?;
        Ok(lock(&self.state).strength)
    }
}

fn read(hash: &PasswordHash) -> Result<(u8, &str), HashError> {
    match hash.as_str().split('$').collect::<Vec<_>>()[..] {
        ["", "fake", "v=1", salt, _] => Ok((1, salt)),
        ["", "fake", "v=2", salt, _] => Ok((2, salt)),
        ["", "fake", "dear", ..] => Err(HashError::TooDear),
        _ => Err(HashError::Unreadable),
    }
}

fn normal(password: &Password) -> Password {
    password.normalised().unwrap_or_else(|| password.clone())
}

fn encode(version: u8, salt: &str, typed: &str) -> PasswordHash {
    let digest = hex(&digest_of(&[salt.as_bytes(), typed.as_bytes()]));
    PasswordHash::new(format!("$fake$v={version}${salt}${digest}"))
}
