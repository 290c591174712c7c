//! Lines of a CSV file (RFC 4180): the first names the fields, separated by commas.

use std::{fs::File, io, path::Path};

use anyhow::Context as _;
use auth_domain::port::{Comer, Origin};
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::{
    fields,
    lines::{Line, Lines},
};

/// A file that is being read.
pub(super) struct CsvLines {
    lines: Lines,
    names: Vec<String>,
}

impl CsvLines {
    /// Reads the first line.
    ///
    /// # Errors
    /// Which name is wrong: then every line would be.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut lines = Lines::of(file);
        let names = names(&mut lines).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
        Ok(Self { lines, names })
    }

    /// The next one; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Comer>> {
        Ok(self.lines.next(has_open_quote)?.map(|Line { number, content }| {
            let origin = Origin::Line(number);
            match content.and_then(|content| self.newcomer(origin, &content)) {
                Ok(newcomer) => Comer::Entry(Box::new(newcomer)),
                Err(reason) => Comer::Unreadable { origin, reason },
            }
        }))
    }

    fn newcomer(&self, origin: Origin, content: &[u8]) -> Result<auth_domain::port::Newcomer, String> {
        let record = record(content)?;
        if record.len() != self.names.len() {
            return Err(format!("the line has {} fields, the first one {}", record.len(), self.names.len()));
        }
        let named = self.names.iter().cloned().zip(record.iter().map(Value::from));
        fields::newcomer(origin, &named.collect::<Map<_, _>>())
    }
}

fn names(lines: &mut Lines) -> Result<Vec<String>, String> {
    let line = lines.next(has_open_quote).map_err(|error| error.to_string())?;
    let content = line.map_or_else(|| Ok(Vec::new()), |line| line.content)?;
    let record = record(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content))?;
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    for (at, name) in names.iter().enumerate() {
        fields::check_name(name)?;
        if names[..at].contains(name) {
            return Err(format!("two fields `{name}`"));
        }
    }
    if names.iter().any(|name| name == "email") {
        Ok(names)
    } else {
        Err("the first line must name the fields, and `email` is missing".to_owned())
    }
}

fn record(content: &[u8]) -> Result<StringRecord, String> {
    let reader =
        ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 10).from_reader(content);
    match reader.into_records().next() {
        Some(Ok(record)) => Ok(record),
        Some(Err(_)) => Err("the line is not text in UTF-8".to_owned()),
        None => Ok(StringRecord::new()),
    }
}

/// Whether a field goes on in the next line: quotes within a field come in pairs.
fn has_open_quote(content: &[u8]) -> bool {
    content.iter().fold(false, |open, byte| open != (*byte == b'"'))
}
