//! What one row of the table of settings says.

use std::borrow::Cow;

/// One setting: everything the parser, the reference page and `config check` know about it.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The environment name; in TOML files its lower-case form.
    pub(crate) name: &'static str,
    /// Other names under which older files know it.
    pub(crate) aliases: &'static [&'static str],
    /// What a value looks like.
    pub(crate) kind: Kind,
    /// What holds when nobody sets it.
    pub(crate) default: Default,
    /// One line for the reader.
    pub(crate) doc: &'static str,
    /// The heading under which the reference lists it.
    pub(crate) group: &'static str,
}

/// What a value looks like.
#[derive(Debug)]
pub(crate) enum Kind {
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A whole number, bounds included.
    Number(u64, u64),
    /// `true` or `false` and their usual spellings.
    Flag,
    /// Text; the words say what kind, as in "expected …".
    Text(&'static str),
    /// An address, printed without the password in it; it may be kept in a file of its own.
    Url(&'static str),
    /// Text that is never printed, and may be kept in a file of its own. The words say what kind.
    Secret(&'static str),
}

/// What holds when nobody sets a setting.
#[derive(Debug)]
pub(crate) enum Default {
    /// This text, read like any other value.
    Is(&'static str),
    /// It depends; the words say on what.
    Derived(&'static str),
    /// Nothing.
    Unset,
}

impl Spec {
    /// Whether the value must never be printed.
    pub(crate) const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret(_))
    }

    /// The name of the variable that points to a file with the value, for what may hold a secret.
    pub(crate) fn file_name(&self) -> Option<String> {
        matches!(self.kind, Kind::Secret(_) | Kind::Url(_)).then(|| format!("{}_FILE", self.name))
    }

    /// Whether `text`, as a value of this setting, must not be read by everybody.
    pub(crate) fn guards(&self, text: &str) -> bool {
        self.is_secret() || (matches!(self.kind, Kind::Url(_)) && text.contains('@'))
    }

    /// Every name that sets this setting.
    pub(crate) fn names(&self) -> impl Iterator<Item = Cow<'static, str>> {
        let plain = std::iter::once(self.name).chain(self.aliases.iter().copied()).map(Cow::Borrowed);
        plain.chain(self.file_name().map(Cow::Owned))
    }
}

impl Kind {
    /// What is accepted, as in "expected …".
    pub(crate) fn accepts(&self) -> Cow<'static, str> {
        match self {
            Self::Choice(words) => format!("one of {}", words.join(", ")).into(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}").into(),
            Self::Flag => "true or false".into(),
            Self::Text(what) | Self::Url(what) | Self::Secret(what) => (*what).into(),
        }
    }
}
