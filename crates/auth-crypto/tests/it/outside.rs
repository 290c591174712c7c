//! API keys that are minted outside.

use auth_crypto::{OutsideKeys, OutsideKeysConfig, UnfitPublicKey};
use auth_domain::{
    id::UserId,
    port::{OutsideKey, OutsideKeyAlgorithm, OutsideKeyError, OutsideKeyVerifier},
    tenant::TenantId,
};
use auth_testkit::contract::tokens::noon;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{KeyPair, alg::ec::EcCurve, alg::ed::EdCurve},
    jws::{ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, JwsSigner, RS256, RS384, RS512},
};
use serde_json::{Value, json};

use OutsideKeyAlgorithm as Alg;

/// Whoever mints keys: signs whatever a test wants.
struct Minter {
    algorithm: Alg,
    signer: Box<dyn JwsSigner>,
    public: Option<String>,
}

const SECRET: &str = "a shared secret of 0123456789 and more, long enough for HS512 and its block";

impl Minter {
    fn new(algorithm: Alg) -> Self {
        let pem = |pair: &dyn KeyPair| Some(String::from_utf8(pair.to_pem_public_key()).unwrap());
        let (signer, public): (Box<dyn JwsSigner>, _) = match algorithm {
            Alg::Hs256 => (Box::new(HS256.signer_from_bytes(SECRET).unwrap()), None),
            Alg::Hs384 => (Box::new(HS384.signer_from_bytes(SECRET).unwrap()), None),
            Alg::Hs512 => (Box::new(HS512.signer_from_bytes(SECRET).unwrap()), None),
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 => {
                let pair = RS256.generate_key_pair(2048).unwrap();
                let der = pair.to_der_private_key();
                let signer: Box<dyn JwsSigner> = match algorithm {
                    Alg::Rs256 => Box::new(RS256.signer_from_der(der).unwrap()),
                    Alg::Rs384 => Box::new(RS384.signer_from_der(der).unwrap()),
                    _ => Box::new(RS512.signer_from_der(der).unwrap()),
                };
                (signer, pem(&pair))
            }
            Alg::Es256 => {
                let pair = ES256.generate_key_pair().unwrap();
                (Box::new(ES256.signer_from_der(pair.to_der_private_key()).unwrap()), pem(&pair))
            }
            Alg::Es384 => {
                let pair = ES384.generate_key_pair().unwrap();
                assert_eq!(pair.curve(), EcCurve::P384);
                (Box::new(ES384.signer_from_der(pair.to_der_private_key()).unwrap()), pem(&pair))
            }
            Alg::Es512 => {
                let pair = ES512.generate_key_pair().unwrap();
                (Box::new(ES512.signer_from_der(pair.to_der_private_key()).unwrap()), pem(&pair))
            }
            Alg::EdDsa => {
                let pair = EdDSA.generate_key_pair(EdCurve::Ed25519).unwrap();
                (Box::new(EdDSA.signer_from_der(pair.to_der_private_key()).unwrap()), pem(&pair))
            }
        };
        Self { algorithm, signer, public }
    }

    fn verifier(&self) -> OutsideKeys {
        let secret = Some(SECRET.to_owned()).filter(|_| self.algorithm.is_shared_secret());
        let secret = secret.map(|text| auth_domain::secret::ServerSecret::parse(&text).unwrap());
        OutsideKeys::new(OutsideKeysConfig {
            algorithm: self.algorithm,
            secret,
            public_key: self.public.clone(),
        })
        .unwrap()
    }

    fn mint(&self, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.signer.sign(message.as_bytes()).unwrap()))
    }

    fn header(&self) -> Value {
        json!({ "alg": self.algorithm.as_str(), "typ": "JWT" })
    }

    fn judged(&self, claims: &Value) -> Result<OutsideKey, OutsideKeyError> {
        self.verifier().verify(&self.mint(&self.header(), claims), noon())
    }
}

