//! What of a request may be echoed in an error.

use serde_json::{Map, Value};

/// Longest echo, in characters.
const MAX_CHARS: usize = 100;

/// Parts of names of fields whose content is never echoed, logged or kept.
const SECRET: [&str; 6] = ["password", "token", "code", "secret", "key", "otp"];

/// Whether the content of a field of this name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// The value without its secret members, cut to a bearable length.
pub(super) fn echo(value: &Value) -> Value {
    let clean = without_secrets(value);
    match &clean {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(_) | Value::Object(_) => {
            let text = clean.to_string();
            if text.chars().nth(MAX_CHARS).is_some() { Value::String(cut(&text)) } else { clean }
        }
        _ => clean,
    }
}

/// The same for the fields of an object.
pub(super) fn echo_object(object: &Map<String, Value>) -> Value {
    echo(&Value::Object(clean_object(object)))
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(clean_object(object)),
        Value::Array(items) => Value::Array(items.iter().map(without_secrets).collect()),
        other => other.clone(),
    }
}

fn clean_object(object: &Map<String, Value>) -> Map<String, Value> {
    let open = object.iter().filter(|(name, _)| !is_secret(name));
    open.map(|(name, value)| (name.clone(), without_secrets(value))).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_at_any_depth_and_the_rest_is_cut() {
        let table = [
            (json!({"email": "a@x", "password": "p"}), json!({"email": "a@x"})),
            (json!([{"New_Password": "p", "n": 1}]), json!([{"n": 1}])),
            (json!({"refresh_token": "t", "totp_code": "1", "mfaCode": "2", "client_secret": 3}), json!({})),
            (json!("x".repeat(101)), json!("x".repeat(100))),
            (json!(["y".repeat(200)]), json!(format!("[\"{}", "y".repeat(98)))),
            (json!(7), json!(7)),
            (Value::Null, Value::Null),
        ];
        for (value, shown) in table {
            assert_eq!(echo(&value), shown);
        }
    }
}
