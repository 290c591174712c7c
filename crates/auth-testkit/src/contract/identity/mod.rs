//! Contract of the ports for a provider of identities.
//!
//! It runs against stand-ins, and none of them does all that the real provider does. What one cannot do
//! is an entry of its table, with the reason; a case then asserts that it is so, and ends where it must.
//! So the table cannot outlive its reasons.

mod bench;
mod factors;

use auth_domain::{
    port::{
        IdentityError, ProviderAccessToken, ProviderAnswer, ProviderChallenge, ProviderChallengeKind,
        ProviderRefreshToken, ProviderSession, ProviderSignIn,
    },
    token::TokenRejected,
    user::{FullName, PhoneNumber},
};

use self::bench::{Account, PASSWORD, answer, challenge, code, email, now, password, says_nothing_private};
pub use self::{
    bench::{Ability, IdentityBench, Lack, app_code},
    factors::{asks_for_a_text_message, asks_for_an_app_once_it_is_active, takes_a_wrong_code_for_no_answer},
};

/// Runs the contract of identity providers against what `make` gives.
#[macro_export]
macro_rules! identity_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; identity;
            opens_confirms_and_signs_in gives_one_key_to_one_user refuses_a_second_account
            refuses_weak_passwords refuses_wrong_codes_of_confirmation sends_the_code_again
            tells_what_is_not_confirmed answers_alike_for_unknown_and_wrong
            asks_for_another_password_first resets_a_forgotten_password renews_access
            notices_disabled_accounts signs_out_everywhere refuses_made_up_tokens
            verifies_its_own_tokens asks_for_an_app_once_it_is_active takes_a_wrong_code_for_no_answer
            asks_for_a_text_message ends_a_sign_in_that_nobody_began
        }
    };
}

/// An account is opened, confirmed and signed in to; the user comes with key, address and name.
pub async fn opens_confirms_and_signs_in(bench: impl IdentityBench) {
    let account = Account::new("opens");
    let opened = bench.accounts().sign_up(&account.sign_up()).await.expect("opens the account");
    assert!(!opened.confirmed);
    assert!(opened.delivery.is_some_and(|delivery| !delivery.destination.is_empty()));
    bench.accounts().confirm(&account.email, &bench.sign_up_code()).await.expect("confirms it");
    let login = account.login(&bench).await;
    assert_eq!(login.user.key, opened.key);
    assert_eq!(login.user.email, account.email);
    assert_eq!(login.user.full_name.as_ref().map(FullName::as_str), Some("Ada Lovelace"));
    assert_eq!(login.user.phone.as_ref().map(PhoneNumber::as_str), Some("+15551230001"));
    assert!(!login.user.username.is_empty());
}

/// The key is the same at each sign-in, and another one for another user.
pub async fn gives_one_key_to_one_user(bench: impl IdentityBench) {
    let ada = Account::confirmed("key-ada", &bench).await;
    let eve = Account::confirmed("key-eve", &bench).await;
    let (first, second) = (ada.login(&bench).await, ada.login(&bench).await);
    assert_eq!(first.user.key, second.user.key);
    assert_eq!(bench.provider().user(&second.access).await.expect("a user"), first.user);
    let other = eve.login(&bench).await;
    assert_ne!(first.user.key.subject(), other.user.key.subject());
    assert_eq!(first.user.key.issuer(), other.user.key.issuer());
}

/// One address, one account.
pub async fn refuses_a_second_account(bench: impl IdentityBench) {
    let account = Account::confirmed("second", &bench).await;
    let refused = bench.accounts().sign_up(&account.sign_up()).await;
    assert!(matches!(refused, Err(IdentityError::AlreadyExists)), "{refused:?}");
    account.login(&bench).await;
}

