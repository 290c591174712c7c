//! What every [`SecretBox`] and [`KeyedHash`] must do.

use auth_domain::{
    port::{KeyPurpose, KeyedHash, SecretBox},
    secret::Sealed,
};

/// Runs the contract of secret boxes and keyed hashes against what `make` gives.
#[macro_export]
macro_rules! cipher_contract {
    ($make:expr) => {
        $crate::plain_cases! { $make; cipher;
            opens_what_it_sealed binds_the_context refuses_every_change seals_no_value_twice_alike
            labels_what_it_seals
            separates_the_purposes separates_the_parts hashes_alike_every_time
        }
    };
}

/// Sealed values open to what they were.
pub fn opens_what_it_sealed(cipher: &impl SecretBox) {
    for plain in [&b""[..], b"x", &[0; 1000]] {
        let sealed = cipher.seal("t|c|1", plain).expect("seals");
        assert_eq!(cipher.open("t|c|1", &sealed).expect("opens").as_slice(), plain);
    }
}

/// A value moved to another place does not open.
pub fn binds_the_context(cipher: &impl SecretBox) {
    let sealed = cipher.seal("t|c|1", b"value").expect("seals");
    for other in ["t|c|2", "t|c|", "t|c|11", ""] {
        assert!(cipher.open(other, &sealed).is_err(), "{other}");
    }
}

/// A value with any bit changed, or cut anywhere, does not open.
pub fn refuses_every_change(cipher: &impl SecretBox) {
    let sealed = cipher.seal("t|c|1", b"value").expect("seals");
    for at in 0..sealed.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(cipher.open("t|c|1", &Sealed::from_bytes(bytes)).is_err(), "byte {at} bit {bit}");
        }
        let cut = Sealed::from_bytes(sealed.as_bytes()[..at].to_vec());
        assert!(cipher.open("t|c|1", &cut).is_err(), "cut at {at}");
    }
    let longer = Sealed::from_bytes([sealed.as_bytes(), b"x"].concat());
    assert!(cipher.open("t|c|1", &longer).is_err());
}

/// One value sealed twice looks different: no nonce is used twice.
pub fn seals_no_value_twice_alike(cipher: &impl SecretBox) {
    let mut all: Vec<Vec<u8>> =
        (0..200).map(|_| cipher.seal("t|c|1", b"value").expect("seals").as_bytes().to_vec()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 200);
}

/// Whatever is sealed begins with the label of the key that seals, wherever it is to live.
pub fn labels_what_it_seals(cipher: &impl SecretBox) {
    let labels = cipher.labels();
    for (context, plain) in [("t|c|1", &b"value"[..]), ("t|c|2", b""), ("", &[0; 1000])] {
        let sealed = cipher.seal(context, plain).expect("seals");
        assert_eq!(sealed.label(), labels.first().copied());
    }
    let mut different = labels.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), labels.len(), "two keys of the ring share a label");
}

/// The same message hashes differently for each purpose.
pub fn separates_the_purposes(keys: &impl KeyedHash) {
    let purposes = [
        KeyPurpose::LockKey,
        KeyPurpose::RefreshSuccessor,
        KeyPurpose::OneTimeCode,
        KeyPurpose::StateName,
        KeyPurpose::Csrf,
        KeyPurpose::Cursor,
    ];
    let mut hashes = purposes.map(|purpose| keys.mac(purpose, &[b"message"]));
    hashes.sort_unstable();
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
}

/// Where one part ends and the next begins changes the hash.
pub fn separates_the_parts(keys: &impl KeyedHash) {
    let messages: [&[&[u8]]; 7] =
        [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"], &[b"c", b"ab"], &[]];
    let mut hashes: Vec<[u8; 32]> =
        messages.iter().map(|message| keys.mac(KeyPurpose::LockKey, message)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), messages.len());
}

/// The same message hashes alike every time.
pub fn hashes_alike_every_time(keys: &impl KeyedHash) {
    let hash = || keys.mac(KeyPurpose::RefreshSuccessor, &[b"one", b"two"]);
    assert_eq!(hash(), hash());
}
