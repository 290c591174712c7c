//! E-mail addresses: one canonicalisation, used everywhere (invariant I10).

use std::{borrow::Cow, fmt};

use unicode_normalization::UnicodeNormalization;

/// An address in canonical form: trimmed, lower case, NFC, the domain in Unicode.
///
/// Every lookup, uniqueness rule, limit key and message uses this form and no other, so that two
/// spellings of one mailbox can never become two accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text is no address. The texts are those clients of this API already know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// There is no `@`, or more than one.
    #[error("An email address must have an @-sign.")]
    NoAtSign,
    /// Nothing before the `@`.
    #[error("There must be something before the @-sign.")]
    NoLocalPart,
    /// Nothing after the `@`.
    #[error("There must be something after the @-sign.")]
    NoDomain,
    /// The domain is a single word.
    #[error("The part after the @-sign is not valid. It should have a period.")]
    NoPeriod,
    /// The domain can never receive mail (RFC 6761).
    #[error("The part after the @-sign is a special-use or reserved name that cannot be used with email.")]
    ReservedDomain,
    /// Characters that may not stand before the `@`.
    #[error("The email address contains invalid characters before the @-sign: {0}.")]
    LocalCharacters(String),
    /// Characters that may not stand after the `@`.
    #[error("The part after the @-sign contains invalid characters: {0}.")]
    DomainCharacters(String),
    /// The domain is not a name that can be looked up.
    #[error("The part after the @-sign is not a valid domain name.")]
    Domain,
    /// Periods at an end, or two in a row.
    #[error("An email address cannot have a period at the start, at the end, or two periods in a row.")]
    Periods,
    /// Longer than SMTP can carry (RFC 5321 §4.5.3.1).
    #[error("The email address is too long.")]
    TooLong,
}

/// Names under which no mail is delivered (RFC 6761, RFC 6762, RFC 7686, RFC 9476).
const RESERVED: [&str; 7] = ["alt", "arpa", "invalid", "local", "localhost", "onion", "test"];

impl Email {
    /// Longest address, in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
    pub const MAX_BYTES: usize = 254;
    const MAX_LOCAL_BYTES: usize = 64;

    /// Reads an address as a person types it: `Ada@Example.com`, `Ada <ada@example.com>`.
    ///
    /// Canonicalises first and validates after, so that what was checked is what is kept.
    ///
    /// # Errors
    /// [`InvalidEmail`] says what is wrong, in the words clients know.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let canonical: String = bare_address(text.trim()).nfc().collect::<String>().to_lowercase();
        let (local, domain) = canonical.split_once('@').ok_or(InvalidEmail::NoAtSign)?;
        if domain.contains('@') {
            return Err(InvalidEmail::NoAtSign);
        }
        check_local(local)?;
        let domain = canonical_domain(domain)?;
        if local.len() > Self::MAX_LOCAL_BYTES || local.len() + 1 + domain.len() > Self::MAX_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The canonical address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or(self.0.as_str(), |(local, _)| local)
    }

    /// The address with most of its local part hidden: `ad*@example.com`.
    ///
    /// Two characters stay and a star stands for each other one; a local part of one or two
    /// characters is hidden whole.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        let length = local.chars().count();
        let shown = if length > 2 { 2 } else { 0 };
        let kept: String = local.chars().take(shown).collect();
        format!("{kept}{}@{domain}", "*".repeat(length - shown))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reduces `Name <address>` to the address; anything else stays whole. A name that holds an address or
/// breaks the line is none: who reads it and who uses it must mean the same mailbox.
fn bare_address(text: &str) -> &str {
    let Some((name, rest)) = text.rsplit_once('<') else { return text };
    let is_name = !name.is_empty() && !name.contains(|c: char| c == '@' || c.is_control());
    match rest.strip_suffix('>').filter(|inner| is_name && !inner.contains('>')) {
        Some(inner) => inner.trim(),
        None => text,
    }
}

fn check_local(local: &str) -> Result<(), InvalidEmail> {
    if local.is_empty() {
        return Err(InvalidEmail::NoLocalPart);
    }
    let refused = refused(local, |c| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    });
    if let Some(list) = refused {
        return Err(InvalidEmail::LocalCharacters(list));
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(InvalidEmail::Periods);
    }
    Ok(())
}