fn claims() -> Value {
    json!({ "type": "api_key", "sub": "17", "exp": noon().timestamp() + 600 })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn key(tenant: Option<&str>) -> OutsideKey {
    let tenant = tenant.map(|name| TenantId::parse(name).unwrap());
    OutsideKey { subject: UserId::from_i64(17), tenant }
}

#[test]
fn believes_each_algorithm_with_its_own_key() {
    for algorithm in Alg::ALL {
        let minter = Minter::new(algorithm);
        assert_eq!(minter.judged(&claims()), Ok(key(None)), "{algorithm:?}");
        assert_eq!(minter.judged(&with("tenant_id", json!("acme"))), Ok(key(Some("acme"))), "{algorithm:?}");
        let other = Minter::new(algorithm);
        if other.public.is_some() {
            let foreign = other.mint(&other.header(), &claims());
            assert_eq!(minter.verifier().verify(&foreign, noon()), Err(OutsideKeyError::Invalid));
        }
    }
}

/// The classic: a public key taken for the secret of HS256, `none`, and every other name.
#[test]
fn no_algorithm_but_the_configured_one_is_believed() {
    for algorithm in [Alg::Hs256, Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let minter = Minter::new(algorithm);
        let verifier = minter.verifier();
        for alg in ["none", "None", "", "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
            let forged = minter.mint(&json!({ "alg": alg, "typ": "JWT" }), &claims());
            let good = alg == algorithm.as_str();
            assert_eq!(verifier.verify(&forged, noon()).is_ok(), good, "{algorithm:?} as {alg}");
            let unsigned = format!("{}.", forged.rsplit_once('.').unwrap().0);
            assert_eq!(verifier.verify(&unsigned, noon()), Err(OutsideKeyError::Invalid));
        }
        if let Some(public) = &minter.public {
            for secret in [public.as_str(), public.trim()] {
                let forger = Minter {
                    algorithm: Alg::Hs256,
                    signer: Box::new(HS256.signer_from_bytes(secret).unwrap()),
                    public: None,
                };
                for alg in ["HS256", algorithm.as_str()] {
                    let confused = forger.mint(&json!({ "alg": alg, "typ": "JWT" }), &claims());
                    assert_eq!(verifier.verify(&confused, noon()), Err(OutsideKeyError::Invalid), "{alg}");
                }
            }
        }
    }
}

#[test]
fn reads_what_the_key_says_and_nothing_else() {
    let minter = Minter::new(Alg::Hs256);
    assert_eq!(minter.judged(&with("sub", json!(17))), Ok(key(None)));
    assert_eq!(minter.judged(&with("name", json!("reporting"))), Ok(key(None)));
    let past = noon().timestamp() - 31;
    for bad in [
        without("exp"),
        with("exp", json!(past)),
        with("exp", json!("never")),
        with("exp", json!(1e300)),
        with("nbf", json!(noon().timestamp() + 31)),
        with("iat", json!(noon().timestamp() + 31)),
        with("aud", json!("another service")),
        with("tenant_id", json!(7)),
        with("tenant_id", json!("no tenant!")),
    ] {
        assert_eq!(minter.judged(&bad), Err(OutsideKeyError::Invalid), "{bad}");
    }
    for bad in [without("type"), with("type", json!("access")), with("type", json!(["api_key"]))] {
        assert_eq!(minter.judged(&bad), Err(OutsideKeyError::WrongType), "{bad}");
    }
    for bad in [without("sub"), with("sub", json!("")), with("sub", json!("ada")), with("sub", json!(0))] {
        assert_eq!(minter.judged(&bad), Err(OutsideKeyError::NoSubject), "{bad}");
    }
}

#[test]
fn headers_are_read_strictly() {
    let minter = Minter::new(Alg::Hs256);
    let verifier = minter.verifier();
    for (header, good) in [
        (json!({ "alg": "HS256" }), true),
        (json!({ "alg": "HS256", "typ": "jwt", "kid": "1" }), true),
        (json!({ "alg": "HS256", "typ": "at+jwt" }), false),
        (json!({ "alg": "HS256", "crit": [] }), false),
        (json!({ "alg": "HS256", "jwk": {} }), false),
        (json!({ "alg": ["HS256"] }), false),
        (json!({ "typ": "JWT" }), false),
    ] {
        assert_eq!(verifier.verify(&minter.mint(&header, &claims()), noon()).is_ok(), good, "{header}");
    }
    for text in ["", ".", "..", "a.b.c", "ak_12345678_x"] {
        assert_eq!(verifier.verify(text, noon()), Err(OutsideKeyError::Invalid), "{text}");
    }
}

#[test]
fn says_what_is_missing_and_refuses_what_is_no_key() {
    let config = |algorithm, public_key| OutsideKeysConfig { algorithm, secret: None, public_key };
    let bare = |algorithm| OutsideKeys::new(config(algorithm, None)).unwrap().verify("x", noon());
    assert_eq!(bare(Alg::Hs512), Err(OutsideKeyError::NoSecret));
    assert_eq!(bare(Alg::Es256), Err(OutsideKeyError::NoPublicKey));
    let rsa = Minter::new(Alg::Rs256).public;
    for (algorithm, pem) in
        [(Alg::Rs256, Some("no key".to_owned())), (Alg::Es256, rsa.clone()), (Alg::EdDsa, rsa)]
    {
        assert_eq!(OutsideKeys::new(config(algorithm, pem)).err(), Some(UnfitPublicKey), "{algorithm:?}");
    }
}
