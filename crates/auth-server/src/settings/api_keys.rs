//! API keys: those of this server, and those that are minted outside.

use auth_domain::{
    port::{OutsideKeyAlgorithm, Quota},
    secret::ServerSecret,
};

use super::{
    parse::{self, Wrong},
    reader::Reader,
    table,
};

/// The settings `API_KEY_*`.
#[derive(Clone, Debug)]
pub struct ApiKeySettings {
    /// `API_KEY_ALGORITHM`: the one algorithm of keys that are minted outside.
    pub algorithm: OutsideKeyAlgorithm,
    /// `API_KEY_SECRET`: verifies them if the algorithm is one with a shared secret.
    pub secret: Option<ServerSecret>,
    /// `API_KEY_PUBLIC_KEY`: verifies them if it is another.
    pub public_key: Option<String>,
    /// `API_KEY_HEADER`: where keys to be validated are shown.
    pub header: String,
    /// `RATE_LIMIT_API_KEY_PER_MINUTE`: how often each key of this server may be used.
    pub quota: Quota,
}

/// Reads them, in the order of the table.
pub(super) fn read(from: &mut Reader) -> ApiKeySettings {
    ApiKeySettings {
        secret: from.secret(&table::API_KEY_SECRET),
        algorithm: from.value(&table::API_KEY_ALGORITHM, |name| name.parse().map_err(|_| Wrong::Shape)),
        public_key: from.optional(&table::API_KEY_PUBLIC_KEY, |text| Ok(text.replace("\\n", "\n"))),
        header: from.value(&table::API_KEY_HEADER, parse::header_name),
        quota: Quota::per_minute(from.number(&table::RATE_LIMIT_API_KEY_PER_MINUTE)),
    }
}
