//! What everything that signs and verifies access tokens must do.

use auth_domain::{
    id::{SessionId, UserId},
    port::{KeyError, KeyFactory, KeyRing, TokenSigner, TokenVerifier},
    secret::Sealed,
    tenant::TenantId,
    token::{AccessClaims, AuthMethod, SigningKey, TokenRejected},
};
use chrono::{DateTime, TimeDelta, Utc};

/// Runs the contract of token signers, verifiers, rings and factories against what `make` gives: an
/// empty ring with key pairs, a leeway of 30 seconds and a longest life of at least 30 minutes.
#[macro_export]
macro_rules! tokens_contract {
    ($make:expr) => {
        $crate::plain_cases! { $make; tokens;
            signs_nothing_without_an_active_key reads_back_what_it_signed refuses_every_change
            refuses_what_is_no_token holds_the_times a_key_signs_from_activation_to_retirement
            the_newest_active_key_signs a_retired_key_verifies a_key_taken_out_verifies_no_more
            publishes_every_key_without_its_secret keeps_the_ring_when_a_key_does_not_open
        }
    };
}

/// All sides of access tokens.
pub trait Tokens: TokenSigner + TokenVerifier + KeyRing + KeyFactory {}
impl<T: TokenSigner + TokenVerifier + KeyRing + KeyFactory> Tokens for T {}

/// The time of the cases: 2026-01-01T12:00:00Z.
pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default()
}

/// Complete claims, issued at `now` for half an hour.
pub fn claims(now: DateTime<Utc>) -> AccessClaims {
    AccessClaims {
        subject: UserId::from_i64(774_123_456_789),
        tenant: TenantId::default(),
        session: Some(SessionId::from_i64(774_123_456_790)),
        id: Some("AAECAwQFBgcICQoLDA0ODw".to_owned()),
        issued_at: Some(now),
        expires_at: now + TimeDelta::minutes(30),
        authenticated_at: Some(now - TimeDelta::minutes(5)),
        methods: vec![AuthMethod::Password],
    }
}

/// Makes a key that signs from `activates_at` and lets no other into the ring.
fn only_key(tokens: &impl Tokens, activates_at: DateTime<Utc>) -> SigningKey {
    let key = tokens.generate(activates_at, activates_at).expect("makes a key");
    tokens.install(std::slice::from_ref(&key)).expect("installs");
    key
}

fn signed(tokens: &impl Tokens, now: DateTime<Utc>) -> String {
    tokens.sign(&claims(now), now).expect("signs").expose_secret().to_owned()
}

/// An empty ring, and one whose keys do not sign yet, refuse to sign.
pub fn signs_nothing_without_an_active_key(tokens: &impl Tokens) {
    assert!(matches!(tokens.sign(&claims(noon()), noon()), Err(KeyError::NoActiveKey)));
    only_key(tokens, noon() + TimeDelta::seconds(1));
    assert!(matches!(tokens.sign(&claims(noon()), noon()), Err(KeyError::NoActiveKey)));
}

/// What was signed verifies and says the same.
pub fn reads_back_what_it_signed(tokens: &impl Tokens) {
    only_key(tokens, noon());
    assert_eq!(tokens.verify(&signed(tokens, noon()), noon()), Ok(claims(noon())));
}

/// A token with any character changed, or cut anywhere, is refused.
pub fn refuses_every_change(tokens: &impl Tokens) {
    only_key(tokens, noon());
    let token = signed(tokens, noon());
    for at in 0..token.len() {
        for other in ["A", "z", "7", "_", "."] {
            if token[at..].starts_with(other) {
                continue;
            }
            let mut changed = token.clone();
            changed.replace_range(at..=at, other);
            assert!(tokens.verify(&changed, noon()).is_err(), "{other} at {at}");
        }
        assert!(tokens.verify(&token[..at], noon()).is_err(), "cut at {at}");
    }
    for longer in [format!("{token}A"), format!("{token}="), format!("{token}."), format!(" {token}")] {
        assert!(tokens.verify(&longer, noon()).is_err(), "{longer}");
    }
}

/// Anything else is refused, whatever it is; a refresh token is told apart.
pub fn refuses_what_is_no_token(tokens: &impl Tokens) {
    only_key(tokens, noon());
    for text in ["", ".", "..", "a.b.c", "....", "{}", "null", "\0.\0.\0", "é.é.é", &".".repeat(1_000_000)]
    {
        assert!(tokens.verify(text, noon()).is_err());
    }
    let refresh = format!("rt_{}", "A".repeat(43));
    assert_eq!(tokens.verify(&refresh, noon()), Err(TokenRejected::WrongType));
}

