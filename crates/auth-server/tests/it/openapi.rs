//! The published API document is the one of this code.

use std::{fs, path::Path, process::Command};

#[test]
fn the_checked_in_document_is_the_present_one() {
    let printed = Command::new(env!("CARGO_BIN_EXE_auth-server")).arg("openapi").output().expect("a run");
    assert!(printed.status.success(), "{printed:?}");
    let present = String::from_utf8(printed.stdout).expect("text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &present).expect("a written document");
    }
    let checked_in = fs::read_to_string(&path).expect("docs/openapi.json");
    assert!(checked_in == present, "docs/openapi.json is not of this code: run `just openapi`");
}
