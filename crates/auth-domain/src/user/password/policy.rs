//! What a new password must be.

use super::{NewPassword, Password, blocklist, folded};
use crate::{
    port::Strength,
    tenant::TenantId,
    user::{Email, FullName},
};

/// The rules for new passwords. They do not apply at login: old passwords keep working.
///
/// **Length buys freedom.** Below [`LONG`](PasswordPolicy::LONG) characters all four classes are
/// demanded, because the clients of this API know those rules and short passwords need them; from
/// there on only the blocklist, the context words and the strength estimate count, as NIST
/// SP 800-63B-4 §3.1.1.2 and ASVS 6.2.5 ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_chars: usize,
}

/// The policy asks for less than is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the minimum is at least {} and at most {} characters",
    PasswordPolicy::FLOOR,
    PasswordPolicy::MAX_CHARS
)]
pub struct InvalidPolicy;

/// Why a password was refused. The first rule broken is the one reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer characters than the policy asks for.
    #[error("at least {min} characters are needed")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
    /// More than [`PasswordPolicy::MAX_CHARS`] characters: refused, never cut.
    #[error("at most {} characters are allowed", PasswordPolicy::MAX_CHARS)]
    TooLong,
    /// A short password without a letter a–z.
    #[error("a lowercase letter is missing")]
    NoLowercase,
    /// A short password without a letter A–Z.
    #[error("an uppercase letter is missing")]
    NoUppercase,
    /// A short password without a digit.
    #[error("a digit is missing")]
    NoDigit,
    /// A short password without one of [`PasswordPolicy::SPECIAL`].
    #[error("a special character is missing")]
    NoSpecial,
    /// On the list of common passwords, or one of them with decoration.
    #[error("the password is one of the most common ones")]
    Common,
    /// Made of the person's own address, name or tenant.
    #[error("the password contains the account's own name or address")]
    Personal,
    /// Guessable within 10^6 tries by a model of how people choose.
    #[error("the password is too easy to guess")]
    Guessable,
    /// Known from a breach of another service.
    #[error("the password is known from a breach")]
    Breached,
}

impl PasswordPolicy {
    /// No policy may ask for fewer characters than this (ASVS 6.2.1).
    pub const FLOOR: usize = 8;
    /// The default minimum, known to existing clients.
    pub const DEFAULT_MIN: usize = 9;
    /// Longest allowed, in characters. At least 64 must be allowed (ASVS 6.2.9).
    pub const MAX_CHARS: usize = 256;
    /// From this length on there are no composition rules.
    pub const LONG: usize = 15;
    /// What counts as a special character in a short password.
    pub const SPECIAL: &str = "!@#$%^&*(),.?\":{}|<>";
    /// Lowest strength accepted: "somewhat guessable" is refused, "safely unguessable" starts above.
    pub const MIN_STRENGTH: Strength = Strength::Fair;

    /// A policy with `min_chars` as the least length.
    ///
    /// # Errors
    /// [`InvalidPolicy`] below [`FLOOR`](Self::FLOOR) or above [`MAX_CHARS`](Self::MAX_CHARS).
    pub const fn new(min_chars: usize) -> Result<Self, InvalidPolicy> {
        if min_chars < Self::FLOOR || min_chars > Self::MAX_CHARS {
            return Err(InvalidPolicy);
        }
        Ok(Self { min_chars })
    }

    /// Applies every rule that needs nothing but the password. The rules that need to know the
    /// account, or to estimate, follow in the use case.
    ///
    /// # Errors
    /// The first [`WeakPassword`] rule broken: length, lower, upper, digit, special, common.
    pub fn admit(&self, password: Password) -> Result<NewPassword, WeakPassword> {
        let normalised = password.normalised();
        let text = normalised.as_ref().unwrap_or(&password).expose_secret();
        let length = text.chars().count();
        if length < self.min_chars {
            return Err(WeakPassword::TooShort { min: self.min_chars });
        }
        if length > Self::MAX_CHARS {
            return Err(WeakPassword::TooLong);
        }
        if length < Self::LONG {
            check_classes(text)?;
        }
        if blocklist::is_common(text) || is_trivial_sequence(text) {
            return Err(WeakPassword::Common);
        }
        Ok(NewPassword(password))
    }

    /// Refuses a password made of the account's own words.
    ///
    /// # Errors
    /// [`WeakPassword::Personal`].
    pub fn check_context(&self, password: &NewPassword, words: &[String]) -> Result<(), WeakPassword> {
        let text = folded(password.password().expose_secret()).into_owned();
        let mut rest = text.clone();
        for word in words {
            rest = rest.replace(word.as_str(), "");
        }
        // A word inside a long password is harmless; a password that is little more than it is not.
        let left = rest.chars().filter(|c| c.is_alphabetic()).count();
        if rest.len() < text.len() && left < Self::FLOOR { Err(WeakPassword::Personal) } else { Ok(()) }
    }

