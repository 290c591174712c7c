//! Hashes that the service before this one made: argon2-cffi 25.1.0 with its defaults, bcrypt 5.0.0.

use auth_crypto::{Argon2Hasher, HasherConfig};
use auth_domain::{
    port::{PasswordHasher, Verification},
    user::PasswordHash,
};
use auth_testkit::contract::hasher::typed;

const HASHES: [(&str, &str); 4] = [
    (
        "Correct-Horse-7!",
        "$argon2id$v=19$m=65536,t=3,p=4$811c/n6FN5vtJSLyubE7/g$KSh3Tu8XRme/J9s8V0wBRc09zRVd1wprMT7oa+vyUGw",
    ),
    ("Correct-Horse-7!", "$2b$10$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO"),
    (
        "Café-Terrace-9!",
        "$argon2id$v=19$m=65536,t=3,p=4$fFTHL9T9ip0cXb0d+/DYZQ$MAMv0UQoCR5/popGOBg6zSU+u21PZWus2Kro/kYdQMU",
    ),
    ("Café-Terrace-9!", "$2b$10$kVK55LWFJYZztzqWeVmnD.akZ49dFC.KiwSynXcwyRI79UKZYLt4K"),
];

#[tokio::test]
async fn an_imported_hash_matches_and_is_outdated() {
    let hasher = Argon2Hasher::start(HasherConfig::insecure_for_tests()).unwrap();
    for (password, hash) in HASHES {
        let right = hasher.verify(&typed(password), Some(PasswordHash::new(hash))).await;
        assert_eq!(right, Ok(Verification::Match { outdated: true }), "{hash}");
        let wrong = hasher.verify(&typed(&format!("{password}!")), Some(PasswordHash::new(hash))).await;
        assert_eq!(wrong, Ok(Verification::Mismatch), "{hash}");
    }
}

/// bcrypt saw 72 bytes; hashing anew would make whatever was typed after them the password.
#[tokio::test]
async fn a_hash_that_saw_only_the_beginning_is_kept() {
    let hasher = Argon2Hasher::start(HasherConfig::insecure_for_tests()).unwrap();
    let hash = PasswordHash::new("$2b$05$I0LzT634c2v/KkO835F0W.mWzyBoeyPPkH8ToICPXnQom/eeJ6J2a");
    let verdict = hasher.verify(&typed(&"L0ng-pass!".repeat(8)), Some(hash)).await;
    assert_eq!(verdict, Ok(Verification::Match { outdated: false }));
}
