//! A strict reading of JSON (RFC 8259): what is checked is what is used.
//!
//! The parser is `serde_json`; on top of it duplicate names, deep nesting and long arrays are refused. Errors are
//! reported as Python's `json` would, because that is what clients of this API have seen.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, value::Number};

use crate::problem::FieldError;

/// Deepest nesting accepted. No body of this API needs more than two levels.
const MAX_DEPTH: usize = 16;

/// Most items of one array. No body of this API needs more than a few.
const MAX_ITEMS: usize = 100;

const DUPLICATE: &str = "Duplicate object key";
const TOO_DEEP: &str = "Nesting too deep";
const TOO_MANY: &str = "Too many items";

/// Where a text stops to be JSON, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Characters before the place.
    position: usize,
    /// In the words of Python's `json`.
    message: &'static str,
}

impl From<SyntaxError> for FieldError {
    fn from(error: SyntaxError) -> Self {
        Self::new("json_invalid", "body", "JSON decode error")
            .at(error.position)
            .with_input(Value::Object(Map::new()))
            .with_ctx(serde_json::json!({ "error": error.message }))
    }
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// [`SyntaxError`]; also for duplicate names, nesting deeper than [`MAX_DEPTH`], arrays longer than
/// [`MAX_ITEMS`], invalid UTF-8 and lone surrogates.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, SyntaxError> {
    let text = std::str::from_utf8(bytes).map_err(|error| SyntaxError {
        position: String::from_utf8_lossy(&bytes[..error.valid_up_to()]).chars().count(),
        message: "Invalid UTF-8",
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| located(&error, text))
}

/// Reads a value that stands within `depth` arrays and objects.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH { Err(E::custom(TOO_DEEP)) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            if list.len() == MAX_ITEMS {
                return Err(A::Error::custom(TOO_MANY));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            object.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

/// Puts an error of `serde_json` into Python's words and counts characters instead of bytes.
fn located(error: &serde_json::Error, text: &str) -> SyntaxError {
    let said = error.to_string();
    let ours = [DUPLICATE, TOO_DEEP, TOO_MANY].into_iter().find(|ours| said.starts_with(ours));
    let message = ours.unwrap_or_else(|| in_python(&said));
    // `serde_json` names the last byte it looked at, counted from 1, or the last byte of the text.
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = line_start + error.column();
    let looked_at = if error.is_eof() { offset } else { offset.saturating_sub(1) };
    let bytes = &text.as_bytes()[..looked_at.min(text.len())];
    SyntaxError { position: String::from_utf8_lossy(bytes).chars().count(), message }
}

fn in_python(said: &str) -> &'static str {
    const TABLE: [(&str, &str); 14] = [
        ("expected `:`", "Expecting ':' delimiter"),
        ("expected `,`", "Expecting ',' delimiter"),
        ("EOF while parsing a string", "Unterminated string starting at"),
        ("EOF while parsing an object", "Expecting property name enclosed in double quotes"),
        ("EOF while parsing a list", "Expecting ',' delimiter"),
        ("key must be a string", "Expecting property name enclosed in double quotes"),
        ("control character", "Invalid control character at"),
        ("invalid escape", "Invalid \\escape"),
        ("invalid unicode code point", "Invalid \\uXXXX escape"),
        ("lone leading surrogate", "Invalid \\uXXXX escape"),
        ("unexpected end of hex escape", "Invalid \\uXXXX escape"),
        ("trailing characters", "Extra data"),
        ("trailing comma", "Illegal trailing comma before end of array or object"),
        ("number out of range", "Number out of range"),
    ];
    TABLE.iter().find(|(theirs, _)| said.starts_with(theirs)).map_or("Expecting value", |(_, ours)| ours)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(bytes: &[u8]) -> (usize, &'static str) {
        let error = parse(bytes).unwrap_err();
        (error.position, error.message)
    }

    #[test]
    fn reads_what_is_json() {
        let text = r#" {"a": [1, -2, 1.5, true, null], "b": {"c": "\u00e9 \ud83e\udd80 <"}} "#;
        let value = json!({"a": [1, -2, 1.5, true, null], "b": {"c": "é 🦀 <"}});
        assert_eq!(parse(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn says_where_and_why_it_is_not() {
        let table: [(&[u8], usize, &str); 16] = [
            (b"", 0, "Expecting value"),
            (b"{", 1, "Expecting property name enclosed in double quotes"),
            (b"{\"a\":}", 5, "Expecting value"),
            (b"{\"a\" 1}", 5, "Expecting ':' delimiter"),
            (b"{\"a\":1 \"b\":2}", 7, "Expecting ',' delimiter"),
            (b"{a:1}", 1, "Expecting property name enclosed in double quotes"),
            (b"{\"a\":\"x", 7, "Unterminated string starting at"),
            (b"{\"a\":1} x", 8, "Extra data"),
            (b"[1,]", 3, "Illegal trailing comma before end of array or object"),
            (b"{\"\xc3\xa9\":?}", 5, "Expecting value"),
            (b"\"\\q\"", 2, "Invalid \\escape"),
            (b"[1e999]", 5, "Number out of range"),
            (b"{\"a\":\"\xff\"}", 6, "Invalid UTF-8"),
            (b"\xef\xbb\xbf{}", 0, "Expecting value"),
            (b"NaN", 0, "Expecting value"),
            (b"'x'", 0, "Expecting value"),
        ];
        for (text, position, message) in table {
            assert_eq!(refused(text), (position, message), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn refuses_two_members_of_one_name() {
        assert_eq!(refused(br#"{"a":1,"\u0061":2}"#).1, DUPLICATE);
        assert_eq!(refused(br#"{"x":{"a":1,"a":1}}"#).1, DUPLICATE);
    }

    #[test]
    fn refuses_lone_surrogates() {
        for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#"{"\ud800":1}"#] {
            assert_eq!(refused(text.as_bytes()).1, "Invalid \\uXXXX escape", "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_long_before_the_stack_is() {
        assert!(parse(format!("{}{}", "[".repeat(16), "]".repeat(16)).as_bytes()).is_ok());
        for text in ["[".repeat(17), "{\"a\":".repeat(17), "[".repeat(60_000)] {
            assert_eq!(refused(text.as_bytes()).1, TOO_DEEP);
        }
    }

    #[test]
    fn arrays_are_bounded() {
        let items = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(parse(items(MAX_ITEMS).as_bytes()).is_ok());
        assert_eq!(refused(items(MAX_ITEMS + 1).as_bytes()).1, TOO_MANY);
        assert_eq!(refused(format!("{{\"a\":{}}}", items(30_000)).as_bytes()).1, TOO_MANY);
    }
}
