//! Finds the mistakes of templates at start.

use auth_domain::{client::Client, port::Letter};

use super::{
    TemplateError, Templates,
    kind::{NoticeKind, sample},
};

/// What every template may use.
const EVERYWHERE: &[&str] = &[
    "branding",
    "support",
    "greeting",
    "time",
    "device",
    "ip",
    "forgot_link",
    "login_link",
    "settings_link",
];

impl Templates {
    /// Refuses unknown variables, missing links and codes, and whatever shows when templates are filled in.
    pub(super) fn check(&self) -> Result<(), TemplateError> {
        for (name, template) in self.environment.templates() {
            self.check_variables(name, &template)?;
        }
        for kind in NoticeKind::ALL.iter().copied() {
            self.check_secret(kind)?;
            self.check_filling(kind)?;
        }
        Ok(())
    }

    /// Also in branches that no sample takes.
    fn check_variables(
        &self,
        name: &str,
        template: &minijinja::Template<'_, '_>,
    ) -> Result<(), TemplateError> {
        let stem = name.split('.').next().unwrap_or_default();
        let is_subject = name.ends_with(".subject.txt");
        let own: &[&str] = match stem.parse() {
            Err(_) => &["subject", "content"],
            // Logs and lock screens show subjects.
            Ok(kind) if is_subject && secret(kind).is_some() => &[],
            Ok(kind) => own(kind),
        };
        let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|variable| ![EVERYWHERE, own].concat().contains(&variable.as_str()));
        unknown.sort();
        let Some(variable) = unknown.first() else { return Ok(()) };
        let line = line_of(template.source(), variable);
        Err(self.mistake_at(name, line, format!("there is no variable `{variable}` here")))
    }

    /// A letter whose point is a link or a code must have it in both parts.
    fn check_secret(&self, kind: NoticeKind) -> Result<(), TemplateError> {
        let Some(secret) = secret(kind) else { return Ok(()) };
        for part in ["txt", "html"] {
            let name = format!("{kind}.{part}");
            let template =
                self.environment.get_template(&name).map_err(|error| self.mistake(&name, &error))?;
            let variables = template.undeclared_variables(false);
            // The link of its own that a template makes of a token will do.
            if !variables.contains(secret) && !variables.contains("token") {
                return Err(self.mistake_at(&name, 1, format!("the variable `{secret}` is missing")));
            }
        }
        Ok(())
    }

    /// With everything known and with nothing known.
    fn check_filling(&self, kind: NoticeKind) -> Result<(), TemplateError> {
        let known = sample(kind);
        let unknown = Letter { name: None, client: Client::default(), ..sample(kind) };
        for letter in [known, unknown] {
            let message = self.render(&letter)?;
            if message.subject.is_empty() {
                return Err(self.mistake_at(
                    &format!("{kind}.subject.txt"),
                    1,
                    "the subject is empty".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// The variables that only the templates of this kind have.
const fn own(kind: NoticeKind) -> &'static [&'static str] {
    match kind {
        NoticeKind::VerifyEmail | NoticeKind::ResetPassword | NoticeKind::ConfirmEmailChange => &["link"],
        NoticeKind::AccountLocked => &["link", "token"],
        NoticeKind::LoginCode | NoticeKind::ProofCode => &["code"],
        NoticeKind::TemporaryPassword | NoticeKind::NewPassword => &["password"],
        NoticeKind::EmailChangeRequested | NoticeKind::EmailChanged => &["masked"],
        NoticeKind::FactorEnabled | NoticeKind::FactorDisabled => &["factor"],
        NoticeKind::AccountExists
        | NoticeKind::PasswordChanged
        | NoticeKind::RefreshReuse
        | NoticeKind::NewDevice
        | NoticeKind::FactorAutoEnabled
        | NoticeKind::RecoveryCodeUsed
        | NoticeKind::RecoveryCodesReplaced
        | NoticeKind::SignInAfterFailures
        | NoticeKind::IdentityLinked
        | NoticeKind::AccountClaimed
        | NoticeKind::IdentityUnlinked
        | NoticeKind::ApiKeyCreated => &[],
    }
}

/// The variable that is the point of the letter and opens an account: a link, a code or a password.
fn secret(kind: NoticeKind) -> Option<&'static str> {
    own(kind).iter().copied().find(|variable| matches!(*variable, "link" | "code" | "password"))
}

/// The first line that has the variable as a word of its own, within a tag.
fn line_of(source: &str, variable: &str) -> usize {
    let has = |line: &str| {
        let word = |c: char| !c.is_alphanumeric() && c != '_';
        line.contains('{') && line.split(word).any(|part| part == variable)
    };
    source.lines().position(has).map_or(0, |index| index + 1)
}
