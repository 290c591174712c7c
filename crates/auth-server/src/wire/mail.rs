//! Where mail goes.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use auth_crypto::SystemClock;
use auth_domain::port::{Clock, Letter, Mailer, SendError};
use auth_smtp::{
    CapturingSender, MailSettings, Message, NoticeKind, SmtpConfig, SmtpLogin, SmtpMailer, SmtpTls,
    TemplateError, Templates,
};

use crate::settings::{MailDelivery, Settings, SmtpSettings};

/// The port of implicit TLS (RFC 8314).
const SUBMISSIONS: u16 = 465;

/// Captures and shows messages; `None` where there is no dev mailbox.
///
/// # Errors
/// One sentence about what cannot be used.
pub(super) fn mailbox(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<CapturingSender>>> {
    settings.has_dev_mailbox().then(|| capturing(settings, clock)).transpose()
}

/// Takes letters.
///
/// # Errors
/// One sentence about what cannot be used.
pub(super) fn mailer(
    settings: &Settings,
    mailbox: Option<&Arc<CapturingSender>>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn Mailer>> {
    Ok(match (&settings.mail, mailbox) {
        (MailDelivery::Smtp(smtp), _) => Arc::new(smtp_mailer(settings, smtp, clock)?),
        (MailDelivery::Capture, Some(mailbox)) => Arc::clone(mailbox) as _,
        (MailDelivery::Capture | MailDelivery::Off, _) => Arc::new(Nobody),
    })
}

/// Takes nothing: `MAIL_PROVIDER=off`. The worker runs all the same: messages past their use must go, or
/// the outbox would grow without end.
struct Nobody;

#[async_trait]
impl Mailer for Nobody {
    async fn send(&self, _: &Letter) -> Result<(), SendError> {
        Err(SendError::Temporary("MAIL_PROVIDER is off".into()))
    }
}

fn capturing(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<CapturingSender>> {
    let directory = settings.data_dir.join("mailbox");
    let sender = CapturingSender::open(&directory, templates(settings)?, Arc::clone(clock));
    sender.map(Arc::new).with_context(|| format!("cannot open the dev mailbox in {}", directory.display()))
}

fn smtp_mailer(
    settings: &Settings,
    smtp: &SmtpSettings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<SmtpMailer> {
    let tls = match (smtp.start_tls, smtp.port) {
        (true, _) => SmtpTls::StartTls,
        (false, SUBMISSIONS) => SmtpTls::Implicit,
        (false, _) => SmtpTls::Plain,
    };
    let mut config = SmtpConfig::new(&smtp.host, smtp.port, tls, smtp.from.clone());
    config.from_name.clone_from(&smtp.from_name);
    config.extra_ca.clone_from(&smtp.ca_file);
    let login = smtp.user.clone().zip(smtp.password.clone());
    config.login = login.map(|(user, password)| SmtpLogin { user, password });
    SmtpMailer::new(config, templates(settings)?, Arc::clone(clock)).context("cannot use the mail server")
}

fn templates(settings: &Settings) -> Result<Templates, TemplateError> {
    let names = MailSettings {
        branding_name: settings.branding_name.clone(),
        link_base: settings.link_base.as_str().to_owned(),
        server_url: settings.public_url.as_str().to_owned(),
        support_email: settings.branding_support_email.as_ref().map(|email| email.as_str().to_owned()),
    };
    match &settings.mail_templates {
        Some(folder) => Templates::with_folder(names, folder),
        None => Templates::new(names),
    }
}

/// What is wrong with the templates, in one line.
pub(super) fn refusal(settings: &Settings) -> Option<String> {
    settings.mail_templates.as_ref()?;
    templates(settings).err().map(|error| error.to_string())
}

/// A letter of a kind, with samples in the place of what the server would know.
///
/// # Errors
/// When there is no such kind, or a template has a mistake.
pub(crate) fn preview(settings: &Settings, kind: &str) -> anyhow::Result<Message> {
    let kind: NoticeKind = kind.parse()?;
    Ok(templates(settings)?.preview(kind)?)
}

/// Connects to the mail server and logs in.
///
/// # Errors
/// What the server says no to.
pub(crate) async fn check(settings: &Settings) -> anyhow::Result<String> {
    let MailDelivery::Smtp(smtp) = &settings.mail else {
        anyhow::bail!("no mail server is set; see SMTP_HOST");
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    smtp_mailer(settings, smtp, &clock)?.check().await?;
    Ok(format!("{}:{}", smtp.host, smtp.port))
}
