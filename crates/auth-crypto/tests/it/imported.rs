//! Hashes that other systems made: argon2-cffi 25.1.0 with its defaults, bcrypt 5.0.0, Django, passlib, and OpenSSL
//! (through Python's hashlib).

use auth_crypto::{Argon2Hasher, HasherConfig};
use auth_domain::{
    port::{HashError, PasswordHasher, Verification},
    user::PasswordHash,
};
use auth_testkit::contract::hasher::typed;

const HASHES: [(&str, &str); 16] = [
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
    // As Django writes them.
    (
        "Correct-Horse-7!",
        "argon2$argon2id$v=19$m=65536,t=3,p=4$811c/n6FN5vtJSLyubE7/g$KSh3Tu8XRme/J9s8V0wBRc09zRVd1wprMT7oa+vyUGw",
    ),
    ("Correct-Horse-7!", "bcrypt$$2b$10$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO"),
    ("lètmein", "pbkdf2_sha256$100000$seasalt$BNZ6eyaNc8qFTJPjrAq99hSYb73EgAdytAtdBg2Sdcc="),
    (
        "lètmein",
        "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
    ),
    ("hunter2 ok", "pbkdf2_sha1$1000$Na3C5DVe$HERXo1KpKD9vzC0Djq5pq637iks="),
    // As passlib does.
    ("password", "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44"),
    ("hunter2 ok", "$pbkdf2-sha256$1000$8PHy8/T19vf4.fr7/P3./w$Zkn7ed1zAxFbF5TjzYJVdOSkx2taz.GX7VeSQ.pIHbk"),
    (
        "hunter2 ok",
        "$pbkdf2-sha512$1000$8PHy8/T19vf4.fr7/P3./w$ngzY9xYk8rAOKxUy5t1XXUZfU.SWJsJcjN9mHWX5EG5xUmSGn7ZNrwAR0YWZa/QB.dqDgRTT5FQWEbvwSm7QdA",
    ),
    ("hunter2 ok", "$pbkdf2$1000$8PHy8/T19vf4.fr7/P3./w$W8EyH/WIq57Yg2Y2y2nN5fmXmVE"),
    // As the PHC writes them.
    (
        "hunter2 ok",
        "$pbkdf2-sha256$i=1000,l=32$8PHy8/T19vf4+fr7/P3+/w$Zkn7ed1zAxFbF5TjzYJVdOSkx2taz+GX7VeSQ+pIHbk",
    ),
    (
        "hunter2 ok",
        "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$L1IgeJNTuT/xfOvwul7k7V0REB3ZrJ7xFQfMttp/WEc",
    ),
    (
        "hunter2 ok",
        "scrypt$1024$Na3C5DVe$8$1$NhBPyf8MCV0IuZpoG5v7qB5Vg6QfOzfQtWPkZ5r1Lbj94Co3ZRjGLbafLjqQjEp7D3SZMY1knqXnKeVj6BKBBg==",
    ),
];

const SALT: &str = "c2FsdHNhbHRzYWx0c2FsdA";
const KEY: &str = "L1IgeJNTuT/xfOvwul7k7V0REB3ZrJ7xFQfMttp/WEc";

async fn verdict(hasher: &Argon2Hasher, hash: &str) -> Result<Verification, HashError> {
    let hash = PasswordHash::new(hash);
    let checked = hasher.check(&hash);
    let verified = hasher.verify(&typed("Correct-Horse-7!"), Some(hash)).await;
    assert_eq!(verified.err(), checked.err(), "it is known before whether it can be verified");
    verified
}

