//! Mail: templates, the SMTP transport, and the capturing one behind the development mailbox.
//!
//! | Module | What it holds |
//! |---|---|
//! | `templates` | [`Templates`]: a letter in, subject, text and HTML out |
//! | `context` | what templates may know of a letter, made harmless |
//! | `smtp` | [`SmtpMailer`]: the mailer port on an SMTP server |
//! | `mailbox` | [`CapturingSender`]: the mailer, text message and mailbox ports |
//! | `journal` | the file behind the mailbox |
//!
//! The texts are in `templates/`: `NAME.subject.txt`, `NAME.txt` and `NAME.html` for each notice, and
//! the two layouts around them. They are compiled in; a folder may replace any of them.
#![warn(missing_docs)]

mod context;
mod journal;
mod mailbox;
mod smtp;
mod templates;

pub use mailbox::CapturingSender;
pub use smtp::{SmtpConfig, SmtpConfigError, SmtpLogin, SmtpMailer, SmtpTls};
pub use templates::{MailSettings, Message, NoticeKind, TemplateError, Templates, UnknownKind};
