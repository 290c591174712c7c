//! What several tests need.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use auth_server::settings::{Inputs, Loaded, Settings};
use tempfile::TempDir;

/// A secret as `openssl rand -base64 32` makes them.
pub(crate) const STRONG: &str = "bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE=";

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a file under `config/`.
pub(crate) fn config_file(name: &str) -> String {
    fs::read_to_string(root().join("config").join(name)).unwrap()
}

/// Compares a checked-in file with what the code says; `UPDATE_DOCS=1` rewrites it instead.
pub(crate) fn assert_file(path: &str, expected: &str) {
    let file = root().join(path);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} differs from the code: run the tests with UPDATE_DOCS=1\n{expected}");
}

/// A working directory with the settings in its files and an environment.
pub(crate) struct Place {
    directory: TempDir,
    inputs: Inputs,
}

impl Place {
    /// An empty directory and an empty environment.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let inputs = Inputs { directory: Some(directory.path().into()), ..Inputs::default() };
        Self { directory, inputs }
    }

    /// A production that has nothing to complain about.
    pub(crate) fn production() -> Self {
        Self::new()
            .env("APP_ENV", "production")
            .env("SECRET_KEY", STRONG)
            .env("PUBLIC_URL", "https://auth.example.com")
            .env("ALLOWED_HOSTS", "auth.example.com")
            .env("MAIL_PROVIDER", "off")
            .env("SMS_PROVIDER", "off")
    }

    /// Adds a file, readable for its owner only.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.mode(name, 0o600)
    }

    /// Changes who may read a file.
    pub(crate) fn mode(self, name: &str, mode: u32) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = self.directory.path().join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs = self.inputs.with(name, value);
        self
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The environment.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        self.inputs.environment.clone()
    }

    /// The settings, which must be fit.
    pub(crate) fn load(&self) -> Loaded {
        Settings::from_inputs(&self.inputs).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The lines that stop the start; none when nothing does.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let Err(error) = Settings::from_inputs(&self.inputs) else { return Vec::new() };
        let lines: Vec<_> = error.to_string().lines().map(ToOwned::to_owned).collect();
        assert_eq!(lines.len(), error.refusals().len(), "one line each: {error}");
        let home = format!("{}/", self.directory.path().display());
        lines.into_iter().map(|line| line.replace(&home, "")).collect()
    }

    /// The only line that stops the start.
    pub(crate) fn refusal(&self) -> String {
        let mut lines = self.refusals();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// Where a setting came from.
    pub(crate) fn source(&self, name: &str) -> String {
        let loaded = self.load();
        loaded.effective.into_iter().find(|setting| setting.name == name).unwrap().source
    }
}