/// The provider's policy counts, and its reason arrives.
pub async fn refuses_weak_passwords(bench: impl IdentityBench) {
    let mut weak = Account::new("weak").sign_up();
    weak.password = password("short");
    let refused = bench.accounts().sign_up(&weak).await;
    if bench.lacks(Ability::PasswordPolicy) {
        return assert!(refused.is_ok(), "{refused:?}");
    }
    match refused {
        Err(IdentityError::WeakPassword { reason }) => {
            assert!(!reason.is_empty() && !reason.contains("short"), "{reason}");
            assert!(!reason.contains(':'), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// A guess confirms nothing.
pub async fn refuses_wrong_codes_of_confirmation(bench: impl IdentityBench) {
    let account = Account::new("guess");
    bench.accounts().sign_up(&account.sign_up()).await.expect("opens the account");
    let guess = bench.accounts().confirm(&account.email, &code("000000")).await;
    if bench.lacks(Ability::CodesOfConfirmation) {
        return assert!(guess.is_ok(), "{guess:?}");
    }
    assert!(matches!(guess, Err(IdentityError::CodeMismatch)), "{guess:?}");
    let early = bench.provider().sign_in(&account.email, &password(PASSWORD)).await;
    assert!(matches!(early, Err(IdentityError::NotConfirmed)), "{early:?}");
    bench.accounts().confirm(&account.email, &bench.sign_up_code()).await.expect("confirms it");
}

/// The code comes once more.
pub async fn sends_the_code_again(bench: impl IdentityBench) {
    let account = Account::new("again");
    bench.accounts().sign_up(&account.sign_up()).await.expect("opens the account");
    let sent = bench.accounts().resend_code(&account.email).await;
    if bench.lacks(Ability::ResendingCodes) {
        return assert!(is_no_success(sent.as_ref().err()), "{sent:?}");
    }
    sent.expect("sends it");
}

/// Whoever has not confirmed is told, and not let in.
pub async fn tells_what_is_not_confirmed(bench: impl IdentityBench) {
    let account = Account::new("early");
    bench.accounts().sign_up(&account.sign_up()).await.expect("opens the account");
    let early = bench.provider().sign_in(&account.email, &password(PASSWORD)).await;
    assert!(matches!(early, Err(IdentityError::NotConfirmed)), "{early:?}");
}

/// A wrong password and an unknown address are one answer (CG-08).
pub async fn answers_alike_for_unknown_and_wrong(bench: impl IdentityBench) {
    let account = Account::confirmed("alike", &bench).await;
    for (email, typed) in [
        (&account.email, "Wr0ng-Secret!x"),
        (&email("nobody"), "Wr0ng-Secret!x"),
        (&email("nobody"), PASSWORD),
    ] {
        let error = bench.provider().sign_in(email, &password(typed)).await.expect_err("nobody signs in");
        assert!(matches!(error, IdentityError::WrongCredentials), "{error:?}");
        says_nothing_private(&error, &[typed, email.as_str()]);
    }
}

/// A temporary password lets nobody in before it was replaced.
pub async fn asks_for_another_password_first(bench: impl IdentityBench) {
    let invited = email("invited");
    bench.pool().invite(invited.as_str(), "Temp0rary-Secret!");
    let asked = bench.provider().sign_in(&invited, &password("Temp0rary-Secret!")).await;
    let asked = challenge(asked.expect("asks"), ProviderChallengeKind::NewPasswordRequired);
    let strange = bench.provider().answer(&asked, &answer("000000")).await;
    assert!(matches!(strange, Err(IdentityError::Internal(_))), "{strange:?}");
    let chosen = ProviderAnswer::NewPassword(password(PASSWORD));
    let done = bench.provider().answer(&asked, &chosen).await.expect("takes the password");
    let ProviderSignIn::Done(login) = done else { panic!("{done:?}") };
    assert_eq!((&login.user.email, login.user.email_verified), (&invited, true));
    Account { email: invited }.login(&bench).await;
}

/// The code that was sent sets another password; a wrong one does not.
pub async fn resets_a_forgotten_password(bench: impl IdentityBench) {
    let account = Account::confirmed("forgot", &bench).await;
    bench.accounts().forgot_password(&account.email).await.expect("sends a code");
    let (old, new) = (password(PASSWORD), password("An0ther-Secret!"));
    let guess = bench.accounts().reset_password(&account.email, &bench.wrong_reset_code(), &new).await;
    let wrong = matches!(guess, Err(IdentityError::CodeMismatch | IdentityError::CodeExpired));
    assert!(wrong, "{guess:?}");
    account.login(&bench).await;
    bench.accounts().reset_password(&account.email, &bench.reset_code(), &new).await.expect("sets it");
    let refused = bench.provider().sign_in(&account.email, &old).await;
    assert!(matches!(refused, Err(IdentityError::WrongCredentials)), "{refused:?}");
    bench.provider().sign_in(&account.email, &new).await.expect("takes the new one");
    let unknown = bench.accounts().forgot_password(&email("forgot-nobody")).await;
    assert!(matches!(unknown, Ok(()) | Err(IdentityError::WrongCredentials)), "{unknown:?}");
}

/// A refresh token gives access tokens, and a made-up one nothing.
pub async fn renews_access(bench: impl IdentityBench) {
    let account = Account::confirmed("renews", &bench).await;
    let login = account.login(&bench).await;
    let renewed = bench.provider().refresh(&login.user.username, &login.refresh).await.expect("renews");
    let claims = bench.tokens().verify(renewed.expose_secret(), now()).await.expect("is a token");
    assert_eq!(claims.key, login.user.key);
    let made_up = ProviderRefreshToken::new("made-up-refresh-token".to_owned());
    let error = bench.provider().refresh(&login.user.username, &made_up).await.expect_err("gives nothing");
    assert!(matches!(error, IdentityError::Disabled), "{error:?}");
    says_nothing_private(&error, &["made-up-refresh-token"]);
}

/// Who was disabled at the provider does not sign in, and the next question shows it.
pub async fn notices_disabled_accounts(bench: impl IdentityBench) {
    let account = Account::confirmed("disabled", &bench).await;
    let login = account.login(&bench).await;
    bench.pool().disable(account.email.as_str());
    let again = bench.provider().sign_in(&account.email, &password(PASSWORD)).await;
    let asked = bench.provider().user(&login.access).await;
    if bench.lacks(Ability::DisabledAccounts) {
        assert!(again.is_ok() && asked.is_ok(), "{again:?} {asked:?}");
    } else {
        assert!(matches!(again, Err(IdentityError::Disabled)), "{again:?}");
        assert!(matches!(asked, Err(IdentityError::Disabled)), "{asked:?}");
    }
    let renewed = bench.provider().refresh(&login.user.username, &login.refresh).await;
    if bench.lacks(Ability::DisabledRefresh) {
        return assert!(renewed.is_ok(), "{renewed:?}");
    }
    assert!(matches!(renewed, Err(IdentityError::Disabled)), "{renewed:?}");
}

/// Signing out ends every session of the user at the provider, and nobody else's.
pub async fn signs_out_everywhere(bench: impl IdentityBench) {
    let ada = Account::confirmed("out-ada", &bench).await;
    let eve = Account::confirmed("out-eve", &bench).await;
    let (first, second, other) = (ada.login(&bench).await, ada.login(&bench).await, eve.login(&bench).await);
    let out = bench.provider().sign_out(&first.access).await;
    if bench.lacks(Ability::SigningOut) {
        return assert!(is_no_success(out.as_ref().err()), "{out:?}");
    }
    out.expect("signs out");
    for login in [&first, &second] {
        let asked = bench.provider().user(&login.access).await;
        assert!(matches!(asked, Err(IdentityError::Disabled)), "{asked:?}");
        let renewed = bench.provider().refresh(&login.user.username, &login.refresh).await;
        assert!(matches!(renewed, Err(IdentityError::Disabled)), "{renewed:?}");
    }
    bench.provider().user(&other.access).await.expect("is signed in still");
    ada.login(&bench).await;
}

/// A token nobody gave out opens nothing, and is not repeated.
pub async fn refuses_made_up_tokens(bench: impl IdentityBench) {
    let made_up = ProviderAccessToken::new("made-up-access-token".to_owned());
    for error in [
        bench.provider().user(&made_up).await.expect_err("is nobody"),
        bench.factors().associate_app(&made_up).await.expect_err("is nobody"),
        bench.factors().activate_app(&made_up, &code("123456")).await.expect_err("is nobody"),
    ] {
        let ended = matches!(error, IdentityError::Disabled);
        assert!(ended || bench.lacks(Ability::TellingTokens) && is_no_success(Some(&error)), "{error:?}");
        says_nothing_private(&error, &["made-up-access-token"]);
    }
}

/// A session nobody gave out is answered by nothing, and is not repeated.
pub async fn ends_a_sign_in_that_nobody_began(bench: impl IdentityBench) {
    let account = Account::confirmed("nobody-began", &bench).await;
    let made_up = ProviderChallenge {
        kind: ProviderChallengeKind::SoftwareTokenMfa,
        session: ProviderSession::new("made-up-session-of-some-length".to_owned()),
        username: account.email.as_str().to_owned(),
        destination: None,
    };
    let error = bench.provider().answer(&made_up, &answer("000000")).await.expect_err("nobody signs in");
    let expired = matches!(error, IdentityError::ChallengeExpired);
    assert_ne!(expired, bench.lacks(Ability::Sessions), "{error:?}");
    says_nothing_private(&error, &["made-up-session-of-some-length", "000000"]);
}

/// Access tokens of this pool and client are believed; altered ones, and those of others, are not.
pub async fn verifies_its_own_tokens(bench: impl IdentityBench) {
    let account = Account::confirmed("verifies", &bench).await;
    let login = account.login(&bench).await;
    let token = login.access.expose_secret();
    let claims = bench.tokens().verify(token, now()).await.expect("is a token");
    assert_eq!((&claims.key, &claims.client), (&login.user.key, &bench.pool().client_id));
    assert!(!claims.username.is_empty() && claims.issued_at < claims.expires_at);
    let late = bench.tokens().verify(token, claims.expires_at + chrono::TimeDelta::seconds(31)).await;
    assert!(matches!(late, Err(IdentityError::Rejected(TokenRejected::Expired))), "{late:?}");
    let (rest, signature) = token.rsplit_once('.').expect("a token has parts");
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let altered = format!("{rest}.{other}{}", &signature[1..]);
    for bad in [altered.as_str(), rest, "", login.refresh.expose_secret()] {
        let refused = bench.tokens().verify(bad, now()).await;
        assert!(matches!(refused, Err(IdentityError::Rejected(_))), "{refused:?}");
    }
}

/// What a stand-in that cannot do a thing answers: anything but that it is done.
fn is_no_success(error: Option<&IdentityError>) -> bool {
    matches!(error, Some(IdentityError::Unavailable(_) | IdentityError::Internal(_)))
}
