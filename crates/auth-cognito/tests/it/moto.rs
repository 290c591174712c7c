//! Against the AWS mock `moto`: the main one.

use auth_cognito::{Cognito, CognitoConfig, CognitoTokens};
use auth_domain::{
    port::{
        IdentityAccounts, IdentityFactors, IdentityProvider, ProviderAnswer, ProviderCode, ProviderSignIn,
        ProviderTokens,
    },
    user::{Email, Password},
};
use auth_testkit::{
    contract::identity::{Ability, IdentityBench, Lack},
    part::{Moto, PoolKind, UserPool},
};

/// What `moto` 5.2.5 cannot do.
const LACKS: &[Lack] = &[
    (Ability::CodesOfConfirmation, "takes any code"),
    (Ability::ResendingCodes, "answers with a page of HTML"),
    (Ability::DisabledRefresh, "refreshes without a look at the account"),
    (Ability::Sessions, "calls an unknown session a missing resource"),
    (Ability::CodesOfTextMessages, "takes any code"),
];

struct Bench {
    pool: UserPool,
    cognito: Cognito,
    tokens: CognitoTokens,
}

impl Bench {
    fn new(kind: PoolKind) -> Self {
        let pool = Moto::shared().user_pool(kind);
        let config = CognitoConfig {
            client_secret: pool.client_secret.clone().map(Into::into),
            endpoint_url: Some(pool.url()),
            ..CognitoConfig::new("us-east-1", pool.id.clone(), pool.client_id.clone())
        };
        let tokens = CognitoTokens::new(&config).expect("the configuration is right");
        Self { pool, cognito: Cognito::new(config).expect("the configuration is right"), tokens }
    }
}

impl IdentityBench for Bench {
    fn provider(&self) -> &dyn IdentityProvider {
        &self.cognito
    }

    fn accounts(&self) -> &dyn IdentityAccounts {
        &self.cognito
    }

    fn factors(&self) -> &dyn IdentityFactors {
        &self.cognito
    }

    fn tokens(&self) -> &dyn ProviderTokens {
        &self.tokens
    }

    fn pool(&self) -> &UserPool {
        &self.pool
    }

    fn cannot(&self) -> &'static [Lack] {
        LACKS
    }

    fn sign_up_code(&self) -> ProviderCode {
        ProviderCode::new("123456".to_owned())
    }

    fn reset_code(&self) -> ProviderCode {
        ProviderCode::new("123456".to_owned())
    }

    fn wrong_reset_code(&self) -> ProviderCode {
        // The only kind of code it looks at.
        ProviderCode::new("moto-confirmation-code:000000".to_owned())
    }
}

mod named_users {
    auth_testkit::identity_contract!(|| super::Bench::new(auth_testkit::part::PoolKind::Named));
}

/// The client has a secret, which `moto` checks at a refresh and at a challenge, and nowhere else.
mod client_with_secret {
    auth_testkit::identity_contract!(|| super::Bench::new(auth_testkit::part::PoolKind::Secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_wrong_secret_renews_nothing() {
    let bench = Bench::new(PoolKind::Secret);
    let email = Email::parse("ada@example.com").unwrap();
    bench.pool.invite(email.as_str(), "Temp0rary-Secret!");
    let asked = bench.cognito.sign_in(&email, &Password::new("Temp0rary-Secret!".to_owned())).await.unwrap();
    let ProviderSignIn::Challenge(asked) = asked else { panic!("{asked:?}") };
    let chosen = ProviderAnswer::NewPassword(Password::new("C0rrect-Secret!".to_owned()));
    let done = bench.cognito.answer(&asked, &chosen).await.unwrap();
    let ProviderSignIn::Done(login) = done else { panic!("{done:?}") };
    let config = CognitoConfig {
        client_secret: Some("another".to_owned().into()),
        endpoint_url: Some(bench.pool.url()),
        ..CognitoConfig::new("us-east-1", &bench.pool.id, &bench.pool.client_id)
    };
    let refused = Cognito::new(config).unwrap().refresh(&login.user.username, &login.refresh).await;
    assert!(refused.is_err(), "{refused:?}");
    bench.cognito.refresh(&login.user.username, &login.refresh).await.unwrap();
}
