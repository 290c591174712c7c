//! The command line as a person meets it.

use std::process::{Command, Output};

use auth_server::cli::Cli;
use clap::CommandFactory as _;

use crate::support::{Place, assert_file};

fn run(place: &Place, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    command.args(arguments).current_dir(place.path()).env_clear().envs(place.variables()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A command and all below it, each by its words: none is forgotten.
fn commands(command: &clap::Command, words: &[String]) -> Vec<Vec<String>> {
    let below = command.get_subcommands().flat_map(|below| {
        let words = [words, &[below.get_name().to_owned()]].concat();
        commands(below, &words)
    });
    std::iter::once(words.to_vec()).chain(below).collect()
}

#[test]
fn every_help_text_is_the_checked_in_one() {
    let place = Place::new();
    let mut all = String::new();
    for command in commands(&Cli::command(), &[]) {
        let arguments = [command.iter().map(String::as_str).collect(), vec!["--help"]].concat();
        let output = run(&place, &arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let text: String = stdout(&output).lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        all.extend(["$ auth-server ", &arguments.join(" "), "\n", &text, "\n"]);
    }
    assert_file("crates/auth-server/tests/it/help.txt", &all);
}

#[test]
fn the_version_is_the_one_of_the_package() {
    let output = run(&Place::new(), &["--version"]);
    assert_eq!(stdout(&output), format!("auth-server {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_not_understood_exits_with_2() {
    for arguments in [
        &["serv"][..],
        &["keys"],
        &["users", "grant", "ada@example.com"],
        &["users", "grant", "ada@example.com", "--role", "king"],
        &["users", "create", "no address"],
        &["users", "create", "ada@example.com", "--tenant", "../x"],
        &["outbox", "retry"],
        &["outbox", "retry", "7", "--all-dead"],
        &["outbox", "drop", "seven"],
        &["outbox", "list", "--limit", "0"],
        &["audit", "tail", "--event", "party"],
        &["audit", "tail", "--since", "yesterday"],
        &["audit", "export"],
        &["audit", "verify", "--key", "11"],
        &["audit", "verify", "--through", "7"],
    ] {
        let output = run(&Place::new(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn config_check_prints_the_settings() {
    let place =
        Place::new().file(".env", "PORT=8002").file("config/default.toml", "port = 1\njwt_audience = 'x'");
    let output = run(&place, &["config", "check"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let text = stdout(&output);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("PORT").contains("8002") && line("PORT").ends_with("(.env line 1)"), "{text}");
    assert!(line("JWT_AUDIENCE").ends_with("(config/default.toml line 2)"), "{text}");
}

#[test]
fn refused_settings_exit_with_78_and_one_line_each() {
    let place = Place::new().file(".env", "PORT=x\nSECRET_KEY=hunter2");
    for arguments in [&["config", "check"][..], &["healthcheck"]] {
        let output = run(&place, arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        assert_eq!(
            stderr(&output),
            "error: PORT (.env line 1): expected a whole number from 0 to 65535, found \"x\"\n\
             error: SECRET_KEY (.env line 2): expected at least 32 characters of chance, as `openssl rand \
             -base64 32` makes them\n"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn healthcheck_fails_where_nothing_listens() {
    let output = run(&Place::new(), &["healthcheck", "--url", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let line = stderr(&output);
    assert!(
        line.starts_with("error: no server at 127.0.0.1 port 1: ") && line.lines().count() == 1,
        "{line}"
    );
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&Place::new(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = stdout(&output);
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell} does not know {}", command.get_name());
        }
    }
}
