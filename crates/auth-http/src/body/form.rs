//! A strict reading of forms (`application/x-www-form-urlencoded`): what is checked is what is used.

use serde_json::{Map, Value};

use crate::problem::FieldError;

/// Most fields of one form. None of this API has more than a few.
const MAX_FIELDS: usize = 32;

/// Reads a form as an object of texts.
///
/// # Errors
/// What is wrong, without what was sent: a bad escape, text that is not UTF-8, a name given twice, too
/// many fields.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, FormError> {
    let mut object = Map::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let middle = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let name = decoded(&pair[..middle]).ok_or(FormError("Bad escape or not UTF-8"))?;
        let value = pair.get(middle + 1..).unwrap_or_default();
        let value = decoded(value).ok_or(FormError("Bad escape or not UTF-8"))?;
        if object.len() == MAX_FIELDS {
            return Err(FormError("Too many fields"));
        }
        if object.insert(name, Value::String(value)).is_some() {
            return Err(FormError("Field given more than once"));
        }
    }
    Ok(Value::Object(object))
}

/// Why a text is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormError(&'static str);

impl From<FormError> for FieldError {
    fn from(FormError(message): FormError) -> Self {
        Self::new("form_invalid", "body", format!("Form decode error: {message}"))
    }
}

fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_names_and_values() {
        for (text, expected) in [
            ("", json!({})),
            ("a=b", json!({ "a": "b" })),
            ("&a=b&&c=d&", json!({ "a": "b", "c": "d" })),
            ("a=&b&=c", json!({ "a": "", "b": "", "": "c" })),
            ("t=a%2Bb+c%3d&n%5B%5D=%C3%A9%00", json!({ "t": "a+b c=", "n[]": "é\0" })),
            ("a=b=c", json!({ "a": "b=c" })),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_two_readers_could_read_differently() {
        let many = (0..33).map(|number| format!("f{number}=")).collect::<Vec<_>>().join("&");
        for text in ["a=1&a=1", "a=1&%61=2", "a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3", &many] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"a=\xff").is_err());
        assert!(parse(many.rsplit_once('&').unwrap().0.as_bytes()).is_ok());
    }
}
