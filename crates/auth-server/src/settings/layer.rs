//! The layers: a TOML file, `.env`, the environment. The later wins.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    dotenv,
    error::Refusal,
    source::{Raw, Source},
    spec::Spec,
    table::{self, ALL},
};

/// The variable that names another TOML file. It chooses a layer, so it is no setting itself.
pub(crate) const CONFIG_FILE: &str = "CONFIG_FILE";
const DEFAULT_CONFIG_FILE: &str = "config/default.toml";
const DOTENV: &str = ".env";

/// Where settings are looked for.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The directory of `.env` and `config/default.toml`; without one, no file is looked for.
    pub directory: Option<PathBuf>,
}

impl Inputs {
    /// The environment and the working directory of this process.
    pub fn of_process() -> Self {
        Self { environment: std::env::vars_os().collect(), directory: Some(PathBuf::from(".")) }
    }

    /// These settings and nothing else: no file, no variable of this process. For tests and for
    /// programs that embed the server.
    pub fn only<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let environment = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, directory: None }
    }

    /// The same, with `name` set to `value` in the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        match &self.directory {
            Some(directory) if directory != Path::new(".") => directory.join(path),
            _ => PathBuf::from(path),
        }
    }
}

/// Everything that was set, by setting, and everything that is wrong with where it was set.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) values: BTreeMap<&'static str, Raw>,
    pub(crate) refusals: Vec<Refusal>,
}

/// One layer: what it sets, under the name it uses.
type Layer = BTreeMap<String, Raw>;

impl Layers {
    /// Reads every layer. An empty value takes back what lower layers say.
    pub(crate) fn read(inputs: &Inputs) -> Self {
        let mut layers = Self::default();
        let environment = layers.environment(inputs);
        let dotenv = layers.dotenv(inputs);
        let toml = layers.toml(inputs, environment.get(CONFIG_FILE).or_else(|| dotenv.get(CONFIG_FILE)));
        for spec in ALL {
            let found = [&environment, &dotenv, &toml].into_iter().find_map(|layer| layers.pick(spec, layer));
            let Some(raw) = found.and_then(|raw| layers.resolve(spec, raw, inputs)) else { continue };
            if !raw.text.expose_secret().trim().is_empty() {
                layers.values.insert(spec.name, raw);
            }
        }
        layers
    }

    fn environment(&mut self, inputs: &Inputs) -> Layer {
        let mut layer = Layer::new();
        for (name, value) in &inputs.environment {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            let source = Source::Environment { alias: None };
            match value.to_str() {
                Some(text) => {
                    layer.insert(name.to_owned(), Raw { text: text.into(), source, file: None });
                }
                None => self.refusals.push(Refusal::of(name, &source, "expected text in UTF-8")),
            }
        }
        layer
    }

    fn dotenv(&mut self, inputs: &Inputs) -> Layer {
        let mut layer = Layer::new();
        if inputs.directory.is_none() {
            return layer;
        }
        let path = inputs.path(DOTENV);
        let entries = match read_optional(&path).map(|text| text.map(|text| dotenv::parse(&text))) {
            Ok(None) => return layer,
            Ok(Some(Ok(entries))) => entries,
            Ok(Some(Err(wrong))) => {
                self.refusals.push(Refusal::at(format_args!("{DOTENV} line {}", wrong.line), wrong.why));
                return layer;
            }
            Err(error) => {
                self.refusals.push(Refusal::at(DOTENV, format!("cannot be read: {error}")));
                return layer;
            }
        };
        for dotenv::Entry { line, name, value } in entries {
            if is_ours(&name) {
                let source = Source::Line { file: DOTENV.into(), line, alias: None };
                layer.insert(name, Raw { text: value.into(), source, file: Some(path.clone()) });
            } else if let Some(meant) = table::near_miss(&name) {
                let reason = format!("unknown name {name}, did you mean {meant}?");
                self.refusals.push(Refusal::at(format_args!("{DOTENV} line {line}"), reason));
            }
        }
        layer
    }

    fn toml(&mut self, inputs: &Inputs, chosen: Option<&Raw>) -> Layer {
        let chosen = chosen.map(|raw| raw.text.expose_secret()).filter(|path| !path.is_empty());
        if chosen.is_none() && inputs.directory.is_none() {
            return Layer::new();
        }
        let file = chosen.unwrap_or(DEFAULT_CONFIG_FILE);
        let path = inputs.path(file);
        let refusal = match read_optional(&path) {
            Ok(Some(text)) => return self.toml_text(file, &path, &text),
            Ok(None) if chosen.is_none() => return Layer::new(),
            Ok(None) => Refusal::at(CONFIG_FILE, format!("there is no file {file}")),
            Err(error) => Refusal::at(file, format!("cannot be read: {error}")),
        };
        self.refusals.push(refusal);
        Layer::new()
    }

