//! Why the settings stop the start: one line for each reason, and never a secret in it.

use std::fmt;

use super::source::Source;

/// One reason, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    subject: String,
    source: Option<String>,
    reason: String,
}

impl Refusal {
    /// Names a setting, where its value came from, and what is wrong with it.
    pub(crate) fn of(setting: &str, source: &Source, reason: impl Into<String>) -> Self {
        Self { subject: setting.to_owned(), source: Some(source.to_string()), reason: reason.into() }
    }

    /// Names a place, such as a file, instead of a setting.
    pub(crate) fn at(place: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self { subject: place.to_string(), source: None, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match &self.source {
            Some(source) => format!("{} ({source}): {}", self.subject, self.reason),
            None => format!("{}: {}", self.subject, self.reason),
        };
        // Paths and values may hold anything; a log that is read line by line must not be misled.
        line.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => write!(f, "{c}"),
        })
    }
}

/// The settings cannot be used. `Display` gives one line for each [`Refusal`].
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<Refusal>);

impl SettingsError {
    /// Wraps the reasons; `Ok` when there are none.
    pub(crate) fn check(refusals: Vec<Refusal>) -> Result<(), Self> {
        if refusals.is_empty() { Ok(()) } else { Err(Self(refusals)) }
    }

    /// Every reason that was found.
    pub fn refusals(&self) -> &[Refusal] {
        &self.0
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, refusal) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{refusal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// A value as a message may show it: quoted, and cut where it gets long.
pub(crate) fn shown(value: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String = value.chars().take(LONGEST).collect();
    let more = if cut.len() < value.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
