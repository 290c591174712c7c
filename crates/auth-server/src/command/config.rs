//! `config check`: the settings as they hold.

#![expect(clippy::print_stdout, reason = "prints the settings that were asked for")]

use std::{fmt::Write as _, process::ExitCode};

use crate::settings::{Effective, Inputs, Settings};

/// Checks the settings of this process and prints them with their sources.
///
/// # Errors
/// [`SettingsError`](crate::settings::SettingsError) with every reason to refuse them.
pub fn check() -> anyhow::Result<ExitCode> {
    let loaded = Settings::from_inputs(&Inputs::of_process())?;
    print!("{}", listing(&loaded.effective));
    Ok(ExitCode::SUCCESS)
}

/// One line a setting, under the headings of the reference page.
fn listing(settings: &[Effective]) -> String {
    let width = |of: fn(&Effective) -> usize| settings.iter().map(of).max().unwrap_or(0);
    let names = width(|setting| setting.name.len());
    // A long list must not push every source off the screen.
    let values = width(|setting| setting.value.chars().count()).min(40);
    let mut text = String::new();
    let mut group = "";
    for Effective { name, group: of, value, source } in settings {
        if *of != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{gap}# {of}");
            group = of;
        }
        let value = value.escape_debug().to_string();
        let _ = writeln!(text, "{name:names$}  {value:values$}  ({source})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_values_and_sources_but_no_secret() {
        let secret = "bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE=";
        let inputs =
            Inputs::only([("SECRET_KEY", secret), ("JWT_AUDIENCE", "web"), ("SMTP_PASSWORD", "hunter2")]);
        let text = listing(&Settings::from_inputs(&inputs).unwrap().effective);
        let line = |name: &str| {
            let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("SECRET_KEY"), "SECRET_KEY set (environment)");
        assert_eq!(line("API_KEY_SECRET"), "API_KEY_SECRET unset (default)");
        assert_eq!(line("JWT_AUDIENCE"), "JWT_AUDIENCE web (environment)");
        assert_eq!(line("PORT"), "PORT 8000 (default)");
        assert_eq!(line("SMTP_PASSWORD"), "SMTP_PASSWORD set (environment)");
        assert!(!text.contains(secret) && !text.contains("hunter2"));
        assert!(text.starts_with("# Where it runs\nAPP_ENV"), "{text}");
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("# ")).collect();
        let mut once = headings.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(headings.len(), once.len(), "{headings:?}");
    }
}
