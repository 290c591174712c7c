//! The id by which a request is found again.

use std::{cell::Cell, rc::Rc};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use auth_domain::port::Entropy;

use crate::app::Gate;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the client's own, if it is harmless, or a new one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Rc<str>);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap, gate: &Gate) -> Self {
        let own =
            headers.get(&X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_harmless(text));
        own.map_or_else(|| Self::mint(gate), |text| Self(text.into()))
    }

    /// A new id: the time, so that ids sort, and what tells this one from all others.
    fn mint(gate: &Gate) -> Self {
        let micros = gate.clock.now().timestamp_micros();
        Self(format!("{micros:014x}-{:016x}", number(&*gate.entropy)).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn put(&self, headers: &mut HeaderMap) {
        // Both origins of an id allow letters, digits and hyphens only, which always are a value.
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(X_REQUEST_ID, value);
        }
    }
}

thread_local! {
    /// What the ids of this worker count on from.
    static NEXT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A number that no other worker gives out at the same time, here or elsewhere: each counts from chance on. Nothing is
/// safe because nobody can guess it.
fn number(entropy: &dyn Entropy) -> u64 {
    let number = NEXT.get().unwrap_or_else(|| {
        let mut random = [0; 8];
        // An id made of the time alone still serves; who lacks randomness learns it elsewhere.
        let _ = entropy.fill(&mut random);
        u64::from_le_bytes(random)
    });
    // Far apart, so that eyes tell neighbours from each other; odd, so that all numbers have their turn.
    NEXT.set(Some(number.wrapping_add(0x9e37_79b9_7f4a_7c15)));
    number
}

/// `[A-Za-z0-9-]{8,64}`
fn is_harmless(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_kept() {
        for good in ["12345678", "a-B-0-1-2-3", &"x".repeat(64)] {
            assert!(is_harmless(good), "{good}");
        }
        for bad in ["1234567", &"x".repeat(65), "abc def ghi", "abcdefg\u{e9}", "<script>", "abcd_efgh"] {
            assert!(!is_harmless(bad), "{bad}");
        }
    }
}
