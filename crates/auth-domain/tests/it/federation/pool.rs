//! A user pool in memory, as a test scripts it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use auth_domain::{
    port::{
        IdentityAccounts, IdentityError, IdentityFactors, IdentityKey, IdentityProvider, ProviderAccessToken,
        ProviderAnswer, ProviderChallenge, ProviderChallengeKind, ProviderClaims, ProviderCode,
        ProviderLogin, ProviderRefreshToken, ProviderSession, ProviderSignIn, ProviderSignUp,
        ProviderSignedUp, ProviderTokens, ProviderUser, SoftwareTokenSecret,
    },
    token::TokenRejected,
    usecase::ProviderPorts,
    user::{Email, Password},
};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) const ISSUER: &str = "https://pool.example.com/one";
/// The code that every challenge of the pool takes.
pub(super) const CODE: &str = "123456";

/// Somebody in the pool.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) email: Email,
    pub(super) password: String,
    pub(super) verified: bool,
    pub(super) confirmed: bool,
    pub(super) enabled: bool,
    pub(super) challenge: Option<ProviderChallengeKind>,
}

#[derive(Default)]
struct State {
    people: BTreeMap<String, Person>,
    away: bool,
    calls: u32,
}

/// Clones share it.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<State>>);

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics within")
    }

    /// Adds somebody, confirmed and with a proved address, who signs in with `password`.
    pub(super) fn add(&self, subject: &str, email: &str, password: &str) {
        let person = Person {
            subject: subject.to_owned(),
            email: Email::parse(email).expect("an address"),
            password: password.to_owned(),
            verified: true,
            confirmed: true,
            enabled: true,
            challenge: None,
        };
        self.state().people.insert(subject.to_owned(), person);
    }

    pub(super) fn change(&self, subject: &str, change: impl FnOnce(&mut Person)) {
        change(self.state().people.get_mut(subject).expect("a person of the pool"));
    }

    pub(super) fn set_away(&self, away: bool) {
        self.state().away = away;
    }

    /// How often it was asked anything.
    pub(super) fn calls(&self) -> u32 {
        self.state().calls
    }

    pub(super) fn ports(&self) -> ProviderPorts {
        ProviderPorts {
            issuer: ISSUER.to_owned(),
            sign_in: Arc::new(self.clone()),
            accounts: Arc::new(self.clone()),
            factors: Arc::new(self.clone()),
            tokens: Arc::new(self.clone()),
        }
    }

    fn ask<T>(
        &self,
        answer: impl FnOnce(&mut BTreeMap<String, Person>) -> Result<T, IdentityError>,
    ) -> Result<T, IdentityError> {
        let mut state = self.state();
        state.calls += 1;
        if state.away {
            return Err(IdentityError::Unavailable("nobody answers".into()));
        }
        answer(&mut state.people)
    }

    fn by_subject(&self, subject: &str) -> Result<Person, IdentityError> {
        self.ask(|people| people.get(subject).filter(|p| p.enabled).cloned().ok_or(IdentityError::Disabled))
    }
}

fn key(subject: &str) -> IdentityKey {
    IdentityKey::new(ISSUER, subject).expect("a key")
}

fn user(person: &Person) -> ProviderUser {
    ProviderUser {
        key: key(&person.subject),
        username: person.subject.clone(),
        email: person.email.clone(),
        email_verified: person.verified,
        phone: None,
        full_name: None,
    }
}

fn done(person: &Person) -> ProviderSignIn {
    ProviderSignIn::Done(Box::new(ProviderLogin {
        user: user(person),
        access: ProviderAccessToken::new(person.subject.clone()),
        refresh: ProviderRefreshToken::new(format!("refresh of {}", person.subject)),
    }))
}

#[async_trait]
impl IdentityProvider for Pool {
    async fn sign_in(&self, email: &Email, password: &Password) -> Result<ProviderSignIn, IdentityError> {
        self.ask(|people| {
            let matches = |p: &&Person| p.email == *email && p.password == password.expose_secret();
            let person = people.values().find(matches).ok_or(IdentityError::WrongCredentials)?;
            if !person.enabled {
                return Err(IdentityError::Disabled);
            }
            if !person.confirmed {
                return Err(IdentityError::NotConfirmed);
            }
            Ok(match person.challenge {
                None => done(person),
                Some(kind) => ProviderSignIn::Challenge(ProviderChallenge {
                    kind,
                    session: ProviderSession::new("session".to_owned()),
                    username: person.subject.clone(),
                    destination: Some("+*******0123".to_owned()),
                }),
            })
        })
    }

