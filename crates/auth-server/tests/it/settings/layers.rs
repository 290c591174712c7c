//! Which layer wins, and what names may stand in which.

use auth_domain::tenant::TenantId;

use crate::support::{Place, STRONG};

#[test]
fn the_later_layer_wins() {
    let place = Place::new();
    assert_eq!((place.load().settings.port, place.source("PORT").as_str()), (8000, "default"));

    let place = place.file("config/default.toml", "# ports\nport = 8001\njwt_audience = 'toml'\n");
    assert_eq!(
        (place.load().settings.port, place.source("PORT").as_str()),
        (8001, "config/default.toml line 2")
    );

    let place = place.file(".env", "\nPORT=8002\nLOG_LEVEL=debug");
    assert_eq!((place.load().settings.port, place.source("PORT").as_str()), (8002, ".env line 2"));

    let place = place.env("PORT", "8003");
    assert_eq!((place.load().settings.port, place.source("PORT").as_str()), (8003, "environment"));
    assert_eq!(place.load().settings.jwt_audience, "toml");
    assert_eq!(place.source("LOG_LEVEL"), ".env line 3");
}

#[test]
fn an_empty_value_brings_the_default_back() {
    let place =
        Place::new().file("config/default.toml", "port = 8001").file(".env", "PORT=8002").env("PORT", "");
    assert_eq!((place.load().settings.port, place.source("PORT").as_str()), (8000, "default"));
    let place = Place::new().file(".env", "SMTP_HOST=\nSECRET_KEY=\"\"\nPORT=");
    assert_eq!(place.load().settings.port, 8000);
    assert!(place.load().settings.secret_key.is_none());
}

#[test]
fn an_alias_counts_in_its_own_layer() {
    let place = Place::new()
        .file(".env", "DATABASE_URL=sqlite://file.sqlite3")
        .env("SQLALCHEMY_DATABASE_URL", "sqlite://old.sqlite3");
    assert_eq!(place.load().settings.database.to_string(), "sqlite://old.sqlite3");
    assert_eq!(place.source("DATABASE_URL"), "environment, as SQLALCHEMY_DATABASE_URL");

    let both = place.env("DATABASE_URL", "sqlite://new.sqlite3");
    assert_eq!(
        both.refusal(),
        "DATABASE_URL (environment): SQLALCHEMY_DATABASE_URL is set beside it and says something else; \
         set one of them"
    );
    assert_eq!(both.env("DATABASE_URL", "sqlite://old.sqlite3").refusals(), [""; 0]);
}

#[test]
fn the_old_asyncpg_address_is_understood_and_its_password_never_shown() {
    let place = Place::new()
        .file(".env", "SQLALCHEMY_DATABASE_URL=\"postgresql+asyncpg://user:hunter2@localhost:5433/auth\"");
    let loaded = place.load();
    assert_eq!(loaded.settings.database.to_string(), "postgresql://user:***@localhost:5433/auth");
    let shown = loaded.effective.iter().find(|setting| setting.name == "DATABASE_URL").unwrap();
    assert_eq!(shown.value, "postgresql+asyncpg://user:***@localhost:5433/auth");
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
}

#[test]
fn config_file_chooses_the_toml_file() {
    let place = Place::new().file("config/default.toml", "port = 8001").file("other.toml", "port = 8002");
    assert_eq!(place.load().settings.port, 8001);
    let place = place.env("CONFIG_FILE", "other.toml");
    assert_eq!(place.source("PORT"), "other.toml line 1");
    let place = place.env("CONFIG_FILE", "missing.toml");
    assert_eq!(place.refusal(), "CONFIG_FILE: there is no file missing.toml");
    let place = Place::new().file(".env", "CONFIG_FILE=other.toml").file("other.toml", "port = 8002");
    assert_eq!(place.load().settings.port, 8002);
}

#[test]
fn an_unknown_key_in_toml_stops_the_start() {
    for (text, line) in [
        ("port = 1\nprot = 8001", "config/default.toml line 2: unknown key prot, did you mean port?"),
        ("PORT = 8001", "config/default.toml line 1: unknown key PORT, did you mean port?"),
        ("colour = 'red'", "config/default.toml line 1: unknown key colour"),
        ("[server]\nport = 1", "config/default.toml line 1: unknown key server"),
        (
            "port = 1.5",
            "PORT (config/default.toml line 1): expected a text, a whole number, true or false, or a list of texts",
        ),
    ] {
        assert_eq!(Place::new().file("config/default.toml", text).refusal(), line);
    }
    let broken = Place::new().file("config/default.toml", "port = 1\nport = 2").refusal();
    assert!(broken.starts_with("config/default.toml line 2: is not TOML: "), "{broken}");
}

#[test]
fn toml_values_of_every_kind() {
    let text = "port = 8001\nhide_existing_accounts = true\ntenants = ['web', 'shop']\njwt_audience = 'x'";
    let settings = Place::new().file("config/default.toml", text).load().settings;
    assert_eq!((settings.port, settings.hide_existing_accounts), (8001, true));
    let tenants: Vec<_> = settings.tenants.iter().map(TenantId::as_str).collect();
    assert_eq!(tenants, ["default", "web", "shop"]);
}

#[test]
fn near_misses_in_dotenv_stop_the_start_and_foreign_names_do_not() {
    let place = Place::new().file(".env", "OPA_URL=x\nDEBUG=1\n\nSECRET_KYE=hunter2\nexport frontend_url=y");
    assert_eq!(
        place.refusals(),
        [
            ".env line 4: unknown name SECRET_KYE, did you mean SECRET_KEY?",
            ".env line 5: unknown name frontend_url, did you mean FRONTEND_URL?",
        ]
    );
    // Nobody knows what else an environment holds.
    assert_eq!(Place::new().env("SECRET_KYE", "x").env("PORTS", "y").refusals(), [""; 0]);
}

#[test]
fn a_broken_dotenv_is_named_by_its_line() {
    let place = Place::new().file(".env", "PORT=8000\nhunter2\n");
    assert_eq!(place.refusal(), ".env line 2: expected NAME=value");
}

#[test]
fn nothing_is_read_from_files_without_a_directory() {
    use auth_server::settings::{Inputs, Settings};
    let inputs = Inputs::only([("PORT", "0"), ("SECRET_KEY", STRONG)]);
    assert_eq!(Settings::from_inputs(&inputs).unwrap().settings.port, 0);
}
