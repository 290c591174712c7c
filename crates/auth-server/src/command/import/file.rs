//! A file as a source of people.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use async_trait::async_trait;
use auth_domain::port::{Comer, Origin, PeopleSource, StoreError};
use serde_json::Value;

use super::{
    csv::CsvLines,
    fields,
    lines::{Line, Lines},
};
use crate::cli::FileFormat;

/// A file that is being read.
pub(super) struct FileSource {
    path: PathBuf,
    format: FileFormat,
    lines: Format,
}

/// The lines in one of the forms.
enum Format {
    Csv(CsvLines),
    Ndjson(NdjsonLines),
}

impl FileSource {
    /// Opens a file; without a format its name tells.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn open(path: &Path, format: Option<FileFormat>) -> anyhow::Result<Self> {
        let named = path.extension().and_then(|extension| extension.to_str()).and_then(FileFormat::of_name);
        let format = format
            .or(named)
            .with_context(|| format!("{}: say with --format whether it is ndjson or csv", path.display()))?;
        Ok(Self { path: path.to_owned(), format, lines: lines(path, format)? })
    }
}

fn lines(path: &Path, format: FileFormat) -> anyhow::Result<Format> {
    Ok(match format {
        FileFormat::Csv => Format::Csv(CsvLines::open(path)?),
        FileFormat::Ndjson => Format::Ndjson(NdjsonLines::open(path)?),
    })
}

#[async_trait]
impl PeopleSource for FileSource {
    async fn count(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn rewind(&mut self) -> Result<(), StoreError> {
        self.lines = lines(&self.path, self.format).map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(())
    }

    async fn next(&mut self, limit: u32) -> Result<Vec<Comer>, StoreError> {
        let mut comers = Vec::new();
        for _ in 0..limit {
            let next = match &mut self.lines {
                Format::Csv(lines) => lines.next(),
                Format::Ndjson(lines) => lines.next(),
            };
            match next.map_err(|error| StoreError::Unavailable(Box::new(error)))? {
                Some(comer) => comers.push(comer),
                None => break,
            }
        }
        Ok(comers)
    }
}

/// One JSON object a line.
struct NdjsonLines(Lines);

impl NdjsonLines {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self(Lines::of(file)))
    }

    fn next(&mut self) -> io::Result<Option<Comer>> {
        Ok(self.0.next(|_| false)?.map(|Line { number, content }| {
            let origin = Origin::Line(number);
            match content {
                Ok(content) => comer(origin, content.trim_ascii()),
                Err(reason) => Comer::Unreadable { origin, reason },
            }
        }))
    }
}

fn comer(origin: Origin, line: &[u8]) -> Comer {
    let made = match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object
            .keys()
            .try_for_each(|name| fields::check_name(name))
            .and_then(|()| fields::newcomer(origin, &object)),
        _ => Err("the line is not a JSON object".to_owned()),
    };
    match made {
        Ok(newcomer) => Comer::Entry(Box::new(newcomer)),
        Err(reason) => Comer::Unreadable { origin, reason },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn read(name: &str, content: &[u8]) -> Vec<Comer> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        let mut source = FileSource::open(&path, None).unwrap();
        source.next(1).await.unwrap();
        source.rewind().await.unwrap();
        let mut all = Vec::new();
        loop {
            let some = source.next(2).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    fn told(comers: &[Comer]) -> Vec<String> {
        comers
            .iter()
            .map(|comer| match comer {
                Comer::Entry(newcomer) => format!("{}: {}", newcomer.origin, newcomer.email),
                Comer::Unreadable { origin, reason } => format!("{origin}! {reason}"),
                Comer::Old(_) => panic!("a file has no rows"),
            })
            .collect()
    }

    #[tokio::test]
    async fn lines_of_json_are_read_and_numbered() {
        let mut file = b"{\"email\":\"a@b.example\"}\n\n  {\"email\":\"c@d.example\"}  \r\nnull\n".to_vec();
        file.extend_from_slice(b"{\"mail\":\"e@f.example\"}\n{\"email\":\"\xff\"}\n");
        file.extend(std::iter::repeat_n(b'x', 70_000));
        file.extend_from_slice(b"\n{\"email\":\"last@b.example\"}");
        assert_eq!(
            told(&read("users.ndjson", &file).await),
            [
                "line 1: a@b.example",
                "line 3: c@d.example",
                "line 4! the line is not a JSON object",
                "line 5! there is no field `mail`; is `email` meant?",
                "line 6! the line is not a JSON object",
                "line 7! the line is too long",
                "line 8: last@b.example",
            ]
        );
    }

    #[tokio::test]
    async fn lines_of_csv_are_read_and_numbered() {
        let file = b"\xef\xbb\xbfemail, name,verified\r\na@b.example,\"Ada, \"\"A\"\"\",true\n\n\
            c@d.example\ne@f.example,\"two\nlines\",yes\ng@h.example,,maybe\n\xff,x,true\ni@j.example,,\nk@l.example \"\n\n";
        let comers = read("users.CSV", file).await;
        assert_eq!(
            told(&comers),
            [
                "line 2: a@b.example",
                "line 4! the line has 1 fields, the first one 3",
                "line 5: e@f.example",
                "line 7! `verified` is neither true nor false",
                "line 8! the line is not text in UTF-8",
                "line 9: i@j.example",
                "line 10! the line has 1 fields, the first one 3",
            ]
        );
        let Comer::Entry(ada) = &comers[0] else { panic!("somebody") };
        assert_eq!((ada.full_name.as_deref(), ada.email_verified), (Some("Ada, \"A\""), true));
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused_whole() {
        let directory = tempfile::tempdir().unwrap();
        let refused = |name: &str, content: &str| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            FileSource::open(&path, None).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused("a.csv", "email,pasword_hash\n").contains("is `password_hash` meant?"));
        assert!(refused("b.csv", "email,email\n").contains("two fields `email`"));
        assert!(refused("c.csv", "name\n").contains("`email` is missing"));
        assert!(refused("d.csv", "").contains("`email` is missing"));
        assert!(refused("e.txt", "").contains("--format"));
    }
}
