//! The id by which a request is found again.

use std::rc::Rc;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

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

    /// A new id: the time, so that ids sort, and chance.
    fn mint(gate: &Gate) -> Self {
        let mut random = [0u8; 8];
        // An id made of the time alone still serves; who lacks randomness learns it elsewhere.
        let _ = gate.entropy.fill(&mut random);
        let micros = gate.clock.now().timestamp_micros();
        Self(format!("{micros:014x}-{:016x}", u64::from_le_bytes(random)).into())
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
