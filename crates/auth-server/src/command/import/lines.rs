//! Numbered lines of a file. Empty ones are none.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
};

/// A line longer than this is none: somebody's fields take a thousand characters.
const LONGEST: u64 = 64 * 1024;

/// A file that is being read.
pub(super) struct Lines {
    input: BufReader<File>,
    number: u64,
}

/// A line, or several that belong together.
pub(super) struct Line {
    /// The number of the first one, from 1.
    pub(super) number: u64,
    /// What is in it, or why it is none.
    pub(super) content: Result<Vec<u8>, String>,
}

impl Lines {
    pub(super) fn of(file: File) -> Self {
        Self { input: BufReader::new(file), number: 0 }
    }

    /// The next one that is not empty, with those behind it as long as it `goes_on`; `None` at the end.
    pub(super) fn next(&mut self, goes_on: fn(&[u8]) -> bool) -> io::Result<Option<Line>> {
        let mut content = Vec::new();
        let mut first = None;
        loop {
            let before = content.len();
            self.input.by_ref().take(LONGEST).read_until(b'\n', &mut content)?;
            if content.len() == before {
                return Ok(first.map(|number| Line { number, content: Ok(content) }));
            }
            self.number += 1;
            if content.len() as u64 >= LONGEST {
                if content.last() != Some(&b'\n') {
                    self.input.skip_until(b'\n')?;
                }
                let number = first.unwrap_or(self.number);
                return Ok(Some(Line { number, content: Err("the line is too long".to_owned()) }));
            }
            if content.trim_ascii().is_empty() {
                content.clear();
            } else if goes_on(&content) {
                first = first.or(Some(self.number));
            } else {
                return Ok(Some(Line { number: first.unwrap_or(self.number), content: Ok(content) }));
            }
        }
    }
}