fn canonical_domain(domain: &str) -> Result<String, InvalidEmail> {
    if domain.is_empty() {
        return Err(InvalidEmail::NoDomain);
    }
    if let Some(list) = refused(domain, |c| c.is_ascii_alphanumeric() || ".-".contains(c) || !c.is_ascii()) {
        return Err(InvalidEmail::DomainCharacters(list));
    }
    if domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") {
        return Err(InvalidEmail::Periods);
    }
    // UTS 46 with STD3 rules: what DNS can carry, read back in Unicode so that the punycode and the
    // Unicode spelling of one domain are one address.
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail::Domain)?;
    let (unicode, result) = idna::domain_to_unicode(&ascii);
    if result.is_err() || unicode.contains('@') {
        return Err(InvalidEmail::Domain);
    }
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if RESERVED.contains(&last) {
        return Err(InvalidEmail::ReservedDomain);
    }
    if !ascii.contains('.') {
        return Err(InvalidEmail::NoPeriod);
    }
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidEmail::Domain);
    }
    Ok(unicode)
}

/// The characters of `text` that `allowed` refuses, as a list for a message.
fn refused(text: &str, allowed: impl Fn(char) -> bool) -> Option<String> {
    let mut seen: Vec<char> = Vec::new();
    for c in text.chars().filter(|&c| !allowed(c)) {
        if !seen.contains(&c) && seen.len() < 5 {
            seen.push(c);
        }
    }
    (!seen.is_empty()).then(|| seen.into_iter().map(printable).collect::<Vec<_>>().join(", "))
}

fn printable(c: char) -> Cow<'static, str> {
    match c {
        ' ' => Cow::Borrowed("SPACE"),
        '!'..='~' => Cow::Owned(format!("'{c}'")),
        _ => Cow::Owned(format!("U+{:04X}", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Email::parse(text).unwrap().as_str().to_owned()
    }

    #[test]
    fn spellings_of_one_mailbox_are_one_address() {
        for text in [" Ada@Example.COM ", "ada@example.com", "Ada L <ADA@example.com>"] {
            assert_eq!(canonical(text), "ada@example.com");
        }
        assert_eq!(canonical("ada@xn--bcher-kva.example.com"), canonical("ada@BÜCHER.example.com"));
        assert_eq!(canonical("e\u{301}ve@example.com"), canonical("\u{e9}ve@example.com"));
        assert_eq!(canonical("ada+tag@example.com"), "ada+tag@example.com");
    }

    #[test]
    fn refusals_carry_the_texts_clients_know() {
        let reason = |text: &str| Email::parse(text).unwrap_err().to_string();
        assert_eq!(reason("ada"), "An email address must have an @-sign.");
        assert_eq!(reason("ada@host"), "The part after the @-sign is not valid. It should have a period.");
        assert_eq!(
            reason("ada@mail.test"),
            "The part after the @-sign is a special-use or reserved name that cannot be used with email."
        );
        assert_eq!(reason("ada@localhost"), reason("ada@mail.test"));
        assert_eq!(
            reason("a\0b@example.com"),
            "The email address contains invalid characters before the @-sign: U+0000."
        );
    }

    #[test]
    fn tricks_that_reach_a_second_mailbox_are_refused() {
        for text in [
            "victim@good.example.com\u{ff20}evil.example.com",
            "a@x.com,b@x.com",
            "a@x.com\r\nbcc: b@x.com",
            "\"a@x.com b\"@y.com",
            "a b@x.com",
            "a@@x.com",
            "@x.com",
            "a@",
            ".a@x.com",
            "a.@x.com",
            "a..b@x.com",
            "a@x..com",
            "a@.x.com",
            "a@-x.com",
            "a@1.2.3.4",
            "<a@x.com>, b@x.com",
            "a@x.com>",
            "a@x.com <b@x.com>",
            "A\r\nBcc: b <a@x.com>",
            "A\nRCPT TO:<b@x.com>",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@x.com", "a".repeat(65))), Err(InvalidEmail::TooLong));
    }

    #[test]
    fn parsing_a_canonical_address_changes_nothing() {
        for text in ["Ada@Example.COM", "ÄÖ@Bücher.example.org", "o'neil+x@a-b.co"] {
            let once = canonical(text);
            assert_eq!(canonical(&once), once);
        }
    }

    #[test]
    fn masks_like_the_contract() {
        assert_eq!(Email::parse("ada@x.com").unwrap().masked(), "ad*@x.com");
        assert_eq!(Email::parse("ab@x.com").unwrap().masked(), "**@x.com");
    }
}
