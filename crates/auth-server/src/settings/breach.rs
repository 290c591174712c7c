//! Where new passwords are looked up among those known from breaches.

use std::path::PathBuf;

use super::BaseUrl;

/// The sources; none unless set.
#[derive(Clone, Debug, Default)]
pub struct BreachSettings {
    /// A service that answers ranges.
    pub url: Option<BaseUrl>,
    /// Authorities to trust there, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// A file of sorted hashes.
    pub file: Option<PathBuf>,
}