/// A hash from elsewhere cannot exhaust the machine.
#[tokio::test]
async fn a_hash_beyond_the_caps_is_refused_before_any_work() {
    let hasher = Argon2Hasher::start(HasherConfig::insecure_for_tests()).unwrap();
    for costs in [
        "$argon2id$v=19$m=262145,t=1,p=1",
        "$argon2id$v=19$m=4294967295,t=1,p=1",
        "$argon2id$v=19$m=19456,t=17,p=1",
        "$argon2id$v=19$m=19456,t=2,p=17",
        "$scrypt$ln=20,r=8,p=1",
        "$scrypt$ln=18,r=9,p=1",
        "$scrypt$ln=10,r=8,p=5000",
        "$scrypt$ln=14,r=8,p=300",
        "$scrypt$ln=63,r=8,p=1",
        "$scrypt$ln=4294967296,r=1,p=1",
        "$scrypt$ln=10,r=4294967295,p=4294967295",
        "$pbkdf2-sha256$i=5000001",
        "$pbkdf2-sha512$99999999999",
        "pbkdf2_sha256$5000001",
    ] {
        let refused = verdict(&hasher, &format!("{costs}${SALT}${KEY}")).await;
        assert_eq!(refused, Err(HashError::TooDear), "{costs}");
    }
    let dear = [
        "$2b$16$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO",
        "scrypt$1048576$salt$8$1$L1IgeJNTuT/xfOvwul7k7V0REB3ZrJ7xFQfMttp/WEc=",
    ];
    for dear in dear {
        assert_eq!(verdict(&hasher, dear).await, Err(HashError::TooDear), "{dear}");
    }
}

#[tokio::test]
async fn what_only_looks_like_a_hash_is_none() {
    let hasher = Argon2Hasher::start(HasherConfig::insecure_for_tests()).unwrap();
    for costs in [
        "$scrypt$ln=10,r=8",
        "$scrypt$r=8,ln=10,p=1",
        "$scrypt$ln=10,r=0,p=1",
        "$scrypt$ln=10,r=8,p=0",
        "$scrypt$ln=0,r=8,p=1",
        "$scrypt$ln=+10,r=8,p=1",
        "$pbkdf2-sha256$i=0",
        "$pbkdf2-sha256$",
        "$pbkdf2-md5$1000",
        "$pbkdf2sha256$1000",
        "$pbkdf3$1000",
        "pbkdf2_md5$1000",
        "sha256$1000",
        "$argon2id$v=19$m=19456,t=2,p=0",
    ] {
        let refused = verdict(&hasher, &format!("{costs}${SALT}${KEY}")).await;
        assert_eq!(refused, Err(HashError::Unreadable), "{costs}");
    }
    for hash in [
        format!("scrypt$1000${SALT}$8$1${KEY}="),
        format!("scrypt$1${SALT}$8$1${KEY}="),
        format!("$scrypt$ln=10,r=8,p=1${SALT}$c2hvcnQ"),
        format!("$scrypt$ln=10,r=8,p=1${SALT}${}", "A".repeat(400)),
        format!("$scrypt$ln=10,r=8,p=1$${KEY}"),
        format!("$scrypt$ln=10,r=8,p=1${SALT}${KEY}$more"),
        format!("$scrypt$ln=10,r=8,p=1${SALT}$*"),
        "bcrypt_sha256$$2b$10$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO".to_owned(),
        "$2x$10$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO".to_owned(),
        "$2b$03$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO".to_owned(),
    ] {
        assert_eq!(verdict(&hasher, &hash).await, Err(HashError::Unreadable), "{hash}");
    }
}

/// What one hash may take is also bound by what all may take together.
#[tokio::test]
async fn a_hash_beyond_the_budget_is_refused() {
    let small = HasherConfig { memory_kib: 32 * 1024, ..HasherConfig::insecure_for_tests() };
    let hasher = Argon2Hasher::start(small).unwrap();
    let dear = format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${KEY}");
    assert_eq!(verdict(&hasher, &dear).await, Err(HashError::TooDear));
    assert_eq!(
        verdict(&hasher, &format!("$scrypt$ln=16,r=8,p=1${SALT}${KEY}")).await,
        Err(HashError::TooDear)
    );
    let cheap = format!("$scrypt$ln=14,r=8,p=1${SALT}${KEY}");
    assert_eq!(verdict(&hasher, &cheap).await, Ok(Verification::Mismatch));
}

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
