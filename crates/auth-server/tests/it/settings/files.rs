//! Secrets in files of their own, and the files of the repository.

use crate::support::{Place, STRONG, config_file};

#[test]
fn a_secret_may_be_kept_in_a_file() {
    let place = Place::new().file("key", &format!("{STRONG}\n")).env("SECRET_KEY_FILE", "key");
    let key = place.load().settings.secret_key.unwrap();
    assert_eq!(key.expose_secret(), STRONG.as_bytes());
    assert_eq!(place.source("SECRET_KEY"), "environment, as SECRET_KEY_FILE");

    let both = place.env("SECRET_KEY", "hunter2");
    assert_eq!(
        both.refusals()[0],
        "SECRET_KEY (environment): SECRET_KEY_FILE is set beside it and says something else; set one of them"
    );
    let lower = Place::new()
        .file("key", STRONG)
        .file("config/default.toml", "secret_key_file = 'key'")
        .env("SECRET_KEY", &STRONG.to_lowercase());
    assert_eq!(lower.source("SECRET_KEY"), "environment");
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_is_missing_empty_or_open_stops_the_start() {
    let place = Place::new().env("API_KEY_SECRET_FILE", "key");
    let missing = place.refusal();
    let head = "API_KEY_SECRET (environment, as API_KEY_SECRET_FILE): ";
    assert!(missing.starts_with(&format!("{head}key cannot be read: ")), "{missing}");
    let place = place.file("key", "\n");
    assert_eq!(place.refusal(), format!("{head}key is empty"));
    let place = place.file("key", STRONG).mode("key", 0o644);
    assert_eq!(place.refusal(), format!("{head}everybody may read key; take that right away (chmod o-rwx)"));
    let place = place.mode("key", 0o440);
    assert_eq!(place.refusals(), [""; 0]);
}

#[test]
fn the_templates_for_development_and_tests_are_fit_as_they_are() {
    for name in [".env.local.example", ".env.test"] {
        assert_eq!(Place::new().file(".env", &config_file(name)).refusals(), [""; 0], "{name}");
    }
}

#[test]
fn the_template_for_production_lacks_the_secret_only() {
    let place = Place::new().file(".env", &config_file(".env.production.template"));
    assert!(place.refusal().starts_with("SECRET_KEY "));
    assert_eq!(place.env("SECRET_KEY", STRONG).refusals(), [""; 0]);
}

#[test]
fn the_toml_file_sets_nothing_and_its_examples_are_fit() {
    let text = config_file("default.toml");
    let place = Place::new().file("config/default.toml", &text);
    assert!(place.load().effective.iter().all(|setting| setting.source == "default"));

    let examples =
        text.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(" = "));
    let examples: Vec<_> = examples.collect();
    let loaded = Place::new().file("config/default.toml", &examples.join("\n")).load();
    let set = loaded.effective.iter().filter(|setting| setting.source != "default");
    assert_eq!(set.count(), examples.len());
}
