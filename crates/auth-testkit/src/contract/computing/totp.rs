//! Contract of the codes of authenticator apps.

use auth_domain::{
    factor::{TimeStep, TotpSecret},
    port::TotpGenerator,
};
use chrono::DateTime;

/// Runs the contract of generators against what `make` gives.
#[macro_export]
macro_rules! totp_contract {
    ($make:expr) => {
        $crate::plain_cases! { $make; totp;
            computes_as_rfc_6238_does computes_as_rfc_4226_does takes_all_of_the_secret_and_the_step
        }
    };
}

/// The secret of the test vectors in both documents.
const SECRET: &[u8] = b"12345678901234567890";

fn code(generator: &impl TotpGenerator, secret: &[u8], step: i64) -> String {
    let secret = TotpSecret::from_bytes(secret).expect("a secret has 20 bytes");
    let code = generator.code(&secret, TimeStep::from_i64(step));
    String::from_utf8(code.as_bytes().to_vec()).expect("digits are text")
}

/// RFC 6238, appendix B, for SHA-1. It shows eight digits; six are the last six of them.
pub fn computes_as_rfc_6238_does(generator: &impl TotpGenerator) {
    for (seconds, eight) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        let now = DateTime::from_timestamp(seconds, 0).expect("the time is in range");
        assert_eq!(code(generator, SECRET, TimeStep::at(now).as_i64()), eight[2..], "{seconds}");
    }
}

/// RFC 4226, appendix D: the step is the counter.
pub fn computes_as_rfc_4226_does(generator: &impl TotpGenerator) {
    let codes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, expected) in (0..).zip(codes) {
        assert_eq!(code(generator, SECRET, counter), expected, "{counter}");
    }
}

/// No byte of the secret and no bit of the step is left out.
pub fn takes_all_of_the_secret_and_the_step(generator: &impl TotpGenerator) {
    let codes = |secrets: &[Vec<u8>], step| -> Vec<String> {
        secrets.iter().map(|secret| code(generator, secret, step)).collect()
    };
    let others: Vec<Vec<u8>> = (0..SECRET.len())
        .map(|at| {
            let mut other = SECRET.to_vec();
            other[at] ^= 1;
            other
        })
        .collect();
    // One of twenty may meet another by chance, one in fifty thousand times.
    let mut seen = codes(&others, 1);
    seen.push(code(generator, SECRET, 1));
    seen.extend((1..63).map(|bit| code(generator, SECRET, 1 | 1 << bit)));
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= count - 2, "{} of {count}", seen.len());
}
