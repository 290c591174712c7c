//! The fields of somebody in a file: their names, and what they hold.

use std::str::FromStr as _;

use auth_domain::{
    id::UserId,
    port::{Newcomer, Origin},
    user::{PasswordHash, Role, Roles},
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// All names, as `export users` writes them and `docs/moving-in.md` describes them.
pub(in crate::command) const NAMES: [&str; 17] = [
    "id",
    "email",
    "name",
    "status",
    "verified",
    "roles",
    "password_hash",
    "password_until",
    "phone",
    "phone_verified",
    "sms_codes",
    "app_codes",
    "totp_secret",
    "mail_codes",
    "last_login_at",
    "created_at",
    "updated_at",
];

/// Whether there is such a field, and what to say if not.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let near = NAMES.iter().max_by(|a, b| strsim::jaro(name, a).total_cmp(&strsim::jaro(name, b)));
    Err(format!("there is no field `{}`; is `{}` meant?", name.escape_debug(), near.unwrap_or(&"email")))
}

/// Makes a newcomer of fields whose names are known. A text stands for any value: CSV has nothing else.
pub(super) fn newcomer(origin: Origin, fields: &Map<String, Value>) -> Result<Newcomer, String> {
    let fields = Fields(fields);
    let email = fields.text("email")?.ok_or("`email` is missing")?;
    let mut newcomer = Newcomer::new(origin, email);
    newcomer.id = fields.id()?;
    newcomer.email_verified = fields.flag("verified")?.unwrap_or_default();
    newcomer.full_name = fields.text("name")?;
    newcomer.status = fields.text("status")?;
    newcomer.roles = fields.roles()?;
    newcomer.hash = fields.text("password_hash")?.map(PasswordHash::new);
    newcomer.temporary_until = fields.time("password_until")?;
    let factors = &mut newcomer.factors;
    factors.totp_secret = fields.text("totp_secret")?.map(Into::into);
    factors.totp = fields.flag("app_codes")?.unwrap_or(factors.totp_secret.is_some());
    factors.phone = fields.text("phone")?;
    factors.phone_verified = fields.flag("phone_verified")?.unwrap_or_default();
    factors.sms = fields.flag("sms_codes")?.unwrap_or_default();
    factors.email = fields.flag("mail_codes")?.unwrap_or_default();
    newcomer.last_login_at = fields.time("last_login_at")?;
    newcomer.created_at = fields.time("created_at")?;
    newcomer.updated_at = fields.time("updated_at")?;
    Ok(newcomer)
}

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    /// The value, if there is one.
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| format!("`{name}` is not a text"))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let read = match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "1" => Some(true),
                "false" | "f" | "no" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        read.map(Some).ok_or_else(|| format!("`{name}` is neither true nor false"))
    }

    fn id(&self) -> Result<Option<UserId>, String> {
        let Some(value) = self.value("id") else { return Ok(None) };
        let number = match value {
            Value::String(text) => i64::from_str(text).ok(),
            value => value.as_i64(),
        };
        number.map(|id| Some(UserId::from_i64(id))).ok_or_else(|| "`id` is not a whole number".to_owned())
    }

    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let at = DateTime::parse_from_rfc3339(&text);
        at.map(|at| Some(at.to_utc()))
            .map_err(|_| format!("`{name}` is not a time like 2026-03-04T05:06:07Z"))
    }

    /// A list, or a text with the names apart by spaces, commas or semicolons.
    fn roles(&self) -> Result<Roles, String> {
        let names: Vec<&str> = match self.value("roles") {
            None => Vec::new(),
            Some(Value::String(text)) => {
                text.split([' ', ',', ';']).filter(|name| !name.is_empty()).collect()
            }
            Some(Value::Array(list)) => {
                let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                names.ok_or("`roles` holds something that is not a text")?
            }
            Some(_) => return Err("`roles` is not a list".to_owned()),
        };
        let known = || Role::ALL.map(Role::as_str).join(", ");
        let role = |name: &str| Role::from_str(name).map_err(|_| format!("`roles` are some of {}", known()));
        names.into_iter().map(role).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Newcomer, String> {
        newcomer(Origin::Line(1), value.as_object().unwrap())
    }

    #[test]
    fn a_text_stands_for_any_value() {
        let json = json!({"id": 7, "email": "a@b.example", "verified": true, "phone_verified": false,
                          "roles": ["manager", "superuser"], "created_at": "2026-03-04T05:06:07Z"});
        let csv = json!({"id": "7", "email": "a@b.example", "verified": "Yes", "phone_verified": "0",
                         "roles": "superuser;manager", "created_at": "2026-03-04T05:06:07+00:00", "name": ""});
        let (one, other) = (read(&json).unwrap(), read(&csv).unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        assert!(
            one.email_verified && one.roles.superuser && one.roles.manager && !one.roles.application_admin
        );
    }

    #[test]
    fn an_app_with_a_secret_is_at_work() {
        assert!(read(&json!({"email": "a@b.example", "totp_secret": "x"})).unwrap().factors.totp);
        let off = json!({"email": "a@b.example", "totp_secret": "x", "app_codes": false});
        assert!(!read(&off).unwrap().factors.totp);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for (value, name) in [
            (json!({}), "`email`"),
            (json!({"email": 7}), "`email`"),
            (json!({"email": "a", "id": "hunter2"}), "`id`"),
            (json!({"email": "a", "id": 1.5}), "`id`"),
            (json!({"email": "a", "verified": "hunter2"}), "`verified`"),
            (json!({"email": "a", "roles": ["hunter2"]}), "`roles`"),
            (json!({"email": "a", "roles": 7}), "`roles`"),
            (json!({"email": "a", "password_hash": ["hunter2"]}), "`password_hash`"),
            (json!({"email": "a", "created_at": "hunter2"}), "`created_at`"),
            (json!({"email": "a", "updated_at": 7}), "`updated_at`"),
        ] {
            let why = read(&value).unwrap_err();
            assert!(why.contains(name) && !why.contains("hunter2"), "{value}: {why}");
        }
    }

    #[test]
    fn a_wrong_name_gets_a_right_one() {
        assert_eq!(check_name("email"), Ok(()));
        assert!(check_name("e_mail").unwrap_err().contains("is `email` meant?"));
        assert!(check_name("password").unwrap_err().contains("`password_"));
    }
}