/// Tokens expire, do not work early, and one leeway holds at both ends.
pub fn holds_the_times(tokens: &impl Tokens) {
    only_key(tokens, noon() - TimeDelta::days(1));
    let token = signed(tokens, noon());
    let at = |seconds: i64| tokens.verify(&token, noon() + TimeDelta::seconds(seconds)).map(|_| ());
    assert_eq!(at(-31), Err(TokenRejected::NotYetValid));
    assert_eq!(at(-30), Ok(()));
    assert_eq!(at(1800 + 29), Ok(()));
    assert_eq!(at(1800 + 30), Err(TokenRejected::Expired));
    assert_eq!(at(1_000_000_000), Err(TokenRejected::Expired));
}

/// A key signs from the moment it activates until the moment it retires.
pub fn a_key_signs_from_activation_to_retirement(tokens: &impl Tokens) {
    let mut key = only_key(tokens, noon());
    key.retires_at = Some(noon() + TimeDelta::seconds(10));
    tokens.install(&[key]).expect("installs");
    let signs = |seconds: i64| {
        let now = noon() + TimeDelta::seconds(seconds);
        tokens.sign(&claims(now), now).is_ok()
    };
    assert_eq!([signs(-1), signs(0), signs(9), signs(10)], [false, true, true, false]);
}

/// Of several active keys the newest signs, in whatever order they came.
pub fn the_newest_active_key_signs(tokens: &impl Tokens) {
    let day = TimeDelta::days(1);
    let old = tokens.generate(noon() - day, noon() - day).expect("makes a key");
    let new = tokens.generate(noon(), noon()).expect("makes a key");
    let next = tokens.generate(noon(), noon() + day).expect("makes a key");
    for ring in [[&old, &new, &next], [&next, &new, &old]] {
        tokens.install(&ring.map(SigningKey::clone)).expect("installs");
        let token = signed(tokens, noon());
        tokens.install(std::slice::from_ref(&new)).expect("installs");
        assert!(tokens.verify(&token, noon()).is_ok());
        tokens.install(&[old.clone(), next.clone()]).expect("installs");
        assert_eq!(tokens.verify(&token, noon()), Err(TokenRejected::UnknownKey));
    }
}

/// A key that signs no more still verifies what it signed.
pub fn a_retired_key_verifies(tokens: &impl Tokens) {
    let mut key = only_key(tokens, noon());
    let token = signed(tokens, noon());
    key.retires_at = Some(noon() + TimeDelta::seconds(1));
    tokens.install(&[key]).expect("installs");
    assert!(tokens.verify(&token, noon() + TimeDelta::minutes(5)).is_ok());
}

/// Once a key is out of the ring, what it signed is refused.
pub fn a_key_taken_out_verifies_no_more(tokens: &impl Tokens) {
    only_key(tokens, noon());
    let token = signed(tokens, noon());
    assert!(tokens.verify(&token, noon()).is_ok());
    only_key(tokens, noon());
    assert_eq!(tokens.verify(&token, noon()), Err(TokenRejected::UnknownKey));
}

/// The JWKS names every key of the ring, those to come included, and no private member.
pub fn publishes_every_key_without_its_secret(tokens: &impl Tokens) {
    let keys =
        [noon(), noon() + TimeDelta::days(1)].map(|at| tokens.generate(noon(), at).expect("makes a key"));
    tokens.install(&keys).expect("installs");
    let published = tokens.published();
    assert_eq!(published.len(), 2);
    for (jwk, key) in published.iter().zip(&keys) {
        let jwk: serde_json::Value = serde_json::from_str(jwk).expect("a JWK is JSON");
        assert_eq!(jwk["kid"], key.id.as_str());
        assert_eq!(jwk["alg"], key.algorithm.as_str());
        assert_eq!(jwk["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(jwk.get(private).is_none(), "{private}");
        }
    }
}

/// A ring with a key that does not open changes nothing.
pub fn keeps_the_ring_when_a_key_does_not_open(tokens: &impl Tokens) {
    only_key(tokens, noon());
    let token = signed(tokens, noon());
    let mut foreign = tokens.generate(noon(), noon()).expect("makes a key");
    foreign.private = Sealed::from_bytes(vec![1, 2, 3]);
    assert!(
        matches!(tokens.install(&[foreign.clone()]), Err(KeyError::Sealed(id)) if id == foreign.id.as_str())
    );
    assert!(tokens.verify(&token, noon()).is_ok());
    assert_eq!(tokens.published().len(), 1);
}
