//! What API keys that are minted outside are verified with.

use auth_crypto::{OutsideKeys, OutsideKeysConfig, UnfitPublicKey};

use crate::settings::{Settings, Spec, table};

/// The verifier of the settings.
///
/// # Errors
/// When the public key is none of the algorithm.
pub(super) fn outside(settings: &Settings) -> Result<OutsideKeys, UnfitPublicKey> {
    let keys = &settings.api_keys;
    OutsideKeys::new(OutsideKeysConfig {
        algorithm: keys.algorithm,
        secret: keys.secret.clone(),
        public_key: keys.public_key.clone(),
    })
}

/// What is wrong with the public key, in one line.
pub(super) fn refusal(settings: &Settings) -> Option<(&'static Spec, String)> {
    outside(settings).err().map(|error| (&table::API_KEY_PUBLIC_KEY, error.to_string()))
}
