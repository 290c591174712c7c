//! What happens to mail.

use std::path::PathBuf;

use auth_domain::user::Email;
use secrecy::SecretString;

use super::{
    parse::{self, Wrong},
    reader::Reader,
    table,
};

/// What happens to mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailDelivery {
    /// It is shown in the dev mailbox and goes nowhere else.
    Capture,
    /// It is not handed over: it waits in the outbox until a transport is configured, or until it is
    /// past its use.
    Off,
    /// A mail server takes it.
    Smtp(Box<SmtpSettings>),
}

/// The mail server, and in whose name it is given mail.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether encryption begins with STARTTLS.
    pub start_tls: bool,
    /// Logs in if the password is set, too.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// The sender's address.
    pub from: Email,
    /// The sender's name.
    pub from_name: Option<String>,
    /// Certificates of authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl PartialEq for SmtpSettings {
    /// Two servers are the same if everything but the password is.
    fn eq(&self, other: &Self) -> bool {
        (&self.host, self.port, self.start_tls, &self.user, &self.from, &self.from_name, &self.ca_file)
            == (
                &other.host,
                other.port,
                other.start_tls,
                &other.user,
                &other.from,
                &other.from_name,
                &other.ca_file,
            )
    }
}

impl Eq for SmtpSettings {}

/// Reads what becomes of mail. Without `MAIL_PROVIDER`, a mail server that is named gets it.
pub(super) fn mail(from: &mut Reader) -> MailDelivery {
    let provider = from.optional(&table::MAIL_PROVIDER, |text| match text.to_ascii_lowercase().as_str() {
        word @ ("capture" | "smtp" | "off") => Ok(word.to_owned()),
        _ => Err(Wrong::Shape),
    });
    let smtp = smtp(from);
    match (provider.as_deref(), smtp) {
        (Some("off"), _) => MailDelivery::Off,
        (Some("smtp") | None, Some(smtp)) => MailDelivery::Smtp(Box::new(smtp)),
        (Some("smtp"), None) => {
            from.refuse(&table::MAIL_PROVIDER, "smtp needs SMTP_HOST and EMAILS_FROM_EMAIL");
            MailDelivery::Off
        }
        (_, _) => MailDelivery::Capture,
    }
}

/// The mail server, if one is named.
fn smtp(from: &mut Reader) -> Option<SmtpSettings> {
    let host = from.optional(&table::SMTP_HOST, parse::plain);
    let sender =
        from.optional(&table::EMAILS_FROM_EMAIL, |text| Email::parse(text).map_err(|_| Wrong::Shape));
    let port = from.number(&table::SMTP_PORT);
    let start_tls = from.value(&table::SMTP_TLS, parse::flag);
    let user = from.optional(&table::SMTP_USER, parse::plain);
    let password = from.optional(&table::SMTP_PASSWORD, |text| Ok(SecretString::from(text)));
    let from_name = from.optional(&table::EMAILS_FROM_NAME, parse::plain);
    let ca_file = from.optional(&table::SMTP_CA_FILE, |path| Ok(PathBuf::from(path)));
    let host = host?;
    let Some(sender) = sender else {
        let reason = "is set, so EMAILS_FROM_EMAIL must say in whose name mail is sent";
        from.refuse(&table::SMTP_HOST, reason);
        return None;
    };
    Some(SmtpSettings { host, port, start_tls, user, password, from: sender, from_name, ca_file })
}
