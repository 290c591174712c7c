//! The file behind the mailbox: one JSON object a line, newest last.
//!
//! A message is on the disk before [`Journal::append`] returns. A line without its end was never
//! acknowledged (the process died, or the disk was full), so it is not a message, and the next write
//! removes it. One process writes at a time.

use std::{
    collections::VecDeque,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use auth_domain::port::{CapturedMessage, Channel};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const FILE: &str = "messages.jsonl";
const NEW_FILE: &str = "messages.jsonl.new";

/// What a line says.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Message(Record),
    /// Ids up to here were given out: keeps them rising when the messages are gone.
    Mark {
        last_id: i64,
    },
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: i64,
    channel: String,
    to: String,
    subject: String,
    text: String,
    html: String,
    /// Microseconds since 1970.
    created_at: i64,
}

impl From<&CapturedMessage> for Record {
    fn from(message: &CapturedMessage) -> Self {
        Self {
            id: message.id,
            channel: message.channel.as_str().to_owned(),
            to: message.to.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
            created_at: message.created_at.timestamp_micros(),
        }
    }
}

impl Record {
    /// The message; `None` when another version wrote what this one does not know.
    fn into_message(self) -> Option<CapturedMessage> {
        let channel =
            [Channel::Email, Channel::Sms].into_iter().find(|channel| channel.as_str() == self.channel)?;
        Some(CapturedMessage {
            id: self.id,
            channel,
            to: self.to,
            subject: self.subject,
            text: self.text,
            html: self.html,
            created_at: DateTime::<Utc>::from_timestamp_micros(self.created_at)?,
        })
    }
}

/// The newest messages, in memory and on the disk.
pub(crate) struct Journal {
    directory: PathBuf,
    file: File,
    /// How much of the file is whole lines.
    whole: u64,
    /// Whether there may be more than that in the file.
    torn: bool,
    /// How many lines the file has.
    lines: usize,
    messages: VecDeque<CapturedMessage>,
    last_id: i64,
}

impl Journal {
    /// How many messages are kept. The file may hold twice as many until it is compacted.
    pub(crate) const KEPT: usize = 1000;

    /// Opens the journal in `directory`, both made if they are missing.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        make_directory(directory)?;
        let mut file = options().read(true).create(true).open(directory.join(FILE))?;
        keep_private(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut journal = Self {
            directory: directory.to_owned(),
            file,
            whole: whole as u64,
            torn: whole < bytes.len(),
            lines: 0,
            messages: VecDeque::new(),
            last_id: 0,
        };
        let mut unreadable = 0_usize;
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            journal.lines += 1;
            if journal.load(line).is_none() {
                unreadable += 1;
            }
        }
        if unreadable > 0 {
            tracing::warn!(lines = unreadable, "the dev mailbox has unreadable lines, which are left out");
        }
        sync_directory(directory)?;
        Ok(journal)
    }

    fn load(&mut self, line: &[u8]) -> Option<()> {
        let line = serde_json::from_slice(line).ok()?;
        match line {
            Line::Mark { last_id } => self.last_id = self.last_id.max(last_id),
            Line::Message(record) => {
                let message = record.into_message()?;
                self.last_id = self.last_id.max(message.id);
                self.keep(message);
            }
        }
        Some(())
    }

    fn keep(&mut self, message: CapturedMessage) {
        if self.messages.len() == Self::KEPT {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// The messages, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &CapturedMessage> {
        self.messages.iter().rev()
    }

    /// Writes a message down, under the next id. It is on the disk when this returns.
    pub(crate) fn append(&mut self, mut message: CapturedMessage) -> io::Result<i64> {
        message.id = self.last_id + 1;
        let line = line(&Line::Message(Record::from(&message)))?;
        if self.torn {
            self.file.set_len(self.whole)?;
        }
        // Until it is known to be on the disk it does not count.
        self.torn = true;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.torn = false;
        self.whole += line.len() as u64;
        self.lines += 1;
        self.last_id = message.id;
        self.keep(message);
        if self.lines >= 2 * Self::KEPT {
            // The message is safe already, so the caller must not send it again; the next one tries
            // to compact once more.
            if let Err(error) = self.rewrite() {
                tracing::warn!(%error, "the dev mailbox cannot be compacted");
            }
        }
        Ok(self.last_id)
    }

    /// Forgets all messages, on the disk first.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let before = std::mem::take(&mut self.messages);
        self.rewrite().inspect_err(|_| self.messages = before)
    }

    /// Replaces the file by one with the messages that are kept. A crash leaves the old or the new.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut bytes = line(&Line::Mark { last_id: self.last_id })?;
        for message in &self.messages {
            bytes.extend(line(&Line::Message(Record::from(message)))?);
        }
        let new = self.directory.join(NEW_FILE);
        // Left by a crash; `create_new` never follows a link somebody put there.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options().create_new(true).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, self.directory.join(FILE))?;
        self.file = file;
        self.whole = bytes.len() as u64;
        self.torn = false;
        self.lines = self.messages.len() + 1;
        sync_directory(&self.directory)
    }
}

fn line(line: &Line) -> io::Result<Vec<u8>> {
    // JSON escapes line ends within its texts, so the only one is ours.
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// For appending to a file that only its owner may read: it holds working links and codes.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Takes rights away that a file from elsewhere may have come with.
fn keep_private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Makes a new or renamed entry last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}
