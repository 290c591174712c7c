//! The user pool at AWS Cognito.

use std::sync::Arc;

use anyhow::Context as _;
use auth_cognito::{Cognito, CognitoConfig, CognitoConfigError, CognitoTokens};
use auth_domain::usecase::ProviderPorts;

use super::watch::PartWatch;
use crate::settings::{BaseUrl, CognitoSettings, Settings, Spec, table};

/// The pool of the settings, if they name one. Connects when it is first asked.
///
/// # Errors
/// One sentence about what cannot be used.
pub(super) fn provider(settings: &Settings, watch: &Arc<PartWatch>) -> anyhow::Result<Option<ProviderPorts>> {
    settings.cognito.as_ref().map(|pool| ports(pool, watch).context("cannot use AWS Cognito")).transpose()
}

fn ports(pool: &CognitoSettings, watch: &Arc<PartWatch>) -> anyhow::Result<ProviderPorts> {
    let config = config(pool);
    let tokens = Arc::new(CognitoTokens::new(&config)?);
    let cognito = Arc::new(Cognito::new(config)?.watched_by(Arc::clone(watch) as _));
    Ok(ProviderPorts {
        issuer: issuer(pool),
        sign_in: Arc::clone(&cognito) as _,
        accounts: Arc::clone(&cognito) as _,
        factors: cognito,
        tokens,
    })
}

fn config(pool: &CognitoSettings) -> CognitoConfig {
    CognitoConfig {
        client_secret: pool.client_secret.clone(),
        endpoint_url: pool.endpoint.as_ref().map(|url| url.as_str().to_owned()),
        issuer: pool.issuer.as_ref().map(|url| url.as_str().to_owned()),
        ..CognitoConfig::new(&pool.region, &pool.pool_id, &pool.client_id)
    }
}

/// What the identities of the pool are named after.
fn issuer(pool: &CognitoSettings) -> String {
    let china = if pool.region.starts_with("cn-") { ".cn" } else { "" };
    let own = || format!("https://cognito-idp.{}.amazonaws.com{china}/{}", pool.region, pool.pool_id);
    pool.issuer.as_ref().map_or_else(own, BaseUrl::to_string)
}

/// What Cognito refuses of the settings: which of them, and one line about it.
pub(super) fn refusals(settings: &Settings) -> Vec<(&'static Spec, String)> {
    let Some(pool) = &settings.cognito else { return Vec::new() };
    let refusal = |mistake: CognitoConfigError| {
        let spec = match mistake {
            CognitoConfigError::Region => &table::COGNITO_REGION,
            CognitoConfigError::Client => &table::COGNITO_CLIENT_ID,
            CognitoConfigError::Secret => &table::COGNITO_CLIENT_SECRET,
            CognitoConfigError::Endpoint => &table::COGNITO_ENDPOINT_URL,
            CognitoConfigError::Issuer => &table::COGNITO_ISSUER,
            _ => &table::COGNITO_USER_POOL_ID,
        };
        (spec, mistake.to_string())
    };
    config(pool).mistakes().into_iter().map(refusal).collect()
}
