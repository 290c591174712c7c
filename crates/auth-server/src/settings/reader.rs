//! Reads single settings, and collects what is wrong instead of stopping at the first.

use std::{collections::BTreeMap, fmt};

use auth_domain::secret::ServerSecret;
use secrecy::ExposeSecret as _;

use super::{
    dsn::without_password,
    error::{Refusal, shown},
    layer::Layers,
    parse::Wrong,
    source::{Raw, Source},
    spec::{Default, Kind, Spec},
    table,
};

/// A setting as it holds, fit to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The name.
    pub name: &'static str,
    /// The heading of the reference page it belongs to.
    pub group: &'static str,
    /// The value; `set` or `unset` for secrets, `unset` where there is none.
    pub value: String,
    /// Where it came from: `default`, `environment`, `.env line 3`, …
    pub source: String,
}

/// The values that were found, and what was made of them so far.
///
/// Every method gives a value in any case, after a refusal the default: nobody sees it, because one
/// refusal stops the start.
pub(super) struct Reader {
    values: BTreeMap<&'static str, Raw>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) effective: Vec<Effective>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self { values: layers.values, refusals: layers.refusals, effective: Vec::new() }
    }

    /// What somebody set, if anybody did.
    pub(super) fn raw(&self, spec: &Spec) -> Option<&Raw> {
        self.values.get(spec.name)
    }

    /// Refuses a setting, naming where its value came from.
    pub(super) fn refuse(&mut self, spec: &Spec, reason: impl Into<String>) {
        let source = self.raw(spec).map_or(Source::Default, |raw| raw.source.clone());
        self.refusals.push(Refusal::of(spec.name, &source, reason));
    }

    /// A setting with a default in the table.
    pub(super) fn value<T>(&mut self, spec: &'static Spec, parse: impl Fn(&str) -> Result<T, Wrong>) -> T {
        let Default::Is(default) = spec.default else {
            panic!("{} has no default to fall back to", spec.name)
        };
        self.note(spec, default);
        self.parsed(spec, &parse).unwrap_or_else(|| {
            parse(default).unwrap_or_else(|_| panic!("the default of {} is not a value of it", spec.name))
        })
    }

    /// A setting whose default depends on others.
    pub(super) fn value_or<T: fmt::Display>(
        &mut self,
        spec: &'static Spec,
        default: T,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> T {
        self.note(spec, &default.to_string());
        self.parsed(spec, &parse).unwrap_or(default)
    }

    /// A setting that may be left unset.
    pub(super) fn optional<T>(
        &mut self,
        spec: &'static Spec,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.note(spec, "unset");
        self.parsed(spec, &parse)
    }

    /// A whole number within the bounds of the table.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, spec: &'static Spec) -> T {
        self.value(spec, |text| whole(spec, text))
    }

    /// The meaning that stands at the place of the word in the table.
    pub(super) fn choice<T: Copy>(&mut self, spec: &'static Spec, meanings: &[T]) -> T {
        let Kind::Choice(words) = spec.kind else { panic!("{} has no words to choose from", spec.name) };
        assert_eq!(words.len(), meanings.len(), "every word of {} means something", spec.name);
        self.value(spec, |text| {
            let chosen = words.iter().zip(meanings).find(|(word, _)| word.eq_ignore_ascii_case(text));
            chosen.map(|(_, meaning)| *meaning).ok_or(Wrong::Shape)
        })
    }

    /// A secret, strong enough to be one.
    pub(super) fn secret(&mut self, spec: &'static Spec) -> Option<ServerSecret> {
        self.note(spec, "unset");
        let secret = ServerSecret::parse(self.raw(spec)?.text.expose_secret());
        if secret.is_err() {
            self.refuse(spec, format!("expected {}", spec.kind.accepts()));
        }
        secret.ok()
    }

    /// Notes what was set and never read, and puts all in the order of the reference page.
    pub(super) fn note_the_rest(&mut self) {
        for spec in table::ALL {
            if self.raw(spec).is_some() && self.effective.iter().all(|seen| seen.name != spec.name) {
                self.note(spec, "unset");
            }
        }
        let place: BTreeMap<_, _> = table::ALL.iter().enumerate().map(|(at, spec)| (spec.name, at)).collect();
        self.effective.sort_by_key(|setting| place.get(setting.name).copied());
    }

    /// Notes what holds for `config check`; `default` is what holds when nobody set the setting.
    fn note(&mut self, spec: &'static Spec, default: &str) {
        let (value, source) = match self.raw(spec) {
            None => (default.to_owned(), Source::Default.to_string()),
            Some(raw) if spec.is_secret() => ("set".to_owned(), raw.source.to_string()),
            Some(raw) if matches!(spec.kind, Kind::Url(_)) => {
                (without_password(raw.text.expose_secret().trim()), raw.source.to_string())
            }
            Some(raw) => (raw.text.expose_secret().trim().to_owned(), raw.source.to_string()),
        };
        self.effective.push(Effective { name: spec.name, group: spec.group, value, source });
    }

    fn parsed<T>(&mut self, spec: &'static Spec, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let raw = self.raw(spec)?;
        let text = raw.text.expose_secret().trim();
        let reason = match parse(text) {
            Ok(value) => return Some(value),
            // An address may carry a password, `scheme://user:password@host`, even a misspelt one.
            Err(Wrong::Shape) if spec.is_secret() || text.contains('@') => {
                format!("expected {}", spec.kind.accepts())
            }
            Err(Wrong::Shape) => format!("expected {}, found {}", spec.kind.accepts(), shown(text)),
        };
        self.refuse(spec, reason);
        None
    }
}

/// A whole number within the bounds of the table.
pub(super) fn whole<T: TryFrom<u64>>(spec: &Spec, text: &str) -> Result<T, Wrong> {
    let Kind::Number(least, most) = spec.kind else { panic!("{} is not a number", spec.name) };
    let number = text.parse::<u64>().map_err(|_| Wrong::Shape)?;
    let number = (least..=most).contains(&number).then_some(number).ok_or(Wrong::Shape)?;
    T::try_from(number).map_err(|_| Wrong::Shape)
}
