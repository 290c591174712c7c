//! The tables of the service before this one, filled as years fill them.
//!
//! `AUTH_OLD_ROWS=100000` makes more rows.

use std::collections::BTreeMap;

use crate::harness::parts::{POSTGRES, database};

/// The password of everybody whose hash is good.
pub(super) const OLD_PASSWORD: &str = "Correct-Horse-7!";
/// As that service hashes today, and as it once did.
const ARGON2: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$811c/n6FN5vtJSLyubE7/g$KSh3Tu8XRme/J9s8V0wBRc09zRVd1wprMT7oa+vyUGw";
const BCRYPT: &str = "$2b$10$eqrj5MajeuUnOnweb2LyPuRVkJQg1Dqm4gdvJwtxZ/EllqENpjBKO";
/// The app of everybody who has one.
pub(super) const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The columns of `users`, and the one of `sessions` that matters.
const TABLES: &str = "
    CREATE TABLE {schema}.users (
        id serial PRIMARY KEY, email varchar(255) NOT NULL, hashed_password varchar(255), full_name varchar(255),
        status varchar(20) NOT NULL DEFAULT 'active', is_verified boolean NOT NULL DEFAULT false,
        is_superuser boolean NOT NULL DEFAULT false, application_admin boolean NOT NULL DEFAULT false,
        is_manager boolean NOT NULL DEFAULT false, is_password_temporary boolean NOT NULL DEFAULT false,
        phone_number varchar(20), mfa_enabled boolean NOT NULL DEFAULT false, mfa_secret varchar(255),
        sms_mfa_enabled boolean NOT NULL DEFAULT false, phone_verified boolean NOT NULL DEFAULT false,
        email_mfa_enabled boolean NOT NULL DEFAULT false, biometric_mfa_enabled boolean NOT NULL DEFAULT false,
        email_mfa_code varchar(6), email_mfa_code_expires timestamptz, password_reset_token varchar(255),
        password_reset_expires timestamptz, temporary_hashed_password varchar(255),
        temporary_password_expiry timestamptz, verification_token uuid, last_login timestamptz,
        failed_login_attempts integer NOT NULL DEFAULT 0, locked_until timestamptz, deleted_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX ON {schema}.users (email);
    CREATE TABLE {schema}.sessions (id serial PRIMARY KEY, user_id integer, refresh_token varchar(255) UNIQUE,
        expires_at timestamptz, ip_address varchar(45), user_agent text, is_active boolean,
        created_at timestamptz, updated_at timestamptz);";

/// One user in so many is special, by the rest of the id divided by that many.
const USERS: &str = "
    INSERT INTO {schema}.users (id, email, hashed_password, full_name, status, is_verified, is_superuser,
        is_password_temporary, phone_number, mfa_enabled, mfa_secret, sms_mfa_enabled, phone_verified,
        email_mfa_enabled, biometric_mfa_enabled, temporary_hashed_password, temporary_password_expiry,
        last_login, deleted_at, created_at, updated_at)
    SELECT n,
        CASE WHEN n % 100 = 11 THEN 'user' || n - 1 || '@example.com'
             WHEN n % 100 = 13 THEN 'USER' || n - 1 || '@EXAMPLE.COM'
             WHEN n % 100 = 57 THEN 'User' || n || '@Example.com'
             WHEN n % 200 = 17 THEN 'nobody-' || n
             ELSE 'user' || n || '@example.com' END,
        CASE WHEN n % 10 = 3 THEN '{bcrypt}' WHEN n % 200 = 14 THEN 'md5$salt$0123456789abcdef'
             WHEN n % 200 = 114 THEN '$argon2id$v=19$m=2097152,t=3,p=4$811c/n6FN5vtJSLyubE7/g$KSh3Tu8XRme/J9s8V0wBRc09zRVd1wprMT7oa+vyUGw'
             ELSE '{argon2}' END,
        CASE WHEN n % 7 = 0 THEN NULL ELSE 'Ada ' || n END,
        CASE WHEN n % 20 = 4 THEN 'deleted' WHEN n % 20 = 5 THEN 'suspended' ELSE 'active' END,
        n % 100 <> 22, n = 1, n % 200 = 26,
        CASE WHEN n % 100 = 28 THEN '+1 212 555 ' || lpad((n / 100 % 10000)::text, 4, '0')
             WHEN n % 200 = 29 THEN 'ask the desk' END,
        n % 50 = 6 OR n % 200 = 31, CASE WHEN n % 50 = 6 THEN '{secret}' WHEN n % 200 = 31 THEN 'lost!' END,
        n % 100 = 28 OR n % 200 = 29, n % 100 = 28 OR n % 200 = 29,
        n % 100 = 32, n % 200 = 34,
        CASE WHEN n % 200 = 36 THEN '{bcrypt}' END, CASE WHEN n % 200 = 36 THEN now() + interval '1 day' END,
        CASE WHEN n % 3 > 0 AND n % 200 <> 36 THEN timestamptz '2026-01-01' + n * interval '1 minute' END,
        CASE WHEN n % 20 = 4 THEN now() END, timestamptz '2025-05-01' + n * interval '1 second',
        timestamptz '2026-02-01' + n * interval '1 second'
    FROM generate_series(1, {rows}) n;
    INSERT INTO {schema}.sessions (user_id, refresh_token, expires_at, is_active)
        SELECT n, 'token ' || n, now() + interval '30 days', true FROM generate_series(1, {rows} / 10) n;";

/// How many rows a grown service has here.
pub(super) fn rows() -> u64 {
    std::env::var("AUTH_OLD_ROWS").map_or(2_000, |rows| rows.parse().expect("a number"))
}

/// A database of that service.
pub(super) struct Old {
    name: String,
    pub(super) url: String,
}

impl Old {
    pub(super) fn empty() -> Self {
        let url = database();
        let name = url.rsplit('/').next().expect("the name of a database").to_owned();
        Self { name, url }
    }

    pub(super) fn grown(rows: u64) -> Self {
        let old = Self::empty();
        old.fill("public", rows);
        old
    }

    /// Makes the tables in a schema, and so many users.
    pub(super) fn fill(&self, schema: &str, rows: u64) {
        let sql = format!("CREATE SCHEMA IF NOT EXISTS {{schema}}; {TABLES} {USERS}");
        let values = [
            ("{schema}", format!("\"{schema}\"")),
            ("{rows}", rows.to_string()),
            ("{argon2}", ARGON2.to_owned()),
            ("{bcrypt}", BCRYPT.to_owned()),
            ("{secret}", SECRET.to_owned()),
        ];
        let sql = values.iter().fold(sql, |sql, (name, value)| sql.replace(name, value));
        self.sql(&sql);
    }

    pub(super) fn sql(&self, sql: &str) -> String {
        POSTGRES.sql(&self.name, sql)
    }
}

/// What becomes of so many users, by the rules as `docs/moving-in.md` tells them.
pub(super) struct Expected {
    pub(super) added: u64,
    pub(super) left_out: BTreeMap<&'static str, u64>,
    pub(super) changed: BTreeMap<&'static str, u64>,
}

impl Expected {
    pub(super) fn of(rows: u64) -> Self {
        let mut expected = Self { added: 0, left_out: BTreeMap::new(), changed: BTreeMap::new() };
        for n in 1..=rows {
            let (by_100, by_200) = (n % 100, n % 200);
            let left_out = match (by_100, by_200) {
                (_, 17) => Some("invalid_address"),
                // Of two with one address the one who signed in last, or came first.
                (10, _) if n < rows && loses(n, n + 1) => Some("duplicate"),
                (11, _) if !loses(n - 1, n) => Some("duplicate"),
                // Nobody signs in there with capitals.
                (13, _) => Some("duplicate"),
                _ => None,
            };
            match left_out {
                Some(reason) => *expected.left_out.entry(reason).or_default() += 1,
                None => expected.add(n),
            }
        }
        expected
    }

    fn add(&mut self, n: u64) {
        self.added += 1;
        let changes: &[&'static str] = match n % 200 {
            14 => &["unknown_hash"],
            114 => &["expensive_hash"],
            29 => &["invalid_phone", "codes_by_mail"],
            31 => &["unreadable_app", "codes_by_mail"],
            34 => &["biometric"],
            _ => &[],
        };
        for change in changes {
            *self.changed.entry(change).or_default() += 1;
        }
    }
}

/// Whether the earlier of two rows with one address gives way: only the later one signed in, or did so later.
fn loses(earlier: u64, later: u64) -> bool {
    let seen = |n: u64| (!n.is_multiple_of(3)).then_some(n);
    seen(later) > seen(earlier)
}
