//! Signs in as the server would: `sign_in ada@example.com PASSWORD`.
//!
//! Reads `COGNITO_REGION`, `COGNITO_USER_POOL_ID`, `COGNITO_CLIENT_ID`, `COGNITO_CLIENT_SECRET`,
//! `COGNITO_ENDPOINT_URL` and `COGNITO_ISSUER`; needs no credentials.

use std::{
    env,
    error::Error,
    io::{Write as _, stdout},
    time::Instant,
};

use auth_cognito::{Cognito, CognitoConfig};
use auth_domain::{
    port::IdentityProvider as _,
    user::{Email, Password},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(email), Some(password)) = (args.next(), args.next()) else {
        return Err("usage: sign_in ada@example.com PASSWORD".into());
    };
    let config = CognitoConfig {
        client_secret: env::var("COGNITO_CLIENT_SECRET").ok().map(Into::into),
        endpoint_url: env::var("COGNITO_ENDPOINT_URL").ok(),
        issuer: env::var("COGNITO_ISSUER").ok(),
        ..CognitoConfig::new(
            env::var("COGNITO_REGION")?,
            env::var("COGNITO_USER_POOL_ID")?,
            env::var("COGNITO_CLIENT_ID")?,
        )
    };
    let cognito = Cognito::new(config)?;
    let begun = Instant::now();
    let outcome = cognito.sign_in(&Email::parse(&email)?, &Password::new(password)).await;
    writeln!(stdout(), "{outcome:?} after {:?}", begun.elapsed())?;
    outcome.map(drop).map_err(Into::into)
}
