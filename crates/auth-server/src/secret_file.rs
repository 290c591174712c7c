//! The secret that an installation without `SECRET_KEY` makes for itself on its first start.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use auth_domain::port::Entropy;
use secrecy::{SecretString, zeroize::Zeroizing};

/// Reads the secret, or makes one that only its owner can read.
///
/// # Errors
/// When the file cannot be read or written, or others may read it.
pub(crate) fn load_or_make(path: &Path, entropy: &dyn Entropy) -> io::Result<SecretString> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            refuse_open_file(path)?;
            Ok(text.trim().to_owned().into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, entropy),
        Err(error) => Err(error),
    }
}

fn make(path: &Path, entropy: &dyn Entropy) -> io::Result<SecretString> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut bits = Zeroizing::new([0u8; 32]);
    entropy.fill(&mut *bits).map_err(io::Error::other)?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in *bits {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    // Written whole under another name and linked into place: two first starts at once agree on one
    // secret, and a crash leaves none or all of it.
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", text.as_str())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(text.as_str().to_owned().into()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load_or_make(path, entropy),
        Err(error) => Err(error),
    }
}

fn refuse_open_file(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let say = format!("others may read it (mode {:03o}): run `chmod 600 {}`", mode & 0o777, path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, say))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::port::EntropyError;
    use secrecy::ExposeSecret as _;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
            buf.fill(7);
            Ok(())
        }
    }

    #[test]
    fn is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data").join("secret.key");
        let first = load_or_make(&path, &Sevens).unwrap();
        assert_eq!(first.expose_secret(), "07".repeat(32));
        assert_eq!(load_or_make(&path, &Sevens).unwrap().expose_secret(), first.expose_secret());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_others_may_read_is_refused_with_advice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        load_or_make(&path, &Sevens).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = load_or_make(&path, &Sevens).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
