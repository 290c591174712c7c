//! Who keeps the passwords, and the user pool at AWS Cognito.

use auth_http::settings::Providers;
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    parse::{self, BaseUrl},
    reader::Reader,
    table,
};

/// The user pool, and what becomes of its passwords.
#[derive(Clone, Debug)]
pub struct CognitoSettings {
    /// `COGNITO_REGION`, else `AWS_REGION`.
    pub region: String,
    /// `COGNITO_USER_POOL_ID`.
    pub pool_id: String,
    /// `COGNITO_CLIENT_ID`.
    pub client_id: String,
    /// `COGNITO_CLIENT_SECRET`.
    pub client_secret: Option<SecretString>,
    /// `COGNITO_ENDPOINT_URL`: another address than the region's own.
    pub endpoint: Option<BaseUrl>,
    /// `COGNITO_ISSUER`: another issuer than the pool's own name.
    pub issuer: Option<BaseUrl>,
}

impl CognitoSettings {
    /// Whether passwords cross the network unencrypted.
    pub fn is_open_to_readers(&self) -> bool {
        self.endpoint.as_ref().is_some_and(BaseUrl::is_open_to_readers)
    }
}

/// What the settings say about providers of identities.
pub(super) struct Identity {
    pub(super) providers: Providers,
    pub(super) cognito: Option<CognitoSettings>,
    pub(super) migrate_passwords: bool,
    pub(super) recheck: TimeDelta,
}

/// Reads who keeps the passwords. The pool counts only where it is asked.
pub(super) fn identity(from: &mut Reader) -> Identity {
    let providers =
        from.choice(&table::AUTH_PROVIDER, &[Providers::Native, Providers::Cognito, Providers::Both]);
    let pool = pool(from, providers.has_cognito());
    Identity {
        providers,
        cognito: pool.filter(|_| providers.has_cognito()),
        migrate_passwords: from.choice(&table::COGNITO_MIGRATION, &[false, true]),
        recheck: TimeDelta::minutes(from.number(&table::COGNITO_RECHECK_MINUTES)),
    }
}

/// The pool, if it is named; refuses what is missing where it is needed.
fn pool(from: &mut Reader, needed: bool) -> Option<CognitoSettings> {
    let region = from.optional(&table::COGNITO_REGION, parse::plain);
    let common = from.raw(&table::AWS_REGION).map(|raw| raw.text.expose_secret().to_owned());
    let region = region.or(common);
    let pool_id = from.optional(&table::COGNITO_USER_POOL_ID, parse::plain);
    let client_id = from.optional(&table::COGNITO_CLIENT_ID, parse::plain);
    let client_secret = from.optional(&table::COGNITO_CLIENT_SECRET, |text| Ok(SecretString::from(text)));
    let endpoint = from.optional(&table::COGNITO_ENDPOINT_URL, parse::base_url);
    let issuer = from.optional(&table::COGNITO_ISSUER, parse::base_url);
    let missing = [
        (&table::COGNITO_REGION, region.is_none(), "or AWS_REGION must be set, such as us-east-1"),
        (&table::COGNITO_USER_POOL_ID, pool_id.is_none(), "must be set, such as us-east-1_Ab1Cd2Ef3"),
        (
            &table::COGNITO_CLIENT_ID,
            client_id.is_none(),
            "must be set: the client of this server in the pool",
        ),
    ];
    for (spec, is_missing, reason) in missing {
        if needed && is_missing {
            from.refuse(spec, format!("{reason}, for AUTH_PROVIDER names Cognito"));
        }
    }
    let (region, pool_id, client_id) = (region?, pool_id?, client_id?);
    Some(CognitoSettings { region, pool_id, client_id, client_secret, endpoint, issuer })
}
