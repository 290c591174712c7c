//! A value as somebody wrote it, and where.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody set it.
    Default,
    /// A variable of the environment, under another name if one is given.
    Environment { alias: Option<String> },
    /// A line of a file, under another name if one is given.
    Line { file: String, line: usize, alias: Option<String> },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alias = match self {
            Self::Default => return f.write_str("default"),
            Self::Environment { alias } => {
                f.write_str("environment")?;
                alias
            }
            Self::Line { file, line, alias } => {
                write!(f, "{file} line {line}")?;
                alias
            }
        };
        alias.as_ref().map_or(Ok(()), |alias| write!(f, ", as {alias}"))
    }
}

/// A value as it was found. All of them are kept like secrets until the table says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) text: SecretString,
    pub(crate) source: Source,
    /// The file that a `…_FILE` variable pointed to, or that the line stands in.
    pub(crate) file: Option<PathBuf>,
}
