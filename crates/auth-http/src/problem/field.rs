//! One thing that is wrong with one field, in the words that clients of this API know.

use auth_domain::user::password::{PasswordPolicy, WeakPassword};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// An entry of the list that a 422 carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// The stable name of the rule.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where: `["body", "email"]`.
    loc: Vec<Place>,
    /// A sentence.
    msg: String,
    /// What was sent; left out for passwords, tokens and codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Value>,
    /// The numbers and words that `msg` speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

/// A step on the way to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A part of the request or a field's name.
    Name(String),
    /// A position in the body's text.
    At(usize),
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::At(position) => serializer.serialize_u64(*position as u64),
        }
    }
}

impl From<&str> for Place {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Place {
    fn from(position: usize) -> Self {
        Self::At(position)
    }
}

impl FieldError {
    /// An error of rule `kind` at `part` (`body`, `path` or `query`), without an echo of the input.
    pub fn new(kind: &'static str, part: &str, msg: impl Into<String>) -> Self {
        Self { kind, loc: vec![part.into()], msg: msg.into(), input: None, ctx: None }
    }

    /// A required field is not there.
    pub fn missing(part: &str, field: &str) -> Self {
        Self::new("missing", part, "Field required").at(field)
    }

    /// A rule of our own is broken: `Value error, …`.
    pub fn value(part: &str, field: &str, msg: &str) -> Self {
        Self::new("value_error", part, format!("Value error, {msg}"))
            .at(field)
            .with_ctx(json!({ "error": {} }))
    }

    /// Not a text.
    pub fn not_a_string(part: &str, field: &str) -> Self {
        Self::new("string_type", part, "Input should be a valid string").at(field)
    }

    /// A text of fewer than `min` characters.
    pub fn too_short(part: &str, field: &str, min: usize) -> Self {
        Self::new("string_too_short", part, format!("String should have at least {}", characters(min)))
            .at(field)
            .with_ctx(json!({ "min_length": min }))
    }

    /// A text of more than `max` characters.
    pub fn too_long(part: &str, field: &str, max: usize) -> Self {
        Self::new("string_too_long", part, format!("String should have at most {}", characters(max)))
            .at(field)
            .with_ctx(json!({ "max_length": max }))
    }

    /// A new password that the policy refuses. Never echoes it.
    pub fn weak_password(field: &str, why: WeakPassword) -> Self {
        let rule = match why {
            WeakPassword::TooShort { min } => return Self::too_short("body", field, min),
            WeakPassword::TooLong => return Self::too_long("body", field, PasswordPolicy::MAX_CHARS),
            WeakPassword::NoLowercase => "Password must contain at least one lowercase letter",
            WeakPassword::NoUppercase => "Password must contain at least one uppercase letter",
            WeakPassword::NoDigit => "Password must contain at least one digit",
            WeakPassword::NoSpecial => "Password must contain at least one special character",
            WeakPassword::Common => "Password is too common",
            WeakPassword::Personal => {
                "Password must not be made of your name, your email address or the name of this service"
            }
            WeakPassword::Guessable => "Password is too easy to guess",
            WeakPassword::Breached => "Password is known from a data breach; choose another one",
        };
        Self::value("body", field, rule)
    }

    /// Names one more step of the way to the field.
    #[must_use]
    pub fn at(mut self, place: impl Into<Place>) -> Self {
        self.loc.push(place.into());
        self
    }

    /// Echoes what was sent. Never for passwords, tokens or codes; callers outside of
    /// [`Fields`](crate::body::Fields), which cuts and cleans it, have no reason to.
    #[must_use]
    pub fn with_input(mut self, input: Value) -> Self {
        self.input = Some(input);
        self
    }

    /// Adds the numbers and words that the message speaks of.
    #[must_use]
    pub fn with_ctx(mut self, ctx: Value) -> Self {
        self.ctx = Some(ctx);
        self
    }
}

fn characters(count: usize) -> String {
    if count == 1 { "1 character".to_owned() } else { format!("{count} characters") }
}
