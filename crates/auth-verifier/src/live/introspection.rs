//! Asking the server about each token (RFC 7662).

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    LiveCheck, LiveCheckFailed,
    memory::{Digest, Memory},
};
use crate::{
    claims::Claims,
    compact::object,
    http::{Endpoint, Failure, HttpConfig, HttpConfigError},
};

/// Tokens of which an answer is remembered.
const MOST_REMEMBERED: usize = 10_000;

/// What to do with a good token when the server cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Refuse it for now.
    #[default]
    Refuse,
    /// Take it: a revoked session then goes on until its token expires, for as long as the server is away.
    Accept,
}

/// How the server is asked.
#[derive(Clone)]
pub struct IntrospectionConfig {
    /// Where it is asked.
    pub url: String,
    /// The key of this service, with the scope `tokens:introspect`, in the tenant of the tokens.
    pub api_key: Zeroizing<String>,
    /// The tenant of the key, if it is not `default`.
    pub tenant: Option<String>,
    /// For how long an answer is believed: a revoked session is refused after this at the latest.
    pub believe: Duration,
    /// What to do when there is no answer.
    pub on_failure: OnFailure,
    /// How the server is reached.
    pub http: HttpConfig,
}

impl IntrospectionConfig {
    /// The server at `base`, like `https://auth.example.com`: answers are believed for five seconds, and
    /// without one a token is refused.
    pub fn at(base: &str, api_key: &str) -> Self {
        Self {
            url: format!("{}/api/auth/introspect", base.trim_end_matches('/')),
            api_key: Zeroizing::new(api_key.to_owned()),
            tenant: None,
            believe: Duration::from_secs(5),
            on_failure: OnFailure::default(),
            http: HttpConfig::default(),
        }
    }
}

impl fmt::Debug for IntrospectionConfig {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionConfig")
            .field("url", &self.url)
            .field("tenant", &self.tenant)
            .field("believe", &self.believe)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}

/// Asks the server, and remembers its answers for a moment.
pub struct Introspection {
    endpoint: Endpoint,
    api_key: Zeroizing<String>,
    tenant: String,
    on_failure: OnFailure,
    memory: Mutex<Memory>,
}

/// The members of an answer that are looked at.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    sub: Option<String>,
    sid: Option<u64>,
}

impl Introspection {
    /// Prepares to ask. Connects when the first token comes.
    ///
    /// # Errors
    /// [`HttpConfigError`].
    pub fn new(config: IntrospectionConfig) -> Result<Self, HttpConfigError> {
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let tenant = config.tenant.unwrap_or_else(|| "default".to_owned());
        if !visible(&config.api_key) || !visible(&tenant) {
            return Err(HttpConfigError::ApiKey);
        }
        Ok(Self {
            endpoint: Endpoint::new(&config.url, &config.http)?,
            api_key: config.api_key,
            tenant,
            on_failure: config.on_failure,
            memory: Mutex::new(Memory::new(config.believe, MOST_REMEMBERED)),
        })
    }

    async fn ask(&self, token: &str, claims: &Claims) -> Result<bool, Failure> {
        let headers = [
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-api-key", self.api_key.as_str()),
            ("x-tenant-id", self.tenant.as_str()),
        ];
        // A token whose shape was checked needs no escaping.
        let body = format!("token={token}&token_type_hint=access_token");
        let answer = self.endpoint.ask(&headers, Some(body)).await?;
        let answer: Answer = object(&answer).ok_or(Failure::Garbage)?;
        // An answer about another token is no answer.
        let same = answer.sub.is_some_and(|sub| sub == claims.user_id.to_string())
            && answer.sid == claims.session_id;
        Ok(answer.active && same)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // An answer is whole or not there, even if somebody panicked.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LiveCheck for Introspection {
    async fn is_live(&self, token: &str, claims: &Claims) -> Result<bool, LiveCheckFailed> {
        let (name, asked) = (digest_of(token), Instant::now());
        let known = self.memory().recall(&name, asked);
        if let Some(live) = known {
            return Ok(live);
        }
        match self.ask(token, claims).await {
            Ok(live) => {
                self.memory().note(name, live, asked);
                Ok(live)
            }
            Err(failure) => {
                tracing::warn!(%failure, "the authentication server cannot be asked about a session");
                match self.on_failure {
                    OnFailure::Refuse => Err(LiveCheckFailed),
                    OnFailure::Accept => Ok(true),
                }
            }
        }
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

fn digest_of(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}
