//! Files that commands write for their operator's eyes only.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
};

use anyhow::Context as _;

/// A file, new and for nobody else's eyes; `-` is standard output.
///
/// # Errors
/// When there is a file already, or none can be made.
pub(super) fn create(to: &str) -> anyhow::Result<Box<dyn Write + Send>> {
    if to == "-" {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(to);
    Ok(Box::new(BufWriter::new(file.with_context(|| format!("cannot make {to}"))?)))
}
