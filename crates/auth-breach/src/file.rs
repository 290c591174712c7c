//! A file of hashes on this machine.

use std::{
    cmp::Ordering,
    fmt,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::{
    port::{BreachError, BreachedPasswords},
    user::Password,
};

use crate::digest::HexDigest;

/// A disk that does not answer must not keep people from an account.
const BUDGET: Duration = Duration::from_millis(800);
/// Longest line: 40 digits, a colon, a count, and the ends of lines of two systems.
const LINE: u64 = 80;

/// SHA-1 hashes in the order of their digits, one a line, like `5BAA…8FD8` or `5BAA…8FD8:10434004`: what the
/// downloaders of the service write. Searched where it lies, so its size does not matter.
pub struct BreachFile {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
}

/// The file is not one of sorted hashes.
#[derive(Debug, thiserror::Error)]
pub enum BreachFileError {
    /// It cannot be read.
    #[error("{} cannot be read", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// It holds something else.
    #[error("{} does not hold SHA-1 hashes in their order, one a line", .0.display())]
    Content(PathBuf),
}

impl BreachFile {
    /// Opens a file, and looks at its ends.
    ///
    /// # Errors
    /// [`BreachFileError`] says what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, BreachFileError> {
        let failed = |error| BreachFileError::Io(path.to_owned(), error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let opened = Self { path: path.to_owned(), file: Arc::new(file), length };
        let content = |_| BreachFileError::Content(path.to_owned());
        let first = line_at(&opened.file, 0, 0, length).map_err(content)?;
        let last = line_at(&opened.file, length.saturating_sub(2), 0, length).map_err(content)?;
        if first.digits > last.digits { Err(BreachFileError::Content(path.to_owned())) } else { Ok(opened) }
    }
}

impl fmt::Debug for BreachFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachFile").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl BreachedPasswords for BreachFile {
    async fn contains(&self, password: &Password) -> Result<bool, BreachError> {
        let (file, length, digest) = (Arc::clone(&self.file), self.length, HexDigest::of(password));
        let search = tokio::task::spawn_blocking(move || search(&file, length, &digest));
        match tokio::time::timeout(BUDGET, search).await {
            Ok(Ok(found)) => found.map_err(|error| BreachError(error.into())),
            Ok(Err(error)) => Err(BreachError(error.into())),
            Err(late) => Err(BreachError(late.into())),
        }
    }
}

/// A line, and where it lies.
struct Line {
    digits: [u8; HexDigest::DIGITS],
    start: u64,
    end: u64,
}

/// Halves what may hold the digest until nothing is left of it.
fn search(file: &File, length: u64, digest: &HexDigest) -> io::Result<bool> {
    let (mut low, mut high) = (0, length);
    while low < high {
        let line = line_at(file, low.midpoint(high), low, high)?;
        match line.digits.as_slice().cmp(digest.as_str().as_bytes()) {
            Ordering::Equal => return Ok(true),
            Ordering::Less => low = line.end,
            Ordering::Greater => high = line.start,
        }
    }
    Ok(false)
}

/// The line that the byte at `at` is part of. Lines begin at `low` and end at `high`.
fn line_at(file: &File, at: u64, low: u64, high: u64) -> io::Result<Line> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "not a list of hashes");
    let from = at.saturating_sub(LINE).max(low);
    let to = at.saturating_add(LINE).min(high);
    let mut bytes = vec![0; usize::try_from(to - from).map_err(|_| malformed())?];
    file.read_exact_at(&mut bytes, from)?;
    let middle = usize::try_from(at - from).map_err(|_| malformed())?;
    let start = bytes[..middle].iter().rposition(|&byte| byte == b'\n').map_or(0, |found| found + 1);
    let end = bytes[middle..].iter().position(|&byte| byte == b'\n').map(|found| middle + found + 1);
    let whole = (start > 0 || from == low) && (end.is_some() || to == high);
    let line = &bytes[start..end.unwrap_or(bytes.len())];
    let (digits, rest) = line.split_first_chunk().ok_or_else(malformed)?;
    let ends = rest.first().is_none_or(|byte| matches!(byte, b':' | b'\r' | b'\n'));
    if !whole || !ends || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed());
    }
    let start = from + start as u64;
    Ok(Line { digits: digits.map(|byte| byte.to_ascii_uppercase()), start, end: start + line.len() as u64 })
}
