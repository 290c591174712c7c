//! Where people come from who had an account elsewhere.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::StoreError;
use crate::{
    id::UserId,
    user::{PasswordHash, Roles},
};

/// People of another system, read twice: once to see who stands in whose way, once to take them over.
///
/// An implementor must give the same people in the same order each time, whatever happens to the other system
/// meanwhile.
#[async_trait]
pub trait PeopleSource: Send {
    /// How many there are, where that is known beforehand.
    ///
    /// # Errors
    /// [`StoreError`] when the source fails.
    async fn count(&mut self) -> Result<Option<u64>, StoreError>;

    /// Begins anew.
    ///
    /// # Errors
    /// [`StoreError`] when the source fails.
    async fn rewind(&mut self) -> Result<(), StoreError>;

    /// The next ones, at most `limit`; none at the end.
    ///
    /// # Errors
    /// [`StoreError`] when the source fails.
    async fn next(&mut self, limit: u32) -> Result<Vec<Comer>, StoreError>;
}

/// Somebody who comes, or what should have been somebody.
#[derive(Debug)]
pub enum Comer {
    /// A row of the service before this one.
    Old(Box<OldUser>),
    /// An entry of a file.
    Entry(Box<Newcomer>),
    /// What makes nobody.
    Unreadable {
        /// Where it is.
        origin: Origin,
        /// Why.
        reason: String,
    },
}

/// Where somebody was found, for the report: never who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The id of a row.
    Row(i64),
    /// The number of a line, from 1.
    Line(u64),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(id) => write!(f, "user {id}"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

/// A row of the table `users` of the service before this one. Every column but the id and the address may be
/// missing: its schema grew over time.
#[derive(Clone, Debug, Default)]
pub struct OldUser {
    /// `id`
    pub id: i64,
    /// `email`, as it is written there
    pub email: String,
    /// `hashed_password`
    pub hash: Option<PasswordHash>,
    /// `full_name`
    pub full_name: Option<String>,
    /// `status`
    pub status: Option<String>,
    /// `is_verified`
    pub is_verified: bool,
    /// `is_superuser`, `application_admin` and `is_manager`
    pub roles: Roles,
    /// `is_password_temporary`
    pub is_password_temporary: bool,
    /// `temporary_hashed_password`
    pub temporary_hash: Option<PasswordHash>,
    /// `temporary_password_expiry`
    pub temporary_until: Option<DateTime<Utc>>,
    /// What the row says about second factors
    pub factors: ForeignFactors,
    /// `biometric_mfa_enabled`
    pub biometric: bool,
    /// `last_login`
    pub last_login_at: Option<DateTime<Utc>>,
    /// `created_at`
    pub created_at: Option<DateTime<Utc>>,
    /// `updated_at`
    pub updated_at: Option<DateTime<Utc>>,
}

/// The second factors of somebody elsewhere.
#[derive(Clone, Debug, Default)]
pub struct ForeignFactors {
    /// Whether codes of an app are demanded.
    pub totp: bool,
    /// The secret of the app, in base32.
    pub totp_secret: Option<SecretString>,
    /// Whether codes by text message are wanted.
    pub sms: bool,
    /// The number, as it is written there.
    pub phone: Option<String>,
    /// Whether the number was proved.
    pub phone_verified: bool,
    /// Whether codes by mail are demanded.
    pub email: bool,
}

/// Somebody who is to have an account here, as yet unchecked.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Where they were found.
    pub origin: Origin,
    /// The id they had.
    pub id: Option<UserId>,
    /// The address, as it is written there.
    pub email: String,
    /// Whether mail to the address reaches them.
    pub email_verified: bool,
    /// The name.
    pub full_name: Option<String>,
    /// The state of the account; active without.
    pub status: Option<String>,
    /// What they may do.
    pub roles: Roles,
    /// The hash of the password.
    pub hash: Option<PasswordHash>,
    /// When the password stops working, if it was handed out.
    pub temporary_until: Option<DateTime<Utc>>,
    /// The second factors.
    pub factors: ForeignFactors,
    /// When they last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Newcomer {
    /// Somebody of whom nothing is known but an address.
    pub fn new(origin: Origin, email: String) -> Self {
        Self {
            origin,
            id: None,
            email,
            email_verified: false,
            full_name: None,
            status: None,
            roles: Roles::default(),
            hash: None,
            temporary_until: None,
            factors: ForeignFactors::default(),
            last_login_at: None,
            created_at: None,
            updated_at: None,
        }
    }
}
