//! Reading fields one by one, gathering everything that is wrong.

mod session;

use std::{borrow::Cow, ops::RangeInclusive};

use actix_web::{HttpRequest, web::Query};
use auth_domain::{
    port::ProviderCode,
    user::{Email, FullName, InvalidName, NewPassword, Password, PhoneNumber, password::WeakPassword},
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Unfit, scrub};
use crate::{
    problem::{FieldError, Problem},
    settings::HttpSettings,
};

/// The fields of a body and the parameters of its request, with the errors found so far.
///
/// Each method reads one field and records what is wrong with it. The content of passwords, tokens and
/// codes leaves the body when it is read and is never echoed.
pub struct Fields<'a> {
    object: Map<String, Value>,
    request: &'a HttpRequest,
    settings: &'a HttpSettings,
    errors: Vec<FieldError>,
    /// Why the request is refused whatever else is wrong with it.
    veto: Option<Unfit>,
}

/// Digits of a code that is sent.
const CODE_CHARS: usize = 6;

/// Longest text that can be a telephone number, in characters: the digits and what people put between.
const PHONE_CHARS: usize = 40;

/// A field was refused; the error is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl<'a> Fields<'a> {
    pub(super) const fn new(
        object: Map<String, Value>,
        request: &'a HttpRequest,
        settings: &'a HttpSettings,
    ) -> Self {
        Self { object, request, settings, errors: Vec::new(), veto: None }
    }

    pub(super) fn finish(self) -> Result<(), Unfit> {
        match self.veto {
            Some(veto) => Err(veto),
            None if self.errors.is_empty() => Ok(()),
            None => Err(Unfit::Fields(self.errors)),
        }
    }

    /// A required text.
    pub fn text(&mut self, name: &str) -> Result<String, Refused> {
        let text = self.required(name)?;
        self.storable(name, text)
    }

    /// A text that may be left out or `null`.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<String>, Refused> {
        match self.optional(name)? {
            Some(text) => self.storable(name, text).map(Some),
            None => Ok(None),
        }
    }

    /// A required e-mail address.
    pub fn email(&mut self, name: &str) -> Result<Email, Refused> {
        let typed = self.required(name)?;
        Email::parse(&typed).map_err(|why| {
            let reason = why.to_string();
            let msg = format!("value is not a valid email address: {reason}");
            let error =
                FieldError::new("value_error", "body", msg).at(name).with_ctx(json!({ "reason": reason }));
            self.refuse(error.with_input(scrub::echo(&Value::String(typed))))
        })
    }

    /// A full name that may be left out or `null`.
    pub fn full_name(&mut self, name: &str) -> Result<Option<FullName>, Refused> {
        let Some(text) = self.optional(name)? else { return Ok(None) };
        FullName::parse(&text).map(Some).map_err(|why| {
            let error = match why {
                InvalidName::TooLong => FieldError::too_long("body", name, FullName::MAX_CHARS),
                InvalidName::Nul => no_nul(name),
            };
            self.refuse(error.with_input(scrub::echo(&Value::String(text))))
        })
    }

    /// A required new password, measured by the policy.
    pub fn new_password(&mut self, name: &str) -> Result<NewPassword, Refused> {
        let password = self.password(name)?;
        self.settings
            .password_policy
            .admit(password)
            .map_err(|why: WeakPassword| self.refuse(FieldError::weak_password(name, why)))
    }

    /// A required password that exists already: any text, since old passwords keep working.
    pub fn password(&mut self, name: &str) -> Result<Password, Refused> {
        self.secret_text(name).map(Password::new)
    }

    /// The same, and empty is refused.
    pub fn password_with_content(&mut self, name: &str) -> Result<Password, Refused> {
        let text = self.secret_text(name)?;
        if text.is_empty() {
            Err(self.refuse(FieldError::too_short("body", name, 1)))
        } else {
            Ok(Password::new(text))
        }
    }

    /// A required list of texts.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, Refused> {
        let Some(value) = self.object.get(name).cloned() else { return Err(self.missing(name)) };
        let texts = match &value {
            Value::Array(items) => items.iter().map(|item| item.as_str().map(ToOwned::to_owned)).collect(),
            _ => None,
        };
        texts.ok_or_else(|| {
            let error =
                FieldError::new("list_type", "body", "Input should be a valid list of strings").at(name);
            self.refuse(error.with_input(scrub::echo(&value)))
        })
    }

    /// A whole number of `range` that may be left out or `null`; `rule` says what it has to be.
    pub fn optional_integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i64>,
        rule: &str,
    ) -> Result<Option<i64>, Refused> {
        let Some(value) = self.object.get(name).filter(|value| !value.is_null()).cloned() else {
            return Ok(None);
        };
        let number = value.as_i64().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.refuse(FieldError::value("body", name, rule).with_input(scrub::echo(&value))))
    }

    /// The key to be validated, in the header that the settings name. Without one there is an answer of its
    /// own; what is no text, and two of them, is no key.
    pub fn shown_key(&mut self) -> Result<SecretString, Refused> {
        let name = &self.settings.api_key_header;
        let mut values = self.request.headers().get_all(name.as_str());
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => {
                Ok(value.to_str().unwrap_or_default().trim().to_owned().into())
            }
            (Some(_), Some(_)) => Ok(String::new().into()),
            _ => {
                let missing = Problem::bad_request("missing_api_key", format!("missing {name} header"));
                self.veto = Some(Unfit::Otherwise(missing));
                Err(Refused)
            }
        }
    }

    /// Whether the body has the field at all, `null` or not.
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A header of the request.
    pub fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name)?.to_str().ok().map(ToOwned::to_owned)
    }

    /// The same, left out or `null` at will.
    pub fn optional_password(&mut self, name: &str) -> Result<Option<Password>, Refused> {
        Ok(self.optional(name)?.map(Password::new))
    }

    /// A required token or code.
    pub fn secret(&mut self, name: &str) -> Result<SecretString, Refused> {
        self.secret_text(name).map(Into::into)
    }

    /// The same, left out or `null` at will.
    pub fn optional_secret(&mut self, name: &str) -> Result<Option<SecretString>, Refused> {
        Ok(self.optional(name)?.map(Into::into))
    }

    /// The same, and an empty one counts as left out.
    pub fn filled_secret(&mut self, name: &str) -> Result<Option<SecretString>, Refused> {
        Ok(self.optional(name)?.filter(|text| !text.is_empty()).map(Into::into))
    }

    /// A required code of the identity provider: any text, for it is theirs to judge.
    pub fn provider_code(&mut self, name: &str) -> Result<ProviderCode, Refused> {
        self.secret_text(name).map(ProviderCode::new)
    }

    /// The same, left out or `null` at will; an empty one counts as left out.
    pub fn optional_provider_code(&mut self, name: &str) -> Result<Option<ProviderCode>, Refused> {
        Ok(self.optional(name)?.filter(|text| !text.is_empty()).map(ProviderCode::new))
    }

    /// A required code of six digits, as it comes by text message or mail.
    pub fn code(&mut self, name: &str) -> Result<SecretString, Refused> {
        let text = self.secret_text(name)?;
        match text.chars().count() {
            CODE_CHARS if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(text.into()),
            CODE_CHARS => {
                Err(self.refuse(FieldError::value("body", name, "MFA code must contain only digits")))
            }
            fewer if fewer < CODE_CHARS => Err(self.refuse(FieldError::too_short("body", name, CODE_CHARS))),
            _ => Err(self.refuse(FieldError::too_long("body", name, CODE_CHARS))),
        }
    }

    /// A required telephone number, international or of the installation's own country.
    pub fn phone(&mut self, name: &str) -> Result<PhoneNumber, Refused> {
        let text = self.required(name)?;
        let readable = text.chars().nth(PHONE_CHARS).is_none();
        let number = readable.then(|| PhoneNumber::read(&text, &self.settings.phone_region).ok()).flatten();
        number.ok_or_else(|| {
            let error = FieldError::value("body", name, "Phone number must be between 10 and 15 digits");
            self.refuse(error.with_input(scrub::echo(&Value::String(text))))
        })
    }

    /// The same, left out or `null` at will.
    pub fn optional_phone(&mut self, name: &str) -> Result<Option<PhoneNumber>, Refused> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.phone(name).map(Some),
        }
    }

    /// A boolean that is `default` when left out, in any of the lax forms: `true`, `1`, `"yes"`, …
    pub fn flag(&mut self, name: &str, default: bool) -> Result<bool, Refused> {
        match self.object.get(name) {
            None => Ok(default),
            Some(value) => self.boolean(name, &value.clone()),
        }
    }

    /// A boolean that may be left out or `null`.
    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Refused> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => self.boolean(name, &value.clone()).map(Some),
        }
    }

    /// An integer in the path, such as an id. `1.0` reads as 1.
    pub fn path_integer(&mut self, name: &str) -> Result<i64, Refused> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        let whole = text.trim().strip_suffix(".0").unwrap_or(text.trim());
        whole.parse().map_err(|_| {
            let msg = "Input should be a valid integer, unable to parse string as an integer";
            let error = FieldError::new("int_parsing", "path", msg).at(name);
            self.refuse(error.with_input(scrub::echo(&json!(text))))
        })
    }

    /// A parameter of the query that may be left out. Given twice it is refused: two readers of one
    /// request could take different ones.
    pub fn query(&mut self, name: &str) -> Result<Option<String>, Refused> {
        let pairs = Query::<Vec<(String, String)>>::from_query(self.request.query_string())
            .map_or_else(|_| Vec::new(), Query::into_inner);
        let mut values = pairs.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => {
                Err(self.refuse(FieldError::value("query", name, "Parameter given more than once")))
            }
            (value, None) => Ok(value),
        }
    }

    /// A required parameter of the query.
    pub fn required_query(&mut self, name: &str) -> Result<String, Refused> {
        self.query(name)?
            .ok_or_else(|| self.refuse(FieldError::missing("query", name).with_input(Value::Null)))
    }

    /// The whole body, for operations that take any object.
    pub fn take_object(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.object)
    }

    /// Records an error that a reader of its own found.
    pub fn refuse(&mut self, error: FieldError) -> Refused {
        self.errors.push(error);
        Refused
    }

    fn secret_text(&mut self, name: &str) -> Result<String, Refused> {
        match self.object.remove(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.refuse(FieldError::not_a_string("body", name))),
            None => Err(self.missing(name)),
        }
    }

    fn required(&mut self, name: &str) -> Result<String, Refused> {
        match self.object.get(name) {
            Some(_) => self.string(name),
            None => Err(self.missing(name)),
        }
    }

    fn optional(&mut self, name: &str) -> Result<Option<String>, Refused> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.string(name).map(Some),
        }
    }

    /// Takes the text out of a field that is there.
    fn string(&mut self, name: &str) -> Result<String, Refused> {
        let secret = scrub::is_secret(name);
        let value = if secret { self.object.remove(name) } else { self.object.get(name).cloned() };
        match value.unwrap_or_default() {
            Value::String(text) => Ok(text),
            other => {
                let error = FieldError::not_a_string("body", name);
                Err(self.refuse(if secret { error } else { error.with_input(scrub::echo(&other)) }))
            }
        }
    }

    /// A text that any store can keep.
    fn storable(&mut self, name: &str, text: String) -> Result<String, Refused> {
        if text.contains('\0') { Err(self.refuse(no_nul(name))) } else { Ok(text) }
    }

    fn missing(&mut self, name: &str) -> Refused {
        let object = scrub::echo_object(&self.object);
        self.refuse(FieldError::missing("body", name).with_input(object))
    }

    fn boolean(&mut self, name: &str, value: &Value) -> Result<bool, Refused> {
        let word: Cow<'_, str> = match value {
            Value::Bool(flag) => return Ok(*flag),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::String(text) => Cow::Owned(text.to_lowercase()),
            _ => return Err(self.not_a_flag("bool_type", name, "Input should be a valid boolean", value)),
        };
        match &*word {
            "1" | "1.0" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
            "0" | "0.0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
            _ => {
                let msg = "Input should be a valid boolean, unable to interpret input";
                Err(self.not_a_flag("bool_parsing", name, msg, value))
            }
        }
    }

    fn not_a_flag(&mut self, kind: &'static str, name: &str, msg: &str, value: &Value) -> Refused {
        self.refuse(FieldError::new(kind, "body", msg).at(name).with_input(scrub::echo(value)))
    }
}

fn no_nul(name: &str) -> FieldError {
    FieldError::value("body", name, "Text must not contain NUL characters")
}
