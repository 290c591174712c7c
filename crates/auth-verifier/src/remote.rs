//! The keys that the server publishes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{
    cache::{Ages, Cache, Found},
    http::{Endpoint, Failure, HttpConfig, HttpConfigError},
    key::Key,
    source::{KeySource, KeysUnavailable},
};

/// Where the keys are, and how long they are believed.
#[derive(Clone, Debug)]
pub struct RemoteKeysConfig {
    /// Where they are published.
    pub url: String,
    /// Keys younger than this are used as they are; between this and twice this age they are used and fetched
    /// anew behind the callers' backs; older ones wait for a fetch. So a key that the server takes back is
    /// believed for twice this at most, while the server can be reached.
    pub fresh: Duration,
    /// For how long keys are believed while the server cannot be reached.
    pub life: Duration,
    /// How often tokens that name an unknown key may have the keys fetched.
    pub pause: Duration,
    /// How the server is reached.
    pub http: HttpConfig,
}

impl RemoteKeysConfig {
    /// The keys of the server at `base`, like `https://auth.example.com`: five minutes fresh, believed for 24
    /// hours while the server is away, an unknown key asked for once in ten seconds.
    pub fn at(base: &str) -> Self {
        Self {
            url: format!("{}/.well-known/jwks.json", base.trim_end_matches('/')),
            fresh: Duration::from_mins(5),
            life: Duration::from_hours(24),
            pause: Duration::from_secs(10),
            http: HttpConfig::default(),
        }
    }
}

/// Keys that are fetched from the server when they are needed. Clones share them.
#[derive(Clone, Debug)]
pub struct RemoteKeys(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    cache: Mutex<Cache>,
    endpoint: Endpoint,
    /// Held while keys are fetched, so that many who miss a key wait for one fetch.
    fetching: tokio::sync::Mutex<()>,
}

impl RemoteKeys {
    /// Prepares to fetch. Connects when the first token comes.
    ///
    /// # Errors
    /// [`HttpConfigError`].
    pub fn new(config: RemoteKeysConfig) -> Result<Self, HttpConfigError> {
        let RemoteKeysConfig { url, fresh, life, pause, http } = config;
        let ages = Ages { fresh, stale: fresh.saturating_mul(2), life, pause };
        Ok(Self(Arc::new(Keys {
            cache: Mutex::new(Cache::new(ages)),
            endpoint: Endpoint::new(&url, &http)?,
            fetching: tokio::sync::Mutex::default(),
        })))
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    async fn key(&self, id: &str) -> Result<Option<Key>, KeysUnavailable> {
        let old = match self.0.look_up(id) {
            Found::Fresh(key) => return Ok(Some(key)),
            Found::Stale(key) => {
                // Nobody waits for it, and it outlives whoever asked.
                drop(tokio::spawn(Arc::clone(&self.0).renew()));
                return Ok(Some(key));
            }
            Found::Old(key) => Some(key),
            Found::Nothing => None,
        };
        // A task of its own: a caller who goes away must not leave the others without keys.
        tokio::spawn(Arc::clone(&self.0).renew()).await.map_err(|_| KeysUnavailable)?;
        match (self.0.look_up(id), old) {
            (Found::Fresh(key) | Found::Stale(key) | Found::Old(key), _) => Ok(Some(key)),
            (Found::Nothing, _) => self.0.cache().missing(),
        }
    }
}

impl Keys {
    /// Fetches the keys, unless that was done or tried a moment ago.
    async fn renew(self: Arc<Self>) {
        let _alone = self.fetching.lock().await;
        if !self.cache().begin(Instant::now()) {
            return;
        }
        let fetched = self.fetch().await;
        if let Err(failure) = &fetched {
            tracing::warn!(%failure, "the keys of the authentication server cannot be fetched");
        }
        self.cache().end(fetched.ok(), Instant::now());
    }

    async fn fetch(&self) -> Result<Vec<Key>, Failure> {
        let answer = self.endpoint.ask(&[("accept", "application/json")], None).await?;
        Key::read_set(&answer).map_err(|_| Failure::Garbage)
    }

    fn look_up(&self, id: &str) -> Found {
        self.cache().look_up(id, Instant::now())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Keys are replaced whole, so they are whole even if somebody panicked.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
