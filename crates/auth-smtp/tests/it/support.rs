//! A sender in a directory of its own.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use auth_domain::{
    port::{
        CapturedMessage, Channel, Letter, Mailbox, MailboxError, MailboxFilter, Mailer, SendError, SmsError,
        SmsReceipt, SmsSender, SmsText,
    },
    user::PhoneNumber,
};
use auth_smtp::{CapturingSender, MailSettings, Templates};
use auth_testkit::{
    contract::{
        mailer::{Arrived, Delivering},
        sms::Texting,
    },
    fake::FakeClock,
};
use tempfile::TempDir;

/// Settings as an installation might have them.
pub(crate) fn settings() -> MailSettings {
    MailSettings {
        branding_name: "Acme & Sons".to_owned(),
        link_base: "https://acme.example/app/".to_owned(),
        server_url: "https://auth.acme.example/base/".to_owned(),
        support_email: Some("help@acme.example".to_owned()),
    }
}

/// A sender that keeps its messages in `directory`.
pub(crate) fn open(directory: &Path) -> CapturingSender {
    let templates = Templates::new(settings()).expect("the templates are right");
    CapturingSender::open(directory, templates, Arc::new(FakeClock::default())).expect("opens")
}

/// A sender whose directory lives as long as it does.
pub(crate) struct Kept {
    sender: CapturingSender,
    _directory: TempDir,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { sender: open(directory.path()), _directory: directory }
    }
}

#[async_trait]
impl Mailer for Kept {
    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        Mailer::send(&self.sender, letter).await
    }
}

#[async_trait]
impl SmsSender for Kept {
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        SmsSender::send(&self.sender, to, text).await
    }
}

#[async_trait]
impl Mailbox for Kept {
    async fn list(&self, filter: &MailboxFilter) -> Result<Vec<CapturedMessage>, MailboxError> {
        self.sender.list(filter).await
    }

    async fn clear(&self) -> Result<(), MailboxError> {
        self.sender.clear().await
    }
}

#[async_trait]
impl Delivering for Kept {
    async fn arrived(&self) -> Vec<Arrived> {
        let arrived = |message: CapturedMessage| Arrived {
            to: vec![message.to],
            subject: message.subject,
            text: message.text,
            html: message.html,
            headers: Vec::new(),
        };
        let mut messages = self.list(&MailboxFilter::default()).await.expect("lists");
        messages.reverse();
        messages.into_iter().map(arrived).collect()
    }
}

#[async_trait]
impl Texting for Kept {
    async fn sent(&self) -> Vec<(String, String)> {
        let filter = MailboxFilter { channel: Some(Channel::Sms), to: None };
        let messages = self.list(&filter).await.expect("lists");
        messages.into_iter().rev().map(|message| (message.to, message.text)).collect()
    }
}
