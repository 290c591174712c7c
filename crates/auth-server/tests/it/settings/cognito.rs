//! Who keeps the passwords.

use auth_server::settings::{CognitoSettings, Providers};
use chrono::TimeDelta;

use crate::support::Place;

fn pool() -> Place {
    Place::new()
        .env("AUTH_PROVIDER", "both")
        .env("COGNITO_REGION", "eu-central-1")
        .env("COGNITO_USER_POOL_ID", "eu-central-1_Ab1")
        .env("COGNITO_CLIENT_ID", "4s8k2")
}

fn cognito(place: &Place) -> CognitoSettings {
    place.load().settings.cognito.expect("a pool")
}

#[test]
fn this_server_keeps_the_passwords_unless_told_otherwise() {
    let settings = Place::new().load().settings;
    assert_eq!((settings.auth_provider, settings.cognito.is_none()), (Providers::Native, true));
    assert_eq!((settings.migrate_passwords, settings.provider_recheck), (false, TimeDelta::minutes(15)));
    for (word, providers) in [("cognito", Providers::Cognito), ("Both", Providers::Both)] {
        assert_eq!(pool().env("AUTH_PROVIDER", word).load().settings.auth_provider, providers);
    }
    // A pool that nobody is to be asked for counts for nothing.
    assert!(pool().env("AUTH_PROVIDER", "native").load().settings.cognito.is_none());
    let lazy = pool().env("COGNITO_MIGRATION", "lazy").env("COGNITO_RECHECK_MINUTES", "1").load().settings;
    assert_eq!((lazy.migrate_passwords, lazy.provider_recheck), (true, TimeDelta::minutes(1)));
}

#[test]
fn a_pool_is_named_by_region_name_and_client() {
    let refusals = Place::new().env("AUTH_PROVIDER", "cognito").refusals();
    let settings: Vec<_> = refusals.iter().filter_map(|refusal| refusal.split(' ').next()).collect();
    assert_eq!(settings, ["COGNITO_REGION", "COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID"], "{refusals:?}");
    assert_eq!(cognito(&pool()).region, "eu-central-1");
    let common = Place::new()
        .env("AUTH_PROVIDER", "cognito")
        .env("AWS_REGION", "eu-central-1")
        .env("SMS_PROVIDER", "off")
        .env("COGNITO_USER_POOL_ID", "eu-central-1_Ab1")
        .env("COGNITO_CLIENT_ID", "4s8k2");
    assert_eq!(cognito(&common).region, "eu-central-1");
    let elsewhere = pool().env("COGNITO_USER_POOL_ID", "us-east-1_Ab1").refusal();
    assert!(
        elsewhere.starts_with("COGNITO_USER_POOL_ID (environment): the user pool is named by"),
        "{elsewhere}"
    );
}

#[test]
fn the_secret_of_the_client_is_not_shown() {
    let place = pool().env("COGNITO_CLIENT_SECRET", "hunter2hunter2");
    assert!(cognito(&place).client_secret.is_some());
    assert!(!format!("{:?}", place.load()).contains("hunter2"));
}
