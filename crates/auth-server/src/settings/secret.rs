//! How good a configured secret is.

/// Fewer characters are guessable: 32 hexadecimal digits are 128 bits, the least that a key needs.
const LEAST_CHARS: usize = 32;
/// Chance does not repeat itself this much; `aaaa…` and `12341234…` do.
const LEAST_DIFFERENT: usize = 8;

/// What templates, tutorials and the manual say in the place of a secret. All of it can be read by
/// everybody, whatever its length.
const MARKS: &[&str] = &[
    "change-me",
    "change_me",
    "changeme",
    "changethis",
    "do-not-use",
    "example",
    "in-production",
    "never-use",
    "replace-me",
    "test-only",
    "your-secret",
    "your_secret",
    "yoursecret",
];

/// Whether `secret` is too short or too regular to be of chance.
pub(crate) fn is_weak(secret: &str) -> bool {
    let mut different: Vec<char> = secret.chars().collect();
    let length = different.len();
    different.sort_unstable();
    different.dedup();
    length < LEAST_CHARS || different.len() < LEAST_DIFFERENT
}

/// Whether `secret` stands in a published template, and so is known to everybody.
pub(crate) fn is_published(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_are_strong() {
        for good in [
            "bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE=",
            "3f9a1c0b7e6d5a4f8b2c9d0e1f3a5b7c",
            "local-development-only-do-not-use-in-production",
        ] {
            assert!(!is_weak(good), "{good}");
        }
        for weak in ["", "your-secret-key", &"a".repeat(64), &"1234567".repeat(10)] {
            assert!(is_weak(weak), "{weak}");
        }
    }

    #[test]
    fn published_secrets_are_known() {
        for known in [
            "local-development-only-do-not-use-in-production",
            "test-only-secret-key-never-use-this-in-production-0001",
            "your-secret-key",
            "ChangeMe-ChangeMe-ChangeMe-ChangeMe",
        ] {
            assert!(is_published(known), "{known}");
        }
        assert!(!is_published("bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE="));
    }
}
