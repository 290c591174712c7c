//! What goes to a provider of identities and comes back.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::user::{Email, FullName, Password, PhoneNumber};

/// Declares secrets that are the provider's: opaque texts, shown by nothing but `expose_secret`.
macro_rules! provider_secrets {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Opaque. `Debug` shows the type's name only.
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Wraps the text.
            pub fn new(text: String) -> Self {
                Self(text.into())
            }

            /// The text, for the one who may have it.
            pub fn expose_secret(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

provider_secrets! {
    /// A provider's access token.
    ProviderAccessToken;
    /// A provider's refresh token. Kept sealed.
    ProviderRefreshToken;
    /// What a provider recognises a sign-in by that is not finished. Kept sealed.
    ProviderSession;
    /// A code that a provider sent, or an app shows, as somebody typed it.
    ProviderCode;
    /// The secret of an authenticator app, in base32.
    SoftwareTokenSecret;
}

/// Who somebody is: nothing else tells two users apart, or says that they are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    issuer: String,
    subject: String,
}

/// Not the key of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identity needs an issuer and a subject of 1 to 255 visible ASCII characters")]
pub struct InvalidIdentityKey;

impl IdentityKey {
    /// Longest subject, in bytes (`OpenID` Connect Core §2); issuers are held to the same.
    pub const MAX_BYTES: usize = 255;

    /// The user whom `issuer` calls `subject`.
    ///
    /// # Errors
    /// [`InvalidIdentityKey`] when one of them is empty, too long or not visible ASCII.
    pub fn new(issuer: &str, subject: &str) -> Result<Self, InvalidIdentityKey> {
        let fits = |text: &str| {
            (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !fits(issuer) || !fits(subject) {
            return Err(InvalidIdentityKey);
        }
        Ok(Self { issuer: issuer.to_owned(), subject: subject.to_owned() })
    }

    /// Who says so.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name that is never given to anybody else.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// An account to be opened.
#[derive(Clone, Debug)]
pub struct ProviderSignUp {
    /// What its owner signs in with.
    pub email: Email,
    /// As typed: the provider has its own policy.
    pub password: Password,
    /// What the owner is called.
    pub full_name: Option<FullName>,
    /// Where text messages go.
    pub phone: Option<PhoneNumber>,
}

/// An account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSignedUp {
    /// Whose it is.
    pub key: IdentityKey,
    /// Whether it can be used at once.
    pub confirmed: bool,
    /// Where the code of confirmation went.
    pub delivery: Option<Delivery>,
}

/// Where a provider sent something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How.
    pub medium: DeliveryMedium,
    /// To whom, as far as the provider shows it.
    pub destination: String,
}

/// How a provider sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryMedium {
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

/// What became of a sign-in.
#[derive(Debug)]
pub enum ProviderSignIn {
    /// It is done.
    Done(Box<ProviderLogin>),
    /// The provider asks for more.
    Challenge(ProviderChallenge),
}

/// A sign-in that is done.
#[derive(Clone, Debug)]
pub struct ProviderLogin {
    /// Who signed in.
    pub user: ProviderUser,
    /// Good for calls to the provider, and for as long as it says.
    pub access: ProviderAccessToken,
    /// Gives new access tokens.
    pub refresh: ProviderRefreshToken,
}

/// A user as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUser {
    /// Who they are.
    pub key: IdentityKey,
    /// What the provider calls them in its calls; needed to refresh, and for nothing else.
    pub username: String,
    /// Their address.
    pub email: Email,
    /// Whether they proved it to the provider.
    pub email_verified: bool,
    /// Their number, if there is one this server can use.
    pub phone: Option<PhoneNumber>,
    /// Their name, if there is one this server can use.
    pub full_name: Option<FullName>,
}

/// What a provider asks for before it lets somebody in.
#[derive(Clone, Debug)]
pub struct ProviderChallenge {
    /// What it asks for.
    pub kind: ProviderChallengeKind,
    /// What it recognises the sign-in by.
    pub session: ProviderSession,
    /// The name to answer with, which need not be the one somebody typed.
    pub username: String,
    /// Where a code went, as far as the provider shows it.
    pub destination: Option<String>,
}

/// What a provider asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderChallengeKind {
    /// The code of a text message.
    SmsMfa,
    /// The code of an authenticator app.
    SoftwareTokenMfa,
    /// Another password instead of the temporary one.
    NewPasswordRequired,
}

/// The answer to a challenge.
#[derive(Clone, Debug)]
pub enum ProviderAnswer {
    /// A code, to [`SmsMfa`](ProviderChallengeKind::SmsMfa) and
    /// [`SoftwareTokenMfa`](ProviderChallengeKind::SoftwareTokenMfa).
    Code(ProviderCode),
    /// A password, to [`NewPasswordRequired`](ProviderChallengeKind::NewPasswordRequired).
    NewPassword(Password),
}

/// What an access token of the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderClaims {
    /// Whose token it is.
    pub key: IdentityKey,
    /// What the provider calls them.
    pub username: String,
    /// The client it was given to: this server's.
    pub client: String,
    /// Since when.
    pub issued_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_an_issuer_and_a_subject() {
        let key = IdentityKey::new("https://issuer", "7c1f").unwrap();
        assert_eq!((key.issuer(), key.subject()), ("https://issuer", "7c1f"));
        assert_ne!(Ok(key), IdentityKey::new("https://other", "7c1f"));
        let long = "s".repeat(256);
        for (issuer, subject) in
            [("", "s"), ("i", ""), ("i", " "), ("i", "a b"), ("i", "\u{e4}"), ("i", "a\n"), ("i", &long)]
        {
            assert_eq!(IdentityKey::new(issuer, subject), Err(InvalidIdentityKey), "{subject:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let challenge = ProviderChallenge {
            kind: ProviderChallengeKind::SmsMfa,
            session: ProviderSession::new("hidden".to_owned()),
            username: "ada".to_owned(),
            destination: None,
        };
        let answers = [
            ProviderAnswer::Code(ProviderCode::new("hidden".to_owned())),
            ProviderAnswer::NewPassword(Password::new("hidden".to_owned())),
        ];
        let shown = format!("{challenge:?} {answers:?}");
        assert!(shown.contains("ProviderSession") && !shown.contains("hidden"), "{shown}");
    }
}
