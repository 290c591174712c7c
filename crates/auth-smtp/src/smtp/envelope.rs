//! A rendered letter in the form that travels.

use std::time::SystemTime;

use auth_domain::{port::Letter, user::Email};
use chrono::{DateTime, Utc};
use lettre::{
    Address, Message as Mail,
    address::AddressError,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::templates::Message;

/// Whom a mail is from.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) address: Address,
    mailbox: Mailbox,
}

impl Sender {
    pub(super) fn new(email: &Email, name: Option<String>) -> Result<Self, AddressError> {
        let address = address(email)?;
        Ok(Self { mailbox: Mailbox::new(name, address.clone()), address })
    }

    /// Puts a mail together. Its id is the letter's, so a mail sent twice can be known for one.
    ///
    /// The recipient's name stays out of the headers: whoever registered the address chose it.
    pub(super) fn write(
        &self,
        letter: &Letter,
        to: &Address,
        message: Message,
        now: DateTime<Utc>,
    ) -> Result<Vec<u8>, lettre::error::Error> {
        let id = format!("<{}@{}>", letter.id, self.address.domain());
        // Tells mailing lists and holiday notices not to answer (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Mail::builder()
            .date(SystemTime::from(now))
            .message_id(Some(id))
            .from(self.mailbox.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(message.subject)
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(message.text, message.html))
            .map(|mail| mail.formatted())
    }
}

/// The address with its domain as DNS has it, so that only a local part can need SMTPUTF8.
pub(super) fn address(email: &Email) -> Result<Address, AddressError> {
    let domain = email.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
    let domain = idna::domain_to_ascii(domain).map_err(|_| AddressError::InvalidDomain)?;
    Address::new(email.local_part(), domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_travel_as_dns_has_them() {
        let email = Email::parse("ada@bücher.example.com").unwrap();
        assert_eq!(address(&email).unwrap().to_string(), "ada@xn--bcher-kva.example.com");
    }
}
