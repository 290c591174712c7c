//! Templates from a folder win, and their mistakes show at start.

use std::{fs, path::Path};

use auth_smtp::{NoticeKind, TemplateError, Templates};

use crate::support::settings;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("writes");
    }
    folder
}

fn read(folder: &Path) -> Result<Templates, TemplateError> {
    Templates::with_folder(settings(), folder)
}

/// The one line that the start ends with.
fn refusal(name: &str, content: &str) -> String {
    let folder = folder(&[(name, content)]);
    let error = read(folder.path()).expect_err("a mistake").to_string();
    assert!(!error.contains('\n'), "{error}");
    error.replace(folder.path().to_str().expect("a printable name"), "DIR")
}

#[test]
fn files_win_over_what_is_compiled_in() {
    let folder = folder(&[
        ("reset_password.subject.txt", "A new password for {{ branding }}"),
        ("reset_password.txt", "Go to\n\n{{ link }}\n"),
        ("README.md", "{{ not a template }}"),
    ]);
    let templates = read(folder.path()).unwrap();
    let message = templates.preview(NoticeKind::ResetPassword).unwrap();
    assert_eq!(message.subject, "A new password for Acme & Sons");
    assert!(message.text.contains("Go to\n\nhttps://acme.example/app/reset-password?token="));
    assert!(message.html.contains("Choose a new password"), "the HTML is still the compiled one");
    let other = templates.preview(NoticeKind::VerifyEmail).unwrap();
    assert_eq!(other.subject, "Verify your email address");
}

#[test]
fn a_template_may_have_the_link_that_opens_an_account_lead_to_a_page_of_its_own() {
    let own = "https://acme.example/open#{{ token }}";
    let folder = folder(&[("account_locked.txt", own), ("account_locked.html", own)]);
    let message = read(folder.path()).unwrap().preview(NoticeKind::AccountLocked).unwrap();
    for part in [&message.text, &message.html] {
        let (_, token) = part.split_once("https://acme.example/open#").unwrap();
        let is_whole =
            token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).count() == 43;
        assert!(is_whole && !part.contains("auth.acme.example"), "{part}");
    }
}

#[test]
fn an_empty_folder_changes_nothing() {
    let folder = folder(&[]);
    let (theirs, ours) = (read(folder.path()).unwrap(), Templates::new(settings()).unwrap());
    for kind in NoticeKind::ALL {
        assert_eq!(theirs.preview(*kind).unwrap(), ours.preview(*kind).unwrap(), "{kind}");
    }
}

#[test]
fn mistakes_are_named_by_file_and_line() {
    for (name, content, said) in [
        ("password_changed.txt", "one\n{% if %}", "DIR/password_changed.txt:2: syntax error"),
        (
            "password_changed.txt",
            "one\ntwo\n{{ brandin }}",
            "DIR/password_changed.txt:3: there is no variable `brandin` here",
        ),
        (
            "password_changed.html",
            "{% if support == \"x\" %}\n{{ nothing }}{% endif %}",
            "DIR/password_changed.html:2: there is no variable `nothing` here",
        ),
        (
            "password_changed.txt",
            "\n{{ link }}",
            "DIR/password_changed.txt:2: there is no variable `link` here",
        ),
        (
            "layout.html",
            "{{ content }}\n{{ masked }}",
            "DIR/layout.html:2: there is no variable `masked` here",
        ),
        ("verify_email.html", "no link", "DIR/verify_email.html:1: the variable `link` is missing"),
        ("account_locked.html", "neither", "DIR/account_locked.html:1: the variable `link` is missing"),
        (
            "account_locked.subject.txt",
            "{{ token }}",
            "DIR/account_locked.subject.txt:1: there is no variable `token` here",
        ),
        ("verify_email.txt", "{{ token }}", "DIR/verify_email.txt:1: there is no variable `token` here"),
        ("login_code.txt", "no code", "DIR/login_code.txt:1: the variable `code` is missing"),
        ("proof_code.html", "no code", "DIR/proof_code.html:1: the variable `code` is missing"),
        (
            "login_code.subject.txt",
            "Code {{ code }}",
            "DIR/login_code.subject.txt:1: there is no variable `code` here",
        ),
        (
            "verify_email.subject.txt",
            "{{ link }}",
            "DIR/verify_email.subject.txt:1: there is no variable `link` here",
        ),
        (
            "factor_auto_enabled.txt",
            "one\n{{ factor }}",
            "DIR/factor_auto_enabled.txt:2: there is no variable `factor` here",
        ),
        ("verify_email.subject.txt", " \n", "DIR/verify_email.subject.txt:1: the subject is empty"),
        ("verify_email.txt", "{{ link }}\n{{ time|nonsense }}", "DIR/verify_email.txt:2: unknown filter"),
    ] {
        assert_eq!(refusal(name, content), said, "{name}");
    }
}

#[test]
fn a_misspelt_file_is_not_overlooked() {
    let said = refusal("verify-email.html", "{{ link }}");
    assert!(
        said.starts_with("DIR/verify-email.html is no mail template") && said.contains("verify_email"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let missing = read(Path::new("/nowhere/templates")).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/templates"), "{missing}");
    let folder = folder(&[]);
    fs::write(folder.path().join("layout.txt"), [0xff, 0xfe]).unwrap();
    let binary = read(folder.path()).unwrap_err();
    assert!(binary.to_string().contains("layout.txt"), "{binary}");
}

#[test]
fn every_kind_has_a_preview() {
    let templates = Templates::new(settings()).unwrap();
    for kind in NoticeKind::ALL {
        let message = templates.preview(*kind).unwrap();
        assert!(message.text.starts_with("Hello Ada,"), "{kind}");
        assert!(message.html.contains("203.0.113.7"), "{kind}");
    }
}
