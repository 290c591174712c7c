//! Rows of the table `users`, as JSON.

use auth_domain::{
    port::{Comer, ForeignFactors, OldUser, Origin},
    user::{PasswordHash, Roles},
};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

/// What a row makes.
pub(super) fn comer(id: i64, row: &str) -> Comer {
    match serde_json::from_str(row) {
        Ok(Value::Object(row)) => Comer::Old(Box::new(old_user(id, &Row(row)))),
        _ => Comer::Unreadable { origin: Origin::Row(id), reason: "the row is none".to_owned() },
    }
}

/// The columns that there are, by name.
struct Row(Map<String, Value>);

impl Row {
    fn text(&self, column: &str) -> Option<String> {
        self.0.get(column)?.as_str().map(ToOwned::to_owned)
    }

    fn is_set(&self, column: &str) -> bool {
        self.0.get(column).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A time with a zone, or one without, which that service writes in UTC.
    fn time(&self, column: &str) -> Option<DateTime<Utc>> {
        let text = self.0.get(column)?.as_str()?;
        let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
        zoned
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|at| at.and_utc()))
            .ok()
    }

    fn hash(&self, column: &str) -> Option<PasswordHash> {
        self.text(column).map(PasswordHash::new)
    }
}

fn old_user(id: i64, row: &Row) -> OldUser {
    OldUser {
        id,
        email: row.text("email").unwrap_or_default(),
        hash: row.hash("hashed_password"),
        full_name: row.text("full_name"),
        status: row.text("status").or_else(|| row.time("deleted_at").map(|_| "deleted".to_owned())),
        is_verified: row.is_set("is_verified"),
        roles: Roles {
            superuser: row.is_set("is_superuser"),
            application_admin: row.is_set("application_admin"),
            manager: row.is_set("is_manager"),
        },
        is_password_temporary: row.is_set("is_password_temporary"),
        temporary_hash: row.hash("temporary_hashed_password"),
        temporary_until: row.time("temporary_password_expiry"),
        factors: ForeignFactors {
            totp: row.is_set("mfa_enabled"),
            totp_secret: row.text("mfa_secret").map(Into::into),
            sms: row.is_set("sms_mfa_enabled"),
            phone: row.text("phone_number"),
            phone_verified: row.is_set("phone_verified"),
            email: row.is_set("email_mfa_enabled"),
        },
        biometric: row.is_set("biometric_mfa_enabled"),
        last_login_at: row.time("last_login"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_first_version_is_a_whole_one() {
        let row = r#"{"id": 7, "email": "Ada@x.example", "hashed_password": null, "is_verified": true}"#;
        let Comer::Old(old) = comer(7, row) else { panic!("a row") };
        assert_eq!((old.id, old.email.as_str(), old.is_verified), (7, "Ada@x.example", true));
        assert!(old.hash.is_none() && old.status.is_none() && !old.factors.totp && old.created_at.is_none());
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        let row = r#"{"created_at": "2025-05-02T03:04:05.678+02:00", "updated_at": "2025-05-02T03:04:05.678",
                      "last_login": "infinity"}"#;
        let Comer::Old(old) = comer(7, row) else { panic!("a row") };
        assert_eq!(old.created_at.unwrap().to_rfc3339(), "2025-05-02T01:04:05.678+00:00");
        assert_eq!(old.updated_at.unwrap().to_rfc3339(), "2025-05-02T03:04:05.678+00:00");
        assert_eq!(old.last_login_at, None);
    }

    #[test]
    fn what_is_no_row_is_said_to_be_none() {
        let Comer::Unreadable { origin, .. } = comer(7, "[]") else { panic!("no row") };
        assert_eq!(origin, Origin::Row(7));
    }
}
