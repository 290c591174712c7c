//! The cases about second factors.

use std::time::Duration;

use auth_domain::port::{
    IdentityError, ProviderAnswer, ProviderChallenge, ProviderChallengeKind, ProviderLogin, ProviderSignIn,
};

use super::{
    Ability, IdentityBench, app_code,
    bench::{Account, PASSWORD, answer, challenge, code, now, password},
};

/// An app that is active is asked for at the next sign-in, and its code lets in.
pub async fn asks_for_an_app_once_it_is_active(bench: impl IdentityBench) {
    let account = Account::confirmed("app", &bench).await;
    let login = account.login(&bench).await;
    let secret = bench.factors().associate_app(&login.access).await.expect("gives a secret");
    // Begun is not done.
    account.login(&bench).await;
    let wrong = bench.factors().activate_app(&login.access, &code("000000")).await;
    assert!(matches!(wrong, Err(IdentityError::CodeMismatch)), "{wrong:?}");
    account.login(&bench).await;
    let secret = secret.expose_secret();
    in_one_step(secret, async |typed| bench.factors().activate_app(&login.access, &code(typed)).await)
        .await
        .expect("takes the code");
    let asked = ask(&account, &bench, ProviderChallengeKind::SoftwareTokenMfa).await;
    let done = in_one_step(secret, async |typed| bench.provider().answer(&asked, &answer(typed)).await).await;
    let done = finished(done.expect("takes the code"));
    assert_eq!(done.user, login.user);
}

/// A wrong code lets nobody in, and does not end the sign-in.
pub async fn takes_a_wrong_code_for_no_answer(bench: impl IdentityBench) {
    let account = Account::confirmed("wrong-app", &bench).await;
    let login = account.login(&bench).await;
    let secret = bench.factors().associate_app(&login.access).await.expect("gives a secret");
    let secret = secret.expose_secret();
    in_one_step(secret, async |typed| bench.factors().activate_app(&login.access, &code(typed)).await)
        .await
        .expect("takes the code");
    let asked = ask(&account, &bench, ProviderChallengeKind::SoftwareTokenMfa).await;
    let wrong = bench.provider().answer(&asked, &answer("000000")).await;
    assert!(matches!(wrong, Err(IdentityError::CodeMismatch)), "{wrong:?}");
    let strange = bench.provider().answer(&asked, &ProviderAnswer::NewPassword(password(PASSWORD))).await;
    assert!(matches!(strange, Err(IdentityError::Internal(_))), "{strange:?}");
    let done = in_one_step(secret, async |typed| bench.provider().answer(&asked, &answer(typed)).await).await;
    finished(done.expect("takes the right one"));
}

/// Where text messages are the factor, a code is asked for.
pub async fn asks_for_a_text_message(bench: impl IdentityBench) {
    let account = Account::confirmed("sms", &bench).await;
    let login = account.login(&bench).await;
    let taken = bench.pool().ask_for_sms(account.email.as_str());
    if bench.lacks(Ability::TextMessages) {
        return assert!(!taken);
    }
    assert!(taken);
    let asked = ask(&account, &bench, ProviderChallengeKind::SmsMfa).await;
    let guess = bench.provider().answer(&asked, &answer("000000")).await;
    if bench.lacks(Ability::CodesOfTextMessages) {
        let done = finished(guess.expect("takes any code"));
        return assert_eq!(done.user, login.user);
    }
    assert!(matches!(guess, Err(IdentityError::CodeMismatch)), "{guess:?}");
}

/// Signs in as far as the challenge.
async fn ask(
    account: &Account,
    bench: &impl IdentityBench,
    kind: ProviderChallengeKind,
) -> ProviderChallenge {
    let asked = bench.provider().sign_in(&account.email, &password(PASSWORD)).await;
    challenge(asked.expect("asks for a code"), kind)
}

fn finished(step: ProviderSignIn) -> ProviderLogin {
    match step {
        ProviderSignIn::Done(login) => *login,
        ProviderSignIn::Challenge(asked) => panic!("asks again: {asked:?}"),
    }
}

/// Types what the app shows; once more if it showed something else by the time it was looked at.
async fn in_one_step<T>(
    secret: &str,
    typing: impl AsyncFn(&str) -> Result<T, IdentityError>,
) -> Result<T, IdentityError> {
    let step = || now().timestamp() / 30;
    loop {
        let begun = step();
        let outcome = tokio::time::timeout(Duration::from_secs(10), typing(&app_code(secret, begun))).await;
        let outcome = outcome.expect("ends within some seconds");
        if !matches!(outcome, Err(IdentityError::CodeMismatch)) || step() == begun {
            return outcome;
        }
    }
}
