//! Letters as text: subject, text and HTML, from the templates that are compiled in or from a folder.

mod check;
mod kind;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use auth_domain::port::Letter;
pub use kind::{NoticeKind, UnknownKind};
use kind::{SOURCES, sample};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, value::Serde};

use crate::context::Context;

/// What all letters have in common.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// What the service calls itself.
    pub branding_name: String,
    /// Where links lead: scheme, host and perhaps a path, with or without a slash at the end.
    pub link_base: String,
    /// How this server is reached, in the same form: the page that opens a locked account is its own.
    pub server_url: String,
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
    /// Leaves the parts out: they hold working links and codes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A template cannot be read or filled in. One line that names file and line.
///
/// Says what is wrong, but quotes no value: the engine's own words may.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A mistake in a template.
    #[error("{origin}:{line}: {what}")]
    Mistake {
        /// The file, or the name of a template that is compiled in.
        origin: String,
        /// Where in it; 0 when that is not known.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A file or the folder cannot be read.
    #[error("cannot read the mail templates at {path}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the folder has the name of no template; a misspelt one would be without effect.
    #[error("{path} is no mail template; the names are layout, {names}, each with .subject.txt, .txt or .html", names = NoticeKind::names())]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
}

/// The templates, read once.
pub struct Templates {
    environment: Environment<'static>,
    settings: MailSettings,
    /// Where the templates come from that are not compiled in.
    folder: Option<PathBuf>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads the templates that are compiled in.
    ///
    /// # Errors
    /// [`TemplateError`] when one of them has a mistake.
    pub fn new(settings: MailSettings) -> Result<Self, TemplateError> {
        Self::read(settings, None)
    }

    /// Reads the templates; files in `folder` win over those of the same name that are compiled in. All
    /// are filled in with samples, so that a mistake shows now and not when somebody waits for a mail.
    ///
    /// Only files ending in `.txt` and `.html` are looked at.
    ///
    /// # Errors
    /// [`TemplateError`] when one has a mistake, names an unknown variable, lacks its link or its code, or
    /// has the name of no template.
    pub fn with_folder(settings: MailSettings, folder: &Path) -> Result<Self, TemplateError> {
        Self::read(settings, Some(folder))
    }

    fn read(settings: MailSettings, folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut templates = Self { environment: engine(), settings, folder: folder.map(ToOwned::to_owned) };
        for (name, source) in SOURCES {
            templates.add(name, (*source).to_owned())?;
        }
        for (name, source) in folder.map(overrides).transpose()?.unwrap_or_default() {
            templates.add(name, source)?;
        }
        templates.check()?;
        Ok(templates)
    }

    fn add(&mut self, name: &'static str, source: String) -> Result<(), TemplateError> {
        let added = self.environment.add_template_owned(name, source);
        added.map_err(|error| self.mistake(name, &error))
    }

    /// Fills the templates of the letter's notice in.
    ///
    /// # Errors
    /// [`TemplateError`] when one of them has a mistake that shows only now.
    pub fn render(&self, letter: &Letter) -> Result<Message, TemplateError> {
        let name = NoticeKind::of(&letter.notice).as_str();
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

    /// What a letter of this kind looks like, to a made-up person, with a link or a code that does not
    /// work.
    ///
    /// # Errors
    /// [`TemplateError`] when one of the templates has a mistake.
    pub fn preview(&self, kind: NoticeKind) -> Result<Message, TemplateError> {
        self.render(&sample(kind))
    }

    fn fill(&self, name: &str, context: &Context<'_>) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|error| self.mistake(name, &error))
    }

    fn mistake(&self, name: &str, error: &minijinja::Error) -> TemplateError {
        // The template that the engine names may be one that this one includes.
        let name = error.name().unwrap_or(name);
        self.mistake_at(name, error.line().unwrap_or_default(), error.kind().to_string())
    }

    fn mistake_at(&self, name: &str, line: usize, what: String) -> TemplateError {
        let file = self.folder.as_ref().map(|folder| folder.join(name)).filter(|file| file.exists());
        let origin = file.map_or_else(|| format!("mail template {name}"), |file| file.display().to_string());
        TemplateError::Mistake { origin, line, what }
    }
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = environment.syntax().to_builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("only the treatment of white space differs from the default"));
    // A misspelt variable is refused at start instead of leaving a hole in a letter.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name.rsplit('.').next() == Some("html") { AutoEscape::Html } else { AutoEscape::None }
    });
    environment
}

/// The templates in a folder, by the name of the one that each replaces.
fn overrides(folder: &Path) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let unreadable = |path: &Path, source| TemplateError::Unreadable { path: path.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if !path.extension().is_some_and(|extension| extension == "txt" || extension == "html") {
            continue;
        }
        let name = SOURCES.iter().map(|(name, _)| *name).find(|name| path.file_name() == Some(name.as_ref()));
        let Some(name) = name else { return Err(TemplateError::UnknownFile { path }) };
        found.push((name, fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?));
    }
    Ok(found)
}
