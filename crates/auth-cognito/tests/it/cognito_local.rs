//! Against the mock `cognito-local`: it checks codes and authenticator apps, and little else.

use auth_cognito::{Cognito, CognitoConfig, CognitoTokens};
use auth_domain::port::{IdentityAccounts, IdentityFactors, IdentityProvider, ProviderCode, ProviderTokens};
use auth_testkit::{
    contract::identity::{Ability, IdentityBench, Lack},
    part::{CognitoLocal, PoolKind, UserPool},
};

/// What `cognito-local` 5.3.0 cannot do.
const LACKS: &[Lack] = &[
    (Ability::PasswordPolicy, "has no policy"),
    (Ability::ResendingCodes, "knows no such call"),
    (Ability::DisabledAccounts, "disables and does not look"),
    (Ability::DisabledRefresh, "disables and does not look"),
    (Ability::SigningOut, "knows no such call"),
    (Ability::TellingTokens, "calls a token it cannot read a wrong parameter"),
    (Ability::Sessions, "takes any session"),
    (Ability::TextMessages, "offers no way to make them a factor"),
];

struct Bench {
    pool: UserPool,
    cognito: Cognito,
    tokens: CognitoTokens,
}

impl Bench {
    fn new() -> Self {
        let pool = CognitoLocal::shared().user_pool(PoolKind::Named);
        let config = CognitoConfig {
            endpoint_url: Some(pool.url()),
            issuer: Some(format!("{}/{}", pool.url(), pool.id)),
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
        ProviderCode::new(CognitoLocal::CODE.to_owned())
    }

    fn reset_code(&self) -> ProviderCode {
        self.sign_up_code()
    }

    fn wrong_reset_code(&self) -> ProviderCode {
        ProviderCode::new("000000".to_owned())
    }
}

auth_testkit::identity_contract!(Bench::new);
