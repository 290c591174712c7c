//! Access tokens without cryptography worth the name.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use auth_domain::{
    id::{SessionId, UserId},
    port::{KeyError, KeyFactory, KeyRing, PublicJwk, TokenSigner, TokenVerifier},
    secret::{AccessToken, Sealed},
    tenant::TenantId,
    token::{AccessClaims, AuthMethod, JwtAlgorithm, KeyId, SigningKey, TokenExpectations, TokenRejected},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{digest_of, hex, lock, unhex};

/// Signs `fake.<kid>.<hex of claims>.<digest>` with the keys of its ring. Clones share the ring.
#[derive(Clone, Debug)]
pub struct FakeTokens {
    keys: Arc<Mutex<Vec<SigningKey>>>,
    made: Arc<AtomicU64>,
    algorithm: JwtAlgorithm,
    expectations: TokenExpectations,
}

impl FakeTokens {
    /// An empty ring: nothing can be signed before [`install`](KeyRing::install).
    pub fn empty() -> Self {
        Self {
            keys: Arc::default(),
            made: Arc::default(),
            algorithm: JwtAlgorithm::EdDsa,
            expectations: TokenExpectations {
                issuer: "https://fake.example.com".to_owned(),
                audience: "fake".to_owned(),
                leeway: TokenExpectations::DEFAULT_LEEWAY,
            },
        }
    }

    /// The keys in the ring.
    pub fn keys(&self) -> Vec<SigningKey> {
        lock(&self.keys).clone()
    }

    /// Signs whatever JSON a test wants to see refused, with the newest key.
    ///
    /// # Panics
    /// When the ring is empty.
    pub fn forge(&self, claims: &Value) -> String {
        let keys = lock(&self.keys);
        let key = keys.last().expect("the ring has a key");
        compact(key, claims)
    }
}

impl Default for FakeTokens {
    /// A ring with one key that signs since ever.
    fn default() -> Self {
        let tokens = Self::empty();
        let key = tokens.make(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        lock(&tokens.keys).push(key);
        tokens
    }
}

impl FakeTokens {
    fn make(&self, now: DateTime<Utc>, activates_at: DateTime<Utc>) -> SigningKey {
        let number = self.made.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let secret = digest_of(&[&number, &now.timestamp_micros().to_be_bytes()]);
        let id = hex(&digest_of(&[&secret])[..8]);
        SigningKey {
            public_jwk: json!({ "kty": "fake", "kid": id, "use": "sig", "alg": "EdDSA" }).to_string(),
            id: KeyId::new(id),
            algorithm: self.algorithm,
            private: Sealed::from_bytes(secret.to_vec()),
            created_at: now,
            activates_at,
            retires_at: None,
        }
    }
}

impl TokenSigner for FakeTokens {
    fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<AccessToken, KeyError> {
        let keys = lock(&self.keys);
        let active = keys
            .iter()
            .filter(|key| key.activates_at <= now && key.retires_at.is_none_or(|at| at > now))
            .max_by_key(|key| key.activates_at)
            .ok_or(KeyError::NoActiveKey)?;
        Ok(AccessToken::new(compact(active, &to_json(claims))))
    }
}

impl TokenVerifier for FakeTokens {
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenRejected> {
        if token.starts_with("rt_") {
            return Err(TokenRejected::WrongType);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let ["fake", kid, body, _] = parts[..] else {
            return Err(TokenRejected::Malformed);
        };
        let keys = lock(&self.keys);
        let key = keys.iter().find(|key| key.id.as_str() == kid).ok_or(TokenRejected::UnknownKey)?;
        let json = unhex(body).ok_or(TokenRejected::Malformed)?;
        if seal(key, &json) != token {
            return Err(TokenRejected::BadSignature);
        }
        let claims = from_json(&serde_json::from_slice(&json).map_err(|_| TokenRejected::Malformed)?)?;
        claims.check_times(now, self.expectations.leeway)?;
        Ok(claims)
    }

    fn expectations(&self) -> &TokenExpectations {
        &self.expectations
    }
}

impl KeyRing for FakeTokens {
    fn install(&self, keys: &[SigningKey]) -> Result<(), KeyError> {
        if let Some(bad) = keys.iter().find(|key| key.private.as_bytes().len() != 32) {
            return Err(KeyError::Sealed(bad.id.to_string()));
        }
        *lock(&self.keys) = keys.to_vec();
        Ok(())
    }

    fn published(&self) -> Vec<PublicJwk> {
        lock(&self.keys).iter().map(|key| key.public_jwk.clone()).collect()
    }
}

impl KeyFactory for FakeTokens {
    fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    fn generate(&self, now: DateTime<Utc>, activates_at: DateTime<Utc>) -> Result<SigningKey, KeyError> {
        Ok(self.make(now, activates_at))
    }
}

fn compact(key: &SigningKey, claims: &Value) -> String {
    seal(key, claims.to_string().as_bytes())
}

fn seal(key: &SigningKey, json: &[u8]) -> String {
    let digest = digest_of(&[key.private.as_bytes(), json]);
    format!("fake.{}.{}.{}", key.id, hex(json), hex(&digest))
}

fn to_json(claims: &AccessClaims) -> Value {
    json!({
        "sub": claims.subject.to_string(),
        "tenant_id": claims.tenant.as_str(),
        "type": "access",
        "sid": claims.session.map(SessionId::as_i64),
        "jti": claims.id,
        "iat": claims.issued_at.map(|at| at.timestamp()),
        "exp": claims.expires_at.timestamp(),
        "auth_time": claims.authenticated_at.map(|at| at.timestamp()),
        "amr": claims.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>(),
    })
}

fn from_json(json: &Value) -> Result<AccessClaims, TokenRejected> {
    let time = |name: &str| json[name].as_i64().and_then(|at| DateTime::from_timestamp(at, 0));
    if json["type"] != "access" {
        return Err(TokenRejected::WrongType);
    }
    let subject = json["sub"].as_str().ok_or(TokenRejected::NoSubject)?;
    let methods = json["amr"].as_array().ok_or(TokenRejected::BadClaim("amr"))?;
    Ok(AccessClaims {
        subject: subject.parse::<UserId>().map_err(|_| TokenRejected::BadClaim("sub"))?,
        tenant: json["tenant_id"]
            .as_str()
            .and_then(|name| TenantId::parse(name).ok())
            .ok_or(TokenRejected::BadClaim("tenant_id"))?,
        session: json["sid"].as_i64().map(SessionId::from_i64),
        id: json["jti"].as_str().map(ToOwned::to_owned),
        issued_at: time("iat"),
        expires_at: time("exp").ok_or(TokenRejected::BadClaim("exp"))?,
        authenticated_at: time("auth_time"),
        methods: methods.iter().filter_map(|m| m.as_str()?.parse::<AuthMethod>().ok()).collect(),
    })
}
