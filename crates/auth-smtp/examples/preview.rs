//! Writes every letter, filled in with a sample, into a folder: `preview FOLDER [TEMPLATES]`.
//!
//! For looking at the HTML in a browser while working on templates. Links and codes in it are samples that
//! do not work.

use std::{env, error::Error, fs, path::PathBuf};

use auth_smtp::{MailSettings, NoticeKind, Templates};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let folder = args.next().ok_or("usage: preview FOLDER [TEMPLATES]")?;
    let settings = MailSettings {
        branding_name: "Acme".to_owned(),
        link_base: "https://app.example.com".to_owned(),
        server_url: "https://auth.example.com".to_owned(),
        support_email: Some("help@example.com".to_owned()),
    };
    let templates = match args.next() {
        Some(overrides) => Templates::with_folder(settings, &overrides)?,
        None => Templates::new(settings)?,
    };
    fs::create_dir_all(&folder)?;
    for kind in NoticeKind::ALL {
        let message = templates.preview(*kind)?;
        fs::write(folder.join(format!("{kind}.html")), message.html)?;
        fs::write(folder.join(format!("{kind}.txt")), format!("{}\n\n{}", message.subject, message.text))?;
    }
    Ok(())
}
