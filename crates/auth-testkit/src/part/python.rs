//! Where the Python programs of the tests are.

use std::path::{Path, PathBuf};

/// The Python that has the packages of the tests: `TEST_PYTHON`, else the one `scripts/test` makes.
///
/// # Panics
/// If it is not there.
pub fn python() -> String {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv-tests/bin/python");
    let path = std::env::var_os("TEST_PYTHON").map_or(made, PathBuf::from);
    assert!(
        path.exists(),
        "no Python at {}; `scripts/test --install-only` makes it, or set TEST_PYTHON",
        path.display()
    );
    // A path of this repository and one from an environment variable are both printable here.
    path.to_string_lossy().into_owned()
}
