//! Tokens that somebody else made, or changed, or that the server's own key signed by mistake.

use auth_crypto::{JwtKeys, Keys};
use auth_domain::{
    port::{KeyFactory, KeyRing, SecretBox, TokenSigner, TokenVerifier},
    token::{JwtAlgorithm, SigningKey, TokenRejected},
};
use auth_testkit::contract::tokens::{claims, noon};
use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use josekit::{
    jwk::{KeyPair, alg::ed::EdKeyPair},
    jws::{EdDSA, JwsSigner},
};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// A ring of one key, and that key in the hands of a forger.
struct Forge {
    ring: JwtKeys,
    pair: EdKeyPair,
    key: SigningKey,
    token: String,
}

impl Forge {
    fn new() -> Self {
        let ring = crate::ring(JwtAlgorithm::EdDsa);
        let key = ring.generate(noon(), noon()).unwrap();
        ring.install(std::slice::from_ref(&key)).unwrap();
        let place = format!("signing_keys|private|{}", key.id);
        let der = Keys::derive(&crate::secret()).open(&place, &key.private).unwrap();
        let pair = EdDSA.key_pair_from_der(der.as_slice()).unwrap();
        let token = ring.sign(&claims(noon()), noon()).unwrap().expose_secret().to_owned();
        Self { ring, pair, key, token }
    }

    fn header(&self) -> String {
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, self.key.id)
    }

    /// The claims of a good token.
    fn claims(&self) -> Map<String, Value> {
        let payload = URL_SAFE_NO_PAD.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    fn payload(&self) -> String {
        Value::Object(self.claims()).to_string()
    }

    /// Signs with the right key, whatever it is that is signed.
    fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signer = EdDSA.signer_from_der(self.pair.to_der_private_key()).unwrap();
        let signature = signer.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn verify(&self, token: &str) -> Result<(), TokenRejected> {
        self.ring.verify(token, noon()).map(drop)
    }
}

#[test]
fn the_forge_can_make_a_good_token() {
    let forge = Forge::new();
    assert_eq!(forge.verify(&forge.sign(&forge.header(), &forge.payload())), Ok(()));
}

#[test]
fn no_algorithm_but_the_keys_own_is_believed() {
    let forge = Forge::new();
    let parts: Vec<&str> = forge.token.split('.').collect();
    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!(""),
        json!("eddsa"),
        json!("ES256"),
        json!("HS256"),
        json!(null),
        json!(0),
        json!(["EdDSA"]),
    ] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": forge.key.id.as_str()}).to_string();
        assert!(forge.verify(&forge.sign(&header, &forge.payload())).is_err(), "signed, {alg}");
        let header = URL_SAFE_NO_PAD.encode(&header);
        for signature in ["", parts[2]] {
            let token = format!("{header}.{}.{signature}", parts[1]);
            assert!(forge.verify(&token).is_err(), "{alg}, {signature}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let forge = Forge::new();
    let public = [
        forge.pair.to_der_public_key(),
        forge.pair.to_pem_public_key(),
        forge.key.public_jwk.clone().into_bytes(),
        forge.ring.published()[0].clone().into_bytes(),
        Vec::new(),
    ];
    let header = forge.header().replace("EdDSA", "HS256");
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(forge.payload()));
    for key in public {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
        assert_eq!(forge.verify(&token), Err(TokenRejected::UnknownKey));
    }
}