    /// Refuses what a guesser would find soon.
    ///
    /// # Errors
    /// [`WeakPassword::Guessable`].
    pub fn check_strength(&self, strength: Strength) -> Result<(), WeakPassword> {
        if strength < Self::MIN_STRENGTH { Err(WeakPassword::Guessable) } else { Ok(()) }
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_chars: Self::DEFAULT_MIN }
    }
}

fn check_classes(text: &str) -> Result<(), WeakPassword> {
    let has = |class: fn(char) -> bool| text.chars().any(class);
    if !has(|c| c.is_ascii_lowercase()) {
        Err(WeakPassword::NoLowercase)
    } else if !has(|c| c.is_ascii_uppercase()) {
        Err(WeakPassword::NoUppercase)
    } else if !has(char::is_numeric) {
        Err(WeakPassword::NoDigit)
    } else if !has(|c| PasswordPolicy::SPECIAL.contains(c)) {
        Err(WeakPassword::NoSpecial)
    } else {
        Ok(())
    }
}

/// Whether the password is one character repeated, or counts up or down all the way.
fn is_trivial_sequence(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let mut steps = codes.windows(2).map(|pair| pair[1] - pair[0]);
    steps.next().is_some_and(|first| first.abs() <= 1 && steps.all(|step| step == first))
}

/// The words of an account that its password must not be made of, folded, three characters or more.
pub(crate) fn context_words(tenant: &TenantId, email: &Email, name: Option<&FullName>) -> Vec<String> {
    let mut words: Vec<String> = vec![email.as_str().to_owned(), email.local_part().to_owned()];
    let sources = [tenant.as_str(), email.as_str(), name.map_or("", FullName::as_str)];
    for source in sources {
        add_words(&mut words, source);
    }
    words
}

/// Adds the words of a text to those that a password must not be made of.
pub(crate) fn add_words(words: &mut Vec<String>, source: &str) {
    let folded = folded(source);
    words.extend(folded.split(|c: char| !c.is_alphanumeric()).map(ToOwned::to_owned));
    words.retain(|word| word.chars().count() >= 3);
    // Longest first: taking "ada" out of "ada.lovelace" would leave the rest unrecognised.
    words.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    words.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(text: &str) -> Result<(), WeakPassword> {
        PasswordPolicy::default().admit(Password::new(text.to_owned())).map(|_| ())
    }

    #[test]
    fn short_passwords_need_four_classes_and_report_the_first_missing() {
        assert_eq!(admit("Ab1!"), Err(WeakPassword::TooShort { min: 9 }));
        assert_eq!(admit("VQ7#MLW2X"), Err(WeakPassword::NoLowercase));
        assert_eq!(admit("vq7#mlw2x"), Err(WeakPassword::NoUppercase));
        assert_eq!(admit("VqX#mLwyx"), Err(WeakPassword::NoDigit));
        assert_eq!(admit("Vq7_mLw-x"), Err(WeakPassword::NoSpecial));
        assert_eq!(admit("Vq7#mLw2x"), Ok(()));
    }

    #[test]
    fn length_buys_freedom_and_is_counted_in_normalised_characters() {
        assert_eq!(admit("plain words only here"), Ok(()));
        assert_eq!(admit("e\u{301}té à la mer bleue"), Ok(()));
        assert_eq!(admit(&"e\u{301}".repeat(8)), Err(WeakPassword::TooShort { min: 9 }));
        assert_eq!(admit("😀😃😄😁😆😅😂"), Err(WeakPassword::TooShort { min: 9 }));
        let long = |chars: usize| (0..).map(|n: u32| char::from(b'a' + (n * n % 25) as u8)).take(chars);
        for (chars, verdict) in [(64, Ok(())), (256, Ok(())), (257, Err(WeakPassword::TooLong))] {
            assert_eq!(admit(&long(chars).collect::<String>()), verdict, "{chars}");
        }
    }

    #[test]
    fn common_passwords_and_sequences_are_refused_at_any_length() {
        for text in ["Password1!", "aaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrs", "9876543210/.-,+*"] {
            assert_eq!(admit(text), Err(WeakPassword::Common), "{text}");
        }
    }

    #[test]
    fn a_password_made_of_the_account_is_refused() {
        let policy = PasswordPolicy::default();
        let email = Email::parse("alice.wonderland@looking-glass.com").unwrap();
        let words =
            context_words(&TenantId::default(), &email, Some(&FullName::parse("Alice Liddell").unwrap()));
        let check =
            |text: &str| policy.check_context(&policy.admit(Password::new(text.to_owned())).unwrap(), &words);
        assert_eq!(check("alice.wonderland2026!!"), Err(WeakPassword::Personal));
        assert_eq!(check("Alice.Wonderland@looking-glass.com"), Err(WeakPassword::Personal));
        assert_eq!(check("Liddell#4711"), Err(WeakPassword::Personal));
        assert_eq!(check("alice found a key under the table"), Ok(()));
    }

    #[test]
    fn the_floor_holds() {
        assert_eq!(PasswordPolicy::new(7), Err(InvalidPolicy));
        assert!(PasswordPolicy::new(8).is_ok());
    }
}
