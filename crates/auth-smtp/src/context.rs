//! What templates may know of a letter.
//!
//! A stranger chooses the name and the user agent and can have the mail sent to somebody else. What
//! looks like a link, or turns the direction of the text, is therefore left out: our mail must not
//! carry a stranger's message.

use auth_domain::{
    factor::FactorKind,
    port::{Letter, Notice},
    tenant::TenantId,
    token::LinkToken,
};
use minijinja::Value;
use serde::Serialize;

use crate::templates::MailSettings;

/// Longest greeting, in characters; a longer word is no name to greet by.
const LONGEST_GREETING: usize = 40;

/// The variables of the templates.
#[derive(Serialize)]
pub(crate) struct Context<'a> {
    pub(crate) branding: &'a str,
    pub(crate) support: Option<&'a str>,
    pub(crate) greeting: Option<String>,
    pub(crate) time: String,
    pub(crate) device: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) masked: Option<&'a str>,
    pub(crate) factor: Option<&'static str>,
    pub(crate) link: Option<Value>,
    pub(crate) token: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) forgot_link: Value,
    pub(crate) login_link: Value,
    pub(crate) settings_link: Value,
    pub(crate) subject: String,
    pub(crate) content: Value,
}

impl<'a> Context<'a> {
    /// The variables for `letter`, without subject and content.
    pub(crate) fn new(settings: &'a MailSettings, letter: &'a Letter) -> Self {
        let base = settings.link_base.trim_end_matches('/');
        let own = Own::of(&letter.notice, base, settings.server_url.trim_end_matches('/'));
        // Addresses belong to a tenant; the page at the link cannot know which unless it is told.
        let tenant = match &letter.tenant {
            tenant if *tenant == TenantId::default() => String::new(),
            tenant => format!("?tenant={tenant}"),
        };
        let first_word = letter.name.as_ref().and_then(|name| name.first_word());
        Self {
            branding: &settings.branding_name,
            support: settings.support_email.as_deref(),
            greeting: first_word.and_then(harmless).filter(|word| word.chars().count() <= LONGEST_GREETING),
            time: letter.at.format("%-d %B %Y, %H:%M UTC").to_string(),
            device: letter.client.user_agent.as_ref().and_then(|agent| harmless(agent.as_str())),
            ip: letter.client.ip.map(|ip| ip.to_canonical().to_string()),
            masked: own.masked,
            factor: own.factor,
            link: own.link.as_deref().map(link_value),
            token: own.token,
            code: own.code,
            password: own.password,
            forgot_link: link_value(&format!("{base}/forgot-password{tenant}")),
            login_link: link_value(&format!("{base}/login{tenant}")),
            settings_link: link_value(&format!("{base}/settings{tenant}#mfa")),
            subject: String::new(),
            content: Value::UNDEFINED,
        }
    }
}

/// The variables that only some letters have.
#[derive(Default)]
struct Own<'a> {
    link: Option<String>,
    /// What the link carries, for a template that has it lead elsewhere.
    token: Option<&'a str>,
    code: Option<&'a str>,
    password: Option<&'a str>,
    masked: Option<&'a str>,
    factor: Option<&'static str>,
}

impl<'a> Own<'a> {
    fn of(notice: &'a Notice, base: &str, server: &str) -> Self {
        let link_at = |base: &str, page, token: &LinkToken| Self {
            link: Some(format!("{base}/{page}?token={}", token.expose_secret())),
            ..Self::default()
        };
        let link = |page, token| link_at(base, page, token);
        match notice {
            Notice::VerifyEmail(token) | Notice::ConfirmEmailChange(token) => link("verify-email", token),
            Notice::ResetPassword(token) => link("reset-password", token),
            // Existing front ends have the other pages, and not this one.
            Notice::AccountLocked(token) => {
                Self { token: Some(token.expose_secret()), ..link_at(server, "unlock", token) }
            }
            Notice::LoginCode(code) | Notice::ProofCode(code) => {
                Self { code: Some(code.expose_secret()), ..Self::default() }
            }
            Notice::TemporaryPassword(password) | Notice::NewPassword(password) => {
                Self { password: Some(password.expose_secret()), ..Self::default() }
            }
            Notice::EmailChangeRequested { masked } | Notice::EmailChanged { masked } => {
                Self { masked: Some(masked), ..Self::default() }
            }
            Notice::FactorEnabled(kind) | Notice::FactorDisabled(kind) => {
                Self { factor: Some(in_words(*kind)), ..Self::default() }
            }
            Notice::AccountExists
            | Notice::PasswordChanged
            | Notice::NewDevice
            | Notice::RefreshReuse
            | Notice::FactorAutoEnabled
            | Notice::RecoveryCodeUsed
            | Notice::RecoveryCodesReplaced
            | Notice::SignInAfterFailures
            | Notice::IdentityLinked
            | Notice::AccountClaimed
            | Notice::IdentityUnlinked
            | Notice::ApiKeyCreated => Self::default(),
        }
    }
}

/// A second factor as people call it.
const fn in_words(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => "an authenticator app",
        FactorKind::Sms => "text messages",
        FactorKind::Email => "codes by mail",
    }
}

/// A link that stays readable in HTML: the template engine would escape each slash as well.
fn link_value(link: &str) -> Value {
    // A token holds none of these, but the path of the base might. Percent-encoded they do no harm in
    // either part.
    let encoded = link
        .replace('<', "%3C")
        .replace('>', "%3E")
        .replace('"', "%22")
        .replace('\'', "%27")
        .replace('&', "%26")
        .replace(char::is_whitespace, "%20");
    Value::from_safe_string(encoded)
}

/// The text on one line and in one direction; `None` if nothing is left or if a mail program might
/// make a link of it.
fn harmless(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_control() && !turns_direction(*c)).collect();
    let dotted = kept.chars().zip(kept.chars().skip(1)).any(|(a, b)| a == '.' && b.is_alphabetic());
    let linkable = dotted || kept.contains("//") || kept.contains('@');
    (!linkable && !kept.trim().is_empty()).then_some(kept)
}

/// Whether a character changes the direction of the text or breaks the line.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_might_become_a_link() {
        for text in ["http://x", "https://evil.example", "evil.example", "a@b", "", " ", "\u{202e}"] {
            assert_eq!(harmless(text), None, "{text}");
        }
        for text in ["Ada", "O'Neil", "Dr.", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"] {
            assert_eq!(harmless(text).as_deref(), Some(text));
        }
        assert_eq!(harmless("A\u{202e}d\r\na").as_deref(), Some("Ada"));
    }

    #[test]
    fn a_link_cannot_leave_its_attribute() {
        let link = link_value("https://x.example/a\"><b>'&c d").to_string();
        assert_eq!(link, "https://x.example/a%22%3E%3Cb%3E%27%26c%20d");
    }
}
