//! The keys in use, and what was found to be signed with them.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_domain::secret::Digest;

use super::{claims::OwnClaims, key::AsymmetricKey};

/// So many tokens of a generation are remembered at most: some 3 MiB.
const AT_MOST: usize = 8192;

/// The keys of one time. Replaced as a whole.
#[derive(Default)]
pub(super) struct Ring {
    keys: Vec<AsymmetricKey>,
    verified: Arc<Verified>,
}

impl Ring {
    /// The ring that follows this one. What was verified is remembered as long as no key goes: a token of a key that
    /// went must not be believed.
    pub(super) fn next(&self, keys: Vec<AsymmetricKey>) -> Self {
        let all_stay = self.keys.iter().all(|old| keys.iter().any(|key| key.id() == old.id()));
        Self { keys, verified: if all_stay { Arc::clone(&self.verified) } else { Arc::default() } }
    }

    pub(super) fn keys(&self) -> &[AsymmetricKey] {
        &self.keys
    }

    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Looks a key up by its id.
    pub(super) fn key(&self, id: &str) -> Option<&AsymmetricKey> {
        self.keys.iter().find(|key| key.id().as_str() == id)
    }
}

/// What tokens say whose signature was found good, under the digest of the whole token: clients send the same token
/// hundreds of times. Times are judged anew each time.
#[derive(Default)]
pub(super) struct Verified(Mutex<Generations>);

/// When the young generation is full, it becomes the old one, and the old one goes.
#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], Arc<OwnClaims>>,
    old: HashMap<[u8; 32], Arc<OwnClaims>>,
}

impl Verified {
    pub(super) fn get(&self, token: &Digest) -> Option<Arc<OwnClaims>> {
        let key = token.as_bytes();
        let mut generations = self.generations();
        if let Some(claims) = generations.young.get(key) {
            return Some(Arc::clone(claims));
        }
        let claims = generations.old.remove(key)?;
        let outlived = generations.put(*key, Arc::clone(&claims));
        drop(generations);
        drop(outlived);
        Some(claims)
    }

    pub(super) fn put(&self, token: &Digest, claims: OwnClaims) {
        let outlived = self.generations().put(*token.as_bytes(), Arc::new(claims));
        // Thousands of tokens: not while others wait for the lock.
        drop(outlived);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // Two maps of good tokens, wherever a panic left them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    /// Gives back what nobody remembers any more.
    fn put(&mut self, key: [u8; 32], claims: Arc<OwnClaims>) -> HashMap<[u8; 32], Arc<OwnClaims>> {
        let mut outlived = HashMap::new();
        if self.young.len() >= AT_MOST {
            outlived = mem::replace(&mut self.old, mem::take(&mut self.young));
        }
        self.young.insert(key, claims);
        outlived
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::{id::UserId, tenant::TenantId, token::AccessClaims};
    use chrono::DateTime;

    use super::*;

    fn claims() -> OwnClaims {
        let (at, subject) = (DateTime::UNIX_EPOCH, UserId::from_i64(1));
        let claims = AccessClaims {
            subject,
            tenant: TenantId::default(),
            session: None,
            id: None,
            issued_at: None,
            expires_at: at,
            authenticated_at: None,
            methods: vec![],
        };
        OwnClaims { claims, not_before: at }
    }

    fn number(n: usize) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    #[test]
    fn what_is_asked_for_is_remembered_and_the_rest_goes() {
        let verified = Verified::default();
        for n in 0..3 * AT_MOST {
            verified.put(&number(n), claims());
            assert!(verified.get(&number(0)).is_some(), "{n}");
        }
        assert!(verified.get(&number(1)).is_none());
        assert!(verified.get(&number(3 * AT_MOST - 1)).is_some());
        let generations = verified.generations();
        assert!(generations.young.len() <= AT_MOST && generations.old.len() <= AT_MOST);
    }
}
