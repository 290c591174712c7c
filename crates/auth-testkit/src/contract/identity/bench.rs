//! A provider together with the other end.

use auth_domain::{
    port::{
        IdentityAccounts, IdentityError, IdentityFactors, IdentityProvider, ProviderAnswer,
        ProviderChallenge, ProviderChallengeKind, ProviderCode, ProviderLogin, ProviderSignIn,
        ProviderSignUp, ProviderTokens,
    },
    user::{Email, FullName, Password, PhoneNumber},
};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::part::UserPool;

/// The password of every account of the contract; good for every policy.
pub(super) const PASSWORD: &str = "C0rrect-Secret!";

/// What a stand-in may be unable to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Refuses weak passwords.
    PasswordPolicy,
    /// Refuses wrong codes of confirmation.
    CodesOfConfirmation,
    /// Sends a code of confirmation again.
    ResendingCodes,
    /// Lets disabled accounts in no more.
    DisabledAccounts,
    /// Refuses refresh tokens of disabled accounts.
    DisabledRefresh,
    /// Ends all sessions of a user.
    SigningOut,
    /// Answers a made-up access token as one that has ended.
    TellingTokens,
    /// Says that it does not know a sign-in.
    Sessions,
    /// Asks for the code of a text message.
    TextMessages,
    /// Refuses wrong codes of text messages.
    CodesOfTextMessages,
}

/// What a stand-in cannot do, and why.
pub type Lack = (Ability, &'static str);

/// A provider together with the other end: a pool of its own at a stand-in.
pub trait IdentityBench: Send + Sync {
    /// Signs in.
    fn provider(&self) -> &dyn IdentityProvider;

    /// Opens accounts.
    fn accounts(&self) -> &dyn IdentityAccounts;

    /// Sets factors up.
    fn factors(&self) -> &dyn IdentityFactors;

    /// Verifies tokens.
    fn tokens(&self) -> &dyn ProviderTokens;

    /// The pool, as its owner sees it.
    fn pool(&self) -> &UserPool;

    /// All that the stand-in cannot do.
    fn cannot(&self) -> &'static [Lack];

    /// The code that confirms an account.
    fn sign_up_code(&self) -> ProviderCode;

    /// The code that resets a password.
    fn reset_code(&self) -> ProviderCode;

    /// One that does not.
    fn wrong_reset_code(&self) -> ProviderCode;

    /// Whether the stand-in cannot do this.
    fn lacks(&self, ability: Ability) -> bool {
        self.cannot().iter().any(|(lacking, reason)| *lacking == ability && !reason.is_empty())
    }
}

/// An account of one case.
pub(super) struct Account {
    pub(super) email: Email,
}

impl Account {
    pub(super) fn new(name: &str) -> Self {
        Self { email: email(name) }
    }

    /// One that can be signed in to.
    pub(super) async fn confirmed(name: &str, bench: &impl IdentityBench) -> Self {
        let account = Self::new(name);
        bench.accounts().sign_up(&account.sign_up()).await.expect("opens the account");
        bench.accounts().confirm(&account.email, &bench.sign_up_code()).await.expect("confirms it");
        account
    }

    pub(super) fn sign_up(&self) -> ProviderSignUp {
        ProviderSignUp {
            email: self.email.clone(),
            password: password(PASSWORD),
            full_name: FullName::parse("Ada Lovelace").ok(),
            phone: PhoneNumber::parse("+15551230001").ok(),
        }
    }

    /// Signs in, and is let in at once.
    pub(super) async fn login(&self, bench: &impl IdentityBench) -> ProviderLogin {
        match bench.provider().sign_in(&self.email, &password(PASSWORD)).await.expect("lets in") {
            ProviderSignIn::Done(login) => *login,
            ProviderSignIn::Challenge(asked) => panic!("asks for {:?}", asked.kind),
        }
    }
}

pub(super) fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).expect("an address")
}

pub(super) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

pub(super) fn code(text: &str) -> ProviderCode {
    ProviderCode::new(text.to_owned())
}

pub(super) fn answer(text: &str) -> ProviderAnswer {
    ProviderAnswer::Code(code(text))
}

/// The challenge, which must be of this kind.
pub(super) fn challenge(step: ProviderSignIn, kind: ProviderChallengeKind) -> ProviderChallenge {
    match step {
        ProviderSignIn::Challenge(asked) if asked.kind == kind => asked,
        other => panic!("{other:?}"),
    }
}

/// Fails when an error or what lies beneath it repeats one of these texts.
pub(super) fn says_nothing_private(error: &IdentityError, private: &[&str]) {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |&cause| cause.source());
    let said = causes.map(|cause| format!("{cause} {cause:?}")).collect::<Vec<_>>().join(" ");
    for text in private {
        assert!(!said.contains(text), "{said}");
    }
}

/// Now: a stand-in that runs as a process of its own goes by the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the codes and tokens of a real server are good by the real clock"
)]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// What an authenticator app shows that holds `secret`, in base32, at a step of 30 seconds (RFC 6238).
///
/// # Panics
/// If the secret is no base32.
pub fn app_code(secret: &str, step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&base32(secret)).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    let hash: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(hash[19] & 0xf);
    let four = [hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]];
    format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
}

/// Base32 in any case, without padding, the bits left over dropped: one stand-in's secret needs all that.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            other => panic!("{other} is no base32"),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("eight bits"));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_show_the_codes_of_the_rfc() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(app_code(secret, 59 / 30), "287082");
        assert_eq!(app_code(&secret.to_lowercase(), 1_111_111_109 / 30), "081804");
    }
}
