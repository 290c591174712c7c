//! Access tokens of the pool that others present (CG-03, CG-04, CG-05).
//!
//! josekit checks raw signatures and nothing else: what a token says is read and judged here.

mod cache;
mod claims;
mod compact;
mod fetch;
mod key;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use auth_domain::{
    port::{IdentityError, ProviderClaims, ProviderTokens},
    token::TokenRejected,
};
use chrono::{DateTime, Utc};

use self::{
    cache::{Cache, Found},
    claims::Rules,
    compact::Compact,
    fetch::Fetch,
    key::Key,
};
use crate::config::{CognitoConfig, CognitoConfigError};

/// Verifies access tokens of an AWS Cognito user pool.
///
/// The pool's keys are fetched when a token first asks for one, from the address of the configuration;
/// again when a token names a key that is not known, at most once per [`CognitoConfig::keys_pause`]; and
/// behind the callers' backs when they are an hour old. While they cannot be fetched, known ones are
/// believed for [`CognitoConfig::keys_life`].
pub struct CognitoTokens {
    rules: Rules,
    keys: Arc<Keys>,
}

struct Keys {
    cache: Mutex<Cache>,
    fetch: Fetch,
    /// Held while keys are fetched, so that many who miss a key wait for one fetch.
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for CognitoTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CognitoTokens").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl CognitoTokens {
    /// Prepares verifying. Connects when the first token comes.
    ///
    /// # Errors
    /// [`CognitoConfigError`] when the configuration cannot work.
    pub fn new(config: &CognitoConfig) -> Result<Self, CognitoConfigError> {
        config.check()?;
        let keys = Keys {
            cache: Mutex::new(Cache::new(config.keys_pause, config.keys_life)),
            fetch: Fetch::new(config.keys_url(), config.limit),
            fetching: tokio::sync::Mutex::default(),
        };
        let rules = Rules { issuer: config.issuer(), client: config.client_id.clone() };
        Ok(Self { rules, keys: Arc::new(keys) })
    }
}

#[async_trait]
impl ProviderTokens for CognitoTokens {
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<ProviderClaims, IdentityError> {
        let token = Compact::parse(token).map_err(IdentityError::Rejected)?;
        let key = self.keys.find(token.key_id()).await?;
        if !key.verify(token.message(), token.signature()) {
            return Err(IdentityError::Rejected(TokenRejected::BadSignature));
        }
        self.rules.read(token.payload(), now).map_err(IdentityError::Rejected)
    }
}

impl Keys {
    async fn find(self: &Arc<Self>, id: &str) -> Result<Arc<Key>, IdentityError> {
        match self.look_up(id) {
            Found::Fresh(key) => return Ok(key),
            Found::Stale(key) => {
                // Nobody waits for it, and it outlives whoever asked.
                drop(tokio::spawn(Arc::clone(self).renew()));
                return Ok(key);
            }
            Found::Nothing => {}
        }
        // A task of its own: a caller who goes away must not leave the others without keys.
        let renewal = tokio::spawn(Arc::clone(self).renew());
        renewal.await.map_err(|error| IdentityError::Internal(error.into()))?;
        match self.look_up(id) {
            Found::Fresh(key) | Found::Stale(key) => Ok(key),
            Found::Nothing => Err(self.cache().missing()),
        }
    }

    /// Fetches the keys, unless that was done or tried a moment ago.
    async fn renew(self: Arc<Self>) {
        let _alone = self.fetching.lock().await;
        if !self.cache().begin(Instant::now()) {
            return;
        }
        let fetched = self.fetch.keys().await;
        if let Err(why) = &fetched {
            tracing::warn!(why, "the keys of the user pool cannot be fetched");
        }
        self.cache().end(fetched, Instant::now());
    }

    fn look_up(&self, id: &str) -> Found {
        self.cache().look_up(id, Instant::now())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Keys are replaced whole, so they are whole even if somebody panicked.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
