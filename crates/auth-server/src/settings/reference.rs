//! Renders `docs/settings.md` from the table.

use std::fmt::Write as _;

use super::{
    spec::{Default, Spec},
    table::ALL,
};

const HEAD: &str = "\
# Settings

<!-- Made from the table in crates/auth-server/src/settings/table.rs. Do not edit: change the table and run
     UPDATE_DOCS=1 cargo test -p auth-server settings_page -->

With nothing set, the server runs for development: an SQLite file under `data/`, keys made and kept on first start, mail
and text messages captured in the dev mailbox. `auth-server config check` prints every setting as it holds, with its source.

## Layers

The later wins:

1. built-in defaults;
2. a TOML file: `CONFIG_FILE`, else `config/default.toml` in the working directory. Keys are the names below in lower
   case; a list may be a TOML list. An unknown key stops the start;
3. `.env` in the working directory. A name that is nearly one of ours stops the start (\u{201c}did you mean \u{2026}\u{201d}); other
   foreign names are ignored. Values are taken literally, `${\u{2026}}` included;
4. the environment. Unknown names are ignored.

An empty value takes back what the layers before it say: the default holds. Two names of one setting with different
values in one layer stop the start.

**Secrets** can be kept in a file of their own, named by the setting with `_FILE` behind it, such as
`SECRET_KEY_FILE=/run/secrets/key`. Everybody's right to read that file stops the start; mount it with mode 0400 or 0440.
In production the same holds for `.env` and the TOML file when a secret stands in them. No message ever shows a secret.

**What is wrong** is told before anything is started: one line for each setting, with its source and what is expected.
The exit code is then 78.

**Production** (`APP_ENV=production`) refuses a missing, weak or published `SECRET_KEY`, a secret used twice, an in-memory
database, plain-http `PUBLIC_URL` or `FRONTEND_URL`, a wildcard in `CORS_ORIGINS`, missing `ALLOWED_HOSTS`, a network of
everybody in `TRUSTED_PROXIES`, and captured mail or SMS.
";

/// The reference page of all settings, in Markdown: what `docs/settings.md` holds.
pub fn settings_reference() -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for spec in ALL {
        if spec.group != group {
            group = spec.group;
            let _ = write!(
                page,
                "\n## {group}\n\n| setting | default | expects | meaning |\n|---|---|---|---|\n"
            );
        }
        row(&mut page, spec);
    }
    page
}

fn row(page: &mut String, spec: &Spec) {
    let default = match spec.default {
        Default::Is(text) => format!("`{text}`"),
        Default::Derived(words) => words.to_owned(),
        Default::Unset => "unset".to_owned(),
    };
    let names: Vec<_> = spec.names().map(|name| format!("`{name}`")).collect();
    let accepts = spec.kind.accepts().replace('|', "\\|");
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "| {} | {default} | {accepts} | {} |", names.join(", "), spec.doc.trim());
}
