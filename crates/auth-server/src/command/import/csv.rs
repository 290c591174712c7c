//! Lines of a CSV file (RFC 4180): the first names the fields, separated by commas.

use std::{fs::File, path::Path};

use anyhow::Context as _;
use auth_domain::port::{Comer, Origin};
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value};

use super::fields;

/// A file that is being read.
pub(super) struct CsvLines {
    reader: Reader<File>,
    names: Vec<String>,
}

impl CsvLines {
    /// Reads the first line.
    ///
    /// # Errors
    /// Which name is wrong: then every line would be.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut reader = ReaderBuilder::new().trim(Trim::Headers).flexible(true).from_reader(file);
        let names = reader.headers().with_context(|| format!("cannot read {}", path.display()))?;
        let names: Vec<String> = names.iter().map(ToOwned::to_owned).collect();
        for (at, name) in names.iter().enumerate() {
            fields::check_name(name).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
            anyhow::ensure!(!names[..at].contains(name), "{}: two fields `{name}`", path.display());
        }
        anyhow::ensure!(
            names.iter().any(|name| name == "email"),
            "{}: the first line must name the fields, and `email` is missing",
            path.display()
        );
        Ok(Self { reader, names })
    }

    /// The next one; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Comer>, std::io::Error> {
        let mut record = StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(self.comer(&record))),
            Err(error) if error.is_io_error() => Err(error.into()),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let reason = "the line is not text in UTF-8".to_owned();
                Ok(Some(Comer::Unreadable { origin: Origin::Line(line), reason }))
            }
        }
    }

    fn comer(&self, record: &StringRecord) -> Comer {
        let origin = Origin::Line(record.position().map_or(0, csv::Position::line));
        let made = if record.len() == self.names.len() {
            let named = self.names.iter().cloned().zip(record.iter().map(Value::from));
            fields::newcomer(origin, &named.collect::<Map<_, _>>())
        } else {
            Err(format!("the line has {} fields, the first one {}", record.len(), self.names.len()))
        };
        match made {
            Ok(newcomer) => Comer::Entry(Box::new(newcomer)),
            Err(reason) => Comer::Unreadable { origin, reason },
        }
    }
}
