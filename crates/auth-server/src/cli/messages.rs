//! Commands about mail, text messages, and the outbox both wait in.

use auth_domain::id::OutboxId;
use clap::{Args, Subcommand};

use super::value::outbox_id;

/// Commands about mail.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Print a mail of a kind as people would get it, with sample names and links
    Preview(PreviewMail),
    /// Connect to the mail server of the settings and log in, without sending anything
    Check,
}

/// Prints a mail.
#[derive(Debug, Args)]
pub struct PreviewMail {
    /// The kind, like `verify_email`; a wrong one lists all
    pub kind: String,
    /// Print the HTML part instead of the subject and the text
    #[arg(long)]
    pub html: bool,
}

/// Commands about text messages.
#[derive(Debug, Subcommand)]
pub enum SmsCommand {
    /// Check the settings and look for the credentials of AWS, without sending anything
    ///
    /// Whether AWS takes the credentials, and lets them send, only a message shows: --to sends one.
    Check(CheckSms),
}

/// Checks the sending of text messages.
#[derive(Debug, Args)]
pub struct CheckSms {
    /// Send a test message to this number, like +12125550123; without calling code it is of `SMS_DEFAULT_REGION`
    #[arg(long, value_name = "NUMBER")]
    pub to: Option<String>,
}

/// Commands about messages that are owed.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List messages, oldest first: those that wait, or dead letters
    ///
    /// TRIES counts how often a message was tried, LAST ERROR tells what the last try met, in the words of
    /// the mail server. What shows as "being sent" is in the hands of a server at this moment. USER is `-`
    /// where an address without an account was asked for: nothing is sent then.
    List(ListMessages),
    /// Try a message again at once, with all its tries; also one that was given up
    ///
    /// A message past its use, such as a link to reset a password after an hour, is refused: nobody has use
    /// for it any more.
    Retry(RetryMessages),
    /// Delete a message without sending it
    Drop(DropMessage),
}

/// Lists messages.
#[derive(Debug, Args)]
pub struct ListMessages {
    /// List dead letters instead of what waits
    #[arg(long)]
    pub dead: bool,
    /// Begin behind this message: the last one of the page before
    #[arg(long, value_name = "ID", value_parser = outbox_id)]
    pub after: Option<OutboxId>,
    /// How many to list at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Print JSON, with every time in full
    #[arg(long)]
    pub json: bool,
}

/// Tries messages again.
#[derive(Debug, Args)]
pub struct RetryMessages {
    /// Which ones
    #[command(flatten)]
    pub which: WhichMessages,
}

/// One message or all that were given up.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichMessages {
    /// The message, as `outbox list` shows it
    #[arg(value_parser = outbox_id)]
    pub id: Option<OutboxId>,
    /// Every dead letter that is still of use
    #[arg(long)]
    pub all_dead: bool,
}

/// Deletes a message.
#[derive(Debug, Args)]
pub struct DropMessage {
    /// The message, as `outbox list` shows it
    #[arg(value_parser = outbox_id)]
    pub id: OutboxId,
}