    fn toml_text(&mut self, file: &str, path: &Path, text: &str) -> Layer {
        let line_of = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count();
        let mut layer = Layer::new();
        let entries = match toml::from_str::<BTreeMap<String, toml::Spanned<toml::Value>>>(text) {
            Ok(entries) => entries,
            Err(error) => {
                let line = line_of(error.span().map_or(0, |span| span.start));
                let reason = format!("is not TOML: {}", error.message());
                self.refusals.push(Refusal::at(format_args!("{file} line {line}"), reason));
                return layer;
            }
        };
        for (key, value) in entries {
            let line = line_of(value.span().start);
            let name = key.to_uppercase();
            let source = Source::Line { file: file.into(), line, alias: None };
            if key != key.to_lowercase() || table::find(&name).is_none() {
                let hint = table::near_miss(&key).filter(|meant| meant != CONFIG_FILE);
                let hint = hint.map(|meant| format!(", did you mean {}?", meant.to_lowercase()));
                let reason = format!("unknown key {key}{}", hint.unwrap_or_default());
                self.refusals.push(Refusal::at(format_args!("{file} line {line}"), reason));
                continue;
            }
            match toml_value(value.into_inner()) {
                Some(text) => {
                    layer.insert(name, Raw { text: text.into(), source, file: Some(path.to_owned()) });
                }
                None => self.refusals.push(Refusal::of(
                    &name,
                    &source,
                    "expected a text, a whole number, true or false, or a list of texts",
                )),
            }
        }
        layer
    }

    /// What `layer` says about a setting, under whichever of its names; a contradiction is refused.
    fn pick(&mut self, spec: &'static Spec, layer: &Layer) -> Option<Raw> {
        let mut found: Option<Raw> = None;
        for name in spec.names() {
            let Some(raw) = layer.get(name.as_ref()) else { continue };
            let mut raw = raw.clone();
            if name != spec.name {
                match &mut raw.source {
                    Source::Environment { alias } | Source::Line { alias, .. } => {
                        *alias = Some(name.clone().into_owned());
                    }
                    Source::Default => {}
                }
            }
            match &found {
                Some(first) if first.text.expose_secret().is_empty() => found = Some(raw),
                Some(_) if raw.text.expose_secret().is_empty() => {}
                Some(first) if first.text.expose_secret() != raw.text.expose_secret() => {
                    let reason = format!("{name} is set beside it and says something else; set one of them");
                    self.refusals.push(Refusal::of(spec.name, &first.source, reason));
                }
                Some(_) => {}
                None => found = Some(raw),
            }
        }
        found
    }

    /// Follows a `…_FILE` variable to the value.
    fn resolve(&mut self, spec: &'static Spec, raw: Raw, inputs: &Inputs) -> Option<Raw> {
        let alias = match &raw.source {
            Source::Environment { alias } | Source::Line { alias, .. } => alias.clone(),
            Source::Default => None,
        };
        if alias.is_none() || alias != spec.file_name() || raw.text.expose_secret().is_empty() {
            return Some(raw);
        }
        let path = inputs.path(raw.text.expose_secret());
        let reason = match is_world_readable(&path) {
            Ok(true) => format!("everybody may read {}; take that right away (chmod o-rwx)", path.display()),
            Ok(false) => match fs::read_to_string(&path) {
                Ok(text) => {
                    let text = SecretString::from(text.trim_end_matches(['\r', '\n']));
                    if text.expose_secret().is_empty() {
                        let reason = format!("{} is empty", path.display());
                        self.refusals.push(Refusal::of(spec.name, &raw.source, reason));
                    }
                    return Some(Raw { text, source: raw.source, file: None });
                }
                Err(error) => format!("{} cannot be read: {error}", path.display()),
            },
            Err(error) => format!("{} cannot be read: {error}", path.display()),
        };
        self.refusals.push(Refusal::of(spec.name, &raw.source, reason));
        None
    }
}

fn is_ours(name: &str) -> bool {
    name == CONFIG_FILE || table::find(name).is_some()
}

fn read_optional(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A TOML value as the text that the environment would hold.
fn toml_value(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            serde_json::to_string(&items?).ok()
        }
        _ => None,
    }
}

/// Whether users other than the owner and the group may read the file (CF-02).
#[cfg(unix)]
pub(crate) fn is_world_readable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o004 != 0)
}

/// Whether everybody may read the file: not told by this platform's file modes.
#[cfg(not(unix))]
pub(crate) fn is_world_readable(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| false)
}
