//! What every [`PasswordHasher`] must do.
//!
//! That it bounds its work, keeps the caller's runtime free and gives up what nobody waits for shows
//! only in an adapter with a pool; its own tests cover that.

use auth_domain::{
    port::{HashError, PasswordHasher, Strength, Verification},
    user::{NewPassword, Password, PasswordHash, password::PasswordPolicy},
};

/// Runs the contract of password hashers against what `make` gives.
#[macro_export]
macro_rules! hasher_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; hasher;
            verifies_what_it_hashed salts_every_hash verifies_every_character
            knows_one_password_in_all_its_spellings answers_mismatch_without_a_hash
            refuses_hashes_of_unknown_form checks_as_it_verifies rehashes_without_a_policy estimates_strength
        }
    };
}

const TYPED: &str = "Correct-Horse-7!";

/// A password as typed.
pub fn typed(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// A password that the default policy admitted.
///
/// # Panics
/// When the policy does not admit it.
pub fn admitted(text: &str) -> NewPassword {
    PasswordPolicy::default().admit(typed(text)).expect("the policy admits the password of the case")
}

/// The password matches its hash, and the hash is up to date.
pub async fn verifies_what_it_hashed(hasher: impl PasswordHasher) {
    let hash = hasher.hash(&admitted(TYPED)).await.expect("hashes");
    assert!(!hash.as_str().contains(TYPED));
    let same = hasher.verify(&typed(TYPED), Some(hash)).await;
    assert_eq!(same, Ok(Verification::Match { outdated: false }));
}

/// Two hashes of one password differ.
pub async fn salts_every_hash(hasher: impl PasswordHasher) {
    let one = hasher.hash(&admitted(TYPED)).await.expect("hashes");
    let other = hasher.hash(&admitted(TYPED)).await.expect("hashes");
    assert_ne!(one.as_str(), other.as_str());
}

/// Nothing is cut, folded or trimmed (ASVS 6.2.8).
pub async fn verifies_every_character(hasher: impl PasswordHasher) {
    let long = "Long-9! ".repeat(32);
    let pairs = [
        (long.clone(), format!("{}x", &long[..long.len() - 1])),
        (format!("{}a", "Seventy-2! ".repeat(7)), format!("{}b", "Seventy-2! ".repeat(7))),
        (TYPED.to_owned(), TYPED.to_lowercase()),
        (TYPED.to_owned(), format!("{TYPED} ")),
        (format!("{TYPED}\0one"), format!("{TYPED}\0two")),
        (TYPED.to_owned(), String::new()),
    ];
    for (right, wrong) in pairs {
        let hash = hasher.hash(&admitted(&right)).await.expect("hashes");
        assert!(matches!(
            hasher.verify(&typed(&right), Some(hash.clone())).await,
            Ok(Verification::Match { .. })
        ));
        assert_eq!(hasher.verify(&typed(&wrong), Some(hash)).await, Ok(Verification::Mismatch), "{wrong:?}");
    }
}

/// Composed, decomposed and compatibility forms are one password (NIST SP 800-63B-4 §3.1.1.2).
pub async fn knows_one_password_in_all_its_spellings(hasher: impl PasswordHasher) {
    let spellings = ["Café-Terrace-9!", "Cafe\u{301}-Terrace-9!", "Café-Terrace-\u{ff19}!"];
    for set in spellings {
        let hash = hasher.hash(&admitted(set)).await.expect("hashes");
        for used in spellings {
            let same = hasher.verify(&typed(used), Some(hash.clone())).await;
            assert_eq!(same, Ok(Verification::Match { outdated: false }), "{set:?} {used:?}");
        }
        assert_eq!(hasher.verify(&typed("Cafe-Terrace-9!"), Some(hash)).await, Ok(Verification::Mismatch));
    }
}

/// Without a hash nothing matches.
pub async fn answers_mismatch_without_a_hash(hasher: impl PasswordHasher) {
    for text in [TYPED, "", "\0", &"x".repeat(100_000)] {
        assert_eq!(hasher.verify(&typed(text), None).await, Ok(Verification::Mismatch));
    }
}

/// A hash of unknown form is said to be one, and never matches.
pub async fn refuses_hashes_of_unknown_form(hasher: impl PasswordHasher) {
    for text in ["", "plain", "$1$salt$hash", "{SHA}abc", "$", "$argon2id$", "$2b$05$short", TYPED] {
        let verdict = hasher.verify(&typed(TYPED), Some(PasswordHash::new(text))).await;
        assert_eq!(verdict, Err(HashError::Unreadable), "{text:?}");
    }
}

/// What `check` says of a hash is what `verify` finds.
pub async fn checks_as_it_verifies(hasher: impl PasswordHasher) {
    let own = hasher.hash(&admitted(TYPED)).await.expect("hashes");
    for hash in [own, PasswordHash::new("plain"), PasswordHash::new("")] {
        let verified = hasher.verify(&typed("another"), Some(hash.clone())).await;
        assert_eq!(hasher.check(&hash).err(), verified.err(), "{}", hash.as_str());
    }
}

/// Rehashing asks no policy, and gives a hash that is up to date.
pub async fn rehashes_without_a_policy(hasher: impl PasswordHasher) {
    let hash = hasher.rehash(&typed("old")).await.expect("hashes");
    let same = hasher.verify(&typed("old"), Some(hash)).await;
    assert_eq!(same, Ok(Verification::Match { outdated: false }));
}

/// An estimate is given for the longest password too.
pub async fn estimates_strength(hasher: impl PasswordHasher) {
    let long = "k7#Vq w2!".repeat(28);
    let strength = hasher.strength(&admitted(&long), &["ada".to_owned()]).await;
    assert_eq!(strength, Ok(Strength::Strong));
}