    async fn answer(
        &self,
        challenge: &ProviderChallenge,
        answer: &ProviderAnswer,
    ) -> Result<ProviderSignIn, IdentityError> {
        self.ask(|people| {
            let person = people.get_mut(&challenge.username).ok_or(IdentityError::ChallengeExpired)?;
            match answer {
                ProviderAnswer::Code(code) if code.expose_secret() == CODE => {}
                ProviderAnswer::Code(_) => return Err(IdentityError::CodeMismatch),
                ProviderAnswer::NewPassword(new) if new.expose_secret().len() < 8 => {
                    return Err(IdentityError::WeakPassword { reason: "too short".to_owned() });
                }
                ProviderAnswer::NewPassword(new) => {
                    new.expose_secret().clone_into(&mut person.password);
                    person.challenge = None;
                }
            }
            Ok(done(person))
        })
    }

    async fn refresh(
        &self,
        username: &str,
        token: &ProviderRefreshToken,
    ) -> Result<ProviderAccessToken, IdentityError> {
        assert_eq!(token.expose_secret(), format!("refresh of {username}"));
        self.by_subject(username).map(|person| ProviderAccessToken::new(person.subject))
    }

    async fn user(&self, token: &ProviderAccessToken) -> Result<ProviderUser, IdentityError> {
        self.by_subject(token.expose_secret()).map(|person| user(&person))
    }

    async fn sign_out(&self, token: &ProviderAccessToken) -> Result<(), IdentityError> {
        self.by_subject(token.expose_secret())?;
        // Its refresh tokens are worth nothing from now on.
        self.ask(|people| {
            people.get_mut(token.expose_secret()).expect("they are there").enabled = false;
            Ok(())
        })
    }
}

#[async_trait]
impl IdentityAccounts for Pool {
    async fn sign_up(&self, account: &ProviderSignUp) -> Result<ProviderSignedUp, IdentityError> {
        self.ask(|people| {
            if people.values().any(|person| person.email == account.email) {
                return Err(IdentityError::AlreadyExists);
            }
            Ok(ProviderSignedUp { key: key("new"), confirmed: false, delivery: None })
        })
    }

    async fn confirm(&self, _: &Email, code: &ProviderCode) -> Result<(), IdentityError> {
        self.ask(|_| if code.expose_secret() == CODE { Ok(()) } else { Err(IdentityError::CodeMismatch) })
    }

    async fn resend_code(&self, email: &Email) -> Result<(), IdentityError> {
        self.forgot_password(email).await
    }

    async fn forgot_password(&self, email: &Email) -> Result<(), IdentityError> {
        self.ask(|people| {
            let known = people.values().any(|person| person.email == *email);
            if known { Ok(()) } else { Err(IdentityError::WrongCredentials) }
        })
    }

    async fn reset_password(
        &self,
        email: &Email,
        code: &ProviderCode,
        password: &Password,
    ) -> Result<(), IdentityError> {
        self.ask(|people| {
            let person = people.values_mut().find(|person| person.email == *email);
            let person =
                person.filter(|_| code.expose_secret() == CODE).ok_or(IdentityError::CodeMismatch)?;
            password.expose_secret().clone_into(&mut person.password);
            Ok(())
        })
    }
}

#[async_trait]
impl IdentityFactors for Pool {
    async fn associate_app(&self, token: &ProviderAccessToken) -> Result<SoftwareTokenSecret, IdentityError> {
        self.by_subject(token.expose_secret()).map(|_| SoftwareTokenSecret::new("SECRET".to_owned()))
    }

    async fn activate_app(
        &self,
        token: &ProviderAccessToken,
        code: &ProviderCode,
    ) -> Result<(), IdentityError> {
        self.by_subject(token.expose_secret())?;
        if code.expose_secret() == CODE { Ok(()) } else { Err(IdentityError::CodeMismatch) }
    }
}

#[async_trait]
impl ProviderTokens for Pool {
    /// A token of the pool reads `pool:` and the subject.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<ProviderClaims, IdentityError> {
        let subject = token.strip_prefix("pool:");
        let subject = subject.ok_or(IdentityError::Rejected(TokenRejected::UnknownKey))?;
        self.ask(|_| {
            Ok(ProviderClaims {
                key: key(subject),
                username: subject.to_owned(),
                client: "client".to_owned(),
                issued_at: now,
                expires_at: now + TimeDelta::hours(1),
            })
        })
    }
}
