//! Who knows breached passwords.

use std::sync::Arc;

use auth_breach::{BreachFile, BreachFileError, BreachSources, RangeApi, RangeConfig, RangeConfigError};
use auth_domain::port::BreachedPasswords;

use super::watch::PartWatch;
use crate::settings::{Settings, Spec, table};

/// The sources of the settings; `None` when there is none.
///
/// # Errors
/// One sentence about the source that cannot be used.
pub(super) fn sources(
    settings: &Settings,
    watch: &Arc<PartWatch>,
) -> anyhow::Result<Option<Arc<dyn BreachedPasswords>>> {
    let mut sources: Vec<Arc<dyn BreachedPasswords>> = Vec::new();
    if let Some(file) = file(settings) {
        sources.push(Arc::new(file?));
    }
    if let Some(api) = api(settings) {
        sources.push(Arc::new(api?.watched_by(Arc::clone(watch) as _)));
    }
    Ok(BreachSources::of(sources).map(|sources| Arc::new(sources) as _))
}

/// What is wrong with the sources, in one line each.
pub(super) fn refusals(settings: &Settings) -> Vec<(&'static Spec, String)> {
    let file = file(settings).and_then(Result::err);
    let api = api(settings).and_then(Result::err);
    let file = file.map(|error| (&table::PASSWORD_BREACH_FILE, error.to_string()));
    let api = api.map(|error| {
        let of_url = matches!(error, RangeConfigError::Url);
        let spec =
            if of_url { &table::PASSWORD_BREACH_CHECK_URL } else { &table::PASSWORD_BREACH_CHECK_CA_FILE };
        (spec, error.to_string())
    });
    file.into_iter().chain(api).collect()
}

fn file(settings: &Settings) -> Option<Result<BreachFile, BreachFileError>> {
    settings.breached_passwords.file.as_deref().map(BreachFile::open)
}

fn api(settings: &Settings) -> Option<Result<RangeApi, RangeConfigError>> {
    let breached = &settings.breached_passwords;
    let url = breached.url.as_ref()?.as_str().to_owned();
    Some(RangeApi::new(&RangeConfig { url, ca_file: breached.ca_file.clone() }))
}
