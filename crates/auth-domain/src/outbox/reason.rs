//! Why a message was not handed over, in words fit to be kept and shown.

use std::{error::Error, fmt};

/// This many letters, digits, `-` and `_` in a row may be a token or a key; hardly any word is as long.
const TOKEN_LIKE: usize = 32;
const LEFT_OUT: &str = "[left out]";

/// Why a try failed: for operators, in the outbox and in the log.
///
/// One line of at most [`MAX_CHARS`](Self::MAX_CHARS) characters. A server may repeat what it was sent, so
/// whatever looks like a link, a token or a key is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureReason(String);

impl FailureReason {
    /// Longest kept, in characters.
    pub const MAX_CHARS: usize = 300;

    /// Tells the causes of `error`, or itself if it has none. `secret` is what must not be repeated in any
    /// case: the token or code that was to be sent.
    pub fn of(error: &(dyn Error + 'static), secret: Option<&str>) -> Self {
        let mut text = causes(error);
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, LEFT_OUT);
        }
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c.is_control() || turns_direction(c))
            .filter(|word| !word.is_empty())
            .map(|word| if may_be_secret(word) { LEFT_OUT } else { word })
            .collect();
        Self(shortened(words.join(" ")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What led to `error`, from the nearest cause to the farthest; what an error repeats of its cause stands
/// there once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut next = error.source();
    let Some(first) = next else { return error.to_string() };
    let mut text = first.to_string();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

fn may_be_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_link = lower.contains("://") || lower.contains("www.") || lower.contains("token=");
    let mut parts = word.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    is_link || parts.any(|part| part.len() >= TOKEN_LIKE)
}

/// Whether a character turns the direction of the text around it.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shortened(text: String) -> String {
    if text.chars().count() <= FailureReason::MAX_CHARS {
        return text;
    }
    text.chars().take(FailureReason::MAX_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::SendError;

    fn reason(text: &str, secret: Option<&str>) -> String {
        FailureReason::of(&SendError::Permanent(text.into()), secret).to_string()
    }

    #[test]
    fn says_what_the_server_said() {
        let said = "the mail server refused the recipient: 550 5.1.1 <ada@example.com>: no such user";
        assert_eq!(reason(said, Some("abc")), said);
        let words = "550-5.7.26 d2e1a72fcca58-6a1bb0a2b3.12 gsmtp, see mx-in-17.mail.example.com";
        assert_eq!(reason(words, None), words);
    }

    #[test]
    fn is_one_bounded_line() {
        assert_eq!(reason("a\r\n\tb\u{2028}c\u{0}d\u{202e}e \u{1b}[31mred", None), "a b c d e [31mred");
        let long = reason(&"no ".repeat(500), None);
        assert_eq!(long.chars().count(), FailureReason::MAX_CHARS);
        assert!(long.ends_with('…'), "{long}");
    }

    #[test]
    fn repeats_no_link_no_token_and_not_the_secret() {
        let token = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
        for text in [
            format!("refused for: https://acme.example/verify-email?token={token}"),
            format!("refused for: <HTTPS://acme.example/?t={token}>"),
            format!("refused for: www.acme.example/{token}"),
            format!("refused for: {token}."),
            format!("refused for: x/?token={}", &token[..12]),
        ] {
            assert_eq!(reason(&text, None), "refused for: [left out]");
        }
        assert_eq!(reason("no s3cret, no", Some("s3cret")), "no [left out], no");
        assert_eq!(reason("no", Some("")), "no");
    }

    #[test]
    fn tells_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("connection failed: {0}")]
        struct Outer(#[source] std::io::Error);
        let refused = || Outer(std::io::Error::other("refused"));
        let error = SendError::Temporary(refused().into());
        assert_eq!(FailureReason::of(&error, None).as_str(), "connection failed: refused");
        assert_eq!(FailureReason::of(&std::io::Error::other("alone"), None).as_str(), "alone");
    }
}