#[test]
fn every_claim_is_required_and_of_its_type() {
    let forge = Forge::new();
    let names: Vec<String> = forge.claims().keys().cloned().collect();
    assert_eq!(names.len(), 12);
    for name in &names {
        let mut without = forge.claims();
        without.remove(name);
        assert!(forge.verify(&forge.sign(&forge.header(), &Value::Object(without).to_string())).is_err());
        for bad in [
            "null",
            "\"\"",
            "\"x y\"",
            "-1",
            "1e300",
            "1.5",
            "1e400",
            "true",
            "[]",
            "[[]]",
            "{}",
            "18446744073709551616",
            "9007199254740992",
            "\"\\u0000\"",
        ] {
            let mut claims = forge.claims();
            claims.insert(name.clone(), json!("THE VALUE"));
            let payload = Value::Object(claims).to_string().replace("\"THE VALUE\"", bad);
            assert!(forge.verify(&forge.sign(&forge.header(), &payload)).is_err(), "{name}: {bad}");
        }
        let twice = forge.payload().replacen('{', &format!("{{\"{name}\":{},", forge.claims()[name]), 1);
        assert_eq!(forge.verify(&forge.sign(&forge.header(), &twice)), Err(TokenRejected::Malformed));
    }
}

#[test]
fn a_key_id_is_looked_up_and_nothing_else() {
    let forge = Forge::new();
    let id = forge.key.id.as_str();
    let others = [
        String::new(),
        "x".repeat(10_000),
        format!("../{id}"),
        format!("{id}/../{id}"),
        format!("{id} "),
        format!("{id}\u{0}"),
        "/dev/null".to_owned(),
        "' OR 1=1 --".to_owned(),
        "https://evil.example/jwks.json".to_owned(),
        id[1..].to_owned(),
        id.to_ascii_uppercase(),
    ];
    for kid in others {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}).to_string();
        assert!(forge.verify(&forge.sign(&header, &forge.payload())).is_err(), "{kid}");
    }
    let other = crate::ring(JwtAlgorithm::EdDsa).generate(noon(), noon()).unwrap();
    let header = forge.header().replace(id, other.id.as_str());
    let rejected = forge.verify(&forge.sign(&header, &forge.payload()));
    assert_eq!(rejected, Err(TokenRejected::UnknownKey));
}

#[test]
fn a_header_has_three_members() {
    let forge = Forge::new();
    for more in [
        r#""crit":[]"#,
        r#""crit":["exp"]"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""jku":"https://x""#,
        r#""x5u":"https://x""#,
        r#""cty":"JWT""#,
        r#""alg":"EdDSA""#,
        r#""kid":"x""#,
        r#""typ":"at+jwt""#,
        &format!(r#""jwk":{}"#, forge.key.public_jwk),
    ] {
        let header = forge.header().replacen('{', &format!("{{{more},"), 1);
        assert_eq!(
            forge.verify(&forge.sign(&header, &forge.payload())),
            Err(TokenRejected::Malformed),
            "{more}"
        );
    }
    for typ in ["JWT", "", "at", "id+jwt", "application/application/at+jwt"] {
        let header = forge.header().replace("at+jwt", typ);
        assert!(forge.verify(&forge.sign(&header, &forge.payload())).is_err(), "{typ}");
    }
}

#[test]
fn a_token_has_one_shape() {
    let forge = Forge::new();
    let [header, payload, signature]: [&str; 3] =
        forge.token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let json_form = json!({"protected": header, "payload": payload, "signature": signature}).to_string();
    for token in [
        format!("{header}.{payload}.{}", URL_SAFE.encode(&raw)),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}\n"),
        format!("Bearer {}", forge.token),
        ".".repeat(1_000_000),
        forge.token.repeat(1000),
        json_form,
    ] {
        assert!(forge.verify(&token).is_err(), "{}", token.chars().take(200).collect::<String>());
    }
}

#[test]
fn a_single_flipped_bit_is_seen() {
    let forge = Forge::new();
    let parts: Vec<Vec<u8>> =
        forge.token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    for part in 0..3 {
        for bit in 0..parts[part].len() * 8 {
            let mut changed = parts.clone();
            changed[part][bit / 8] ^= 1 << (bit % 8);
            let token: Vec<String> = changed.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            assert!(forge.verify(&token.join(".")).is_err(), "bit {bit} of part {part}");
        }
    }
}
