//! Letters as text: subject, text and HTML from the templates that are compiled in.

use std::fmt;

use auth_domain::port::{Letter, Notice};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, value::Serde};

use crate::context::Context;

/// The three templates of each name, as the engine wants them: name and source.
macro_rules! sources {
    ($($name:literal)+) => {
        &[
            ("layout.txt", include_str!("../templates/layout.txt")),
            ("layout.html", include_str!("../templates/layout.html")),
            $(
                (concat!($name, ".subject.txt"), include_str!(concat!("../templates/", $name, ".subject.txt"))),
                (concat!($name, ".txt"), include_str!(concat!("../templates/", $name, ".txt"))),
                (concat!($name, ".html"), include_str!(concat!("../templates/", $name, ".html"))),
            )+
        ]
    };
}

const SOURCES: &[(&str, &str)] = sources! {
    "verify_email" "account_exists" "reset_password" "confirm_email_change" "email_change_requested"
    "password_changed" "refresh_reuse" "email_changed" "new_device" "account_locked"
};

/// The name of a notice's templates.
const fn name_of(notice: &Notice) -> &'static str {
    match notice {
        Notice::VerifyEmail(_) => "verify_email",
        Notice::AccountExists => "account_exists",
        Notice::ResetPassword(_) => "reset_password",
        Notice::ConfirmEmailChange(_) => "confirm_email_change",
        Notice::EmailChangeRequested { .. } => "email_change_requested",
        Notice::PasswordChanged => "password_changed",
        Notice::RefreshReuse => "refresh_reuse",
        Notice::EmailChanged { .. } => "email_changed",
        Notice::NewDevice => "new_device",
        Notice::AccountLocked => "account_locked",
    }
}

/// What all letters have in common.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// What the service calls itself.
    pub branding_name: String,
    /// Where links lead: scheme, host and perhaps a path, with or without a slash at the end.
    pub link_base: String,
    /// Whom recipients can ask.
    pub support_email: Option<String>,
}

/// A letter as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject, on one line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, a whole document.
    pub html: String,
}

impl fmt::Debug for Message {
    /// Leaves the parts out: they hold working links.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A template cannot be read or filled in.
///
/// Says where, but not with what: the engine's own words may quote a value.
#[derive(Debug, thiserror::Error)]
#[error("the mail template {template} is not usable (line {line}: {kind})")]
pub struct TemplateError {
    template: String,
    line: usize,
    kind: ErrorKind,
}

impl TemplateError {
    fn new(template: &str, error: &minijinja::Error) -> Self {
        Self { template: template.to_owned(), line: error.line().unwrap_or_default(), kind: error.kind() }
    }
}

/// The templates, read once.
pub struct Templates {
    environment: Environment<'static>,
    settings: MailSettings,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads the templates.
    ///
    /// # Errors
    /// [`TemplateError`] when one of them has a mistake.
    pub fn new(settings: MailSettings) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        let syntax = environment.syntax().to_builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| TemplateError::new("syntax", &error))?);
        // A misspelt variable fails a test instead of leaving a hole in a letter.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.rsplit('.').next() == Some("html") { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, source) in SOURCES {
            environment.add_template(name, source).map_err(|error| TemplateError::new(name, &error))?;
        }
        Ok(Self { environment, settings })
    }

    /// Fills the templates of the letter's notice in.
    ///
    /// # Errors
    /// [`TemplateError`] when one of them has a mistake that shows only now.
    pub fn render(&self, letter: &Letter) -> Result<Message, TemplateError> {
        let name = name_of(&letter.notice);
        let mut context = Context::new(&self.settings, letter);
        let subject = self.fill(&format!("{name}.subject.txt"), &context)?;
        // A subject is a header, and a header is one line, whatever the branding holds.
        context.subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        context.content = Value::from(self.fill(&format!("{name}.txt"), &context)?);
        let text = self.fill("layout.txt", &context)?;
        // Escaped when it was filled in; once more would show the tags.
        context.content = Value::from_safe_string(self.fill(&format!("{name}.html"), &context)?);
        let html = self.fill("layout.html", &context)?;
        Ok(Message { subject: context.subject, text, html })
    }

    fn fill(&self, name: &str, context: &Context<'_>) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|error| TemplateError::new(name, &error))
    }
}
