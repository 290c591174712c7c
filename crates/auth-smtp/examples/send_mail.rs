//! Sends sample letters through a mail server: `send_mail TO [COUNT]`.
//!
//! Reads `SMTP_HOST`, `SMTP_PORT`, `SMTP_MODE` (plain, starttls, implicit), `SMTP_USER`, `SMTP_PASSWORD`,
//! `SMTP_CA_FILE` and `EMAILS_FROM_EMAIL`.

use std::{
    env,
    error::Error,
    io::{Write as _, stdout},
    sync::Arc,
    time::Instant,
};

use auth_domain::{
    client::Client,
    id::OutboxId,
    port::{Clock, Letter, Mailer as _, Notice},
    tenant::TenantId,
    user::Email,
};
use auth_smtp::{MailSettings, SmtpConfig, SmtpLogin, SmtpMailer, SmtpTls, Templates};
use chrono::{DateTime, Utc};

struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "an example has no clock to be handed")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

fn config() -> Result<SmtpConfig, Box<dyn Error>> {
    let tls = match env::var("SMTP_MODE").as_deref() {
        Ok("starttls") => SmtpTls::StartTls,
        Ok("implicit") => SmtpTls::Implicit,
        _ => SmtpTls::Plain,
    };
    let port = env::var("SMTP_PORT")?.parse()?;
    let from = Email::parse(&env::var("EMAILS_FROM_EMAIL")?)?;
    let login = env::var("SMTP_USER").ok().zip(env::var("SMTP_PASSWORD").ok());
    Ok(SmtpConfig {
        login: login.map(|(user, password)| SmtpLogin { user, password: password.into() }),
        extra_ca: env::var_os("SMTP_CA_FILE").map(Into::into),
        ..SmtpConfig::new(env::var("SMTP_HOST")?, port, tls, from)
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let to = Email::parse(&args.next().ok_or("usage: send_mail TO [COUNT]")?)?;
    let count: i64 = args.next().map_or(Ok(1), |count| count.parse())?;
    let settings = MailSettings {
        branding_name: "Auth".to_owned(),
        link_base: "https://app.example.com".to_owned(),
        server_url: "https://auth.example.com".to_owned(),
        support_email: None,
    };
    let clock = Arc::new(Now);
    let mailer = SmtpMailer::new(config()?, Templates::new(settings)?, clock.clone())?;
    for number in 0..count {
        let begun = Instant::now();
        let letter = Letter {
            id: OutboxId::from_i64(clock.now().timestamp_millis() + number),
            tenant: TenantId::default(),
            to: to.clone(),
            name: None,
            notice: Notice::PasswordChanged,
            client: Client::default(),
            at: clock.now(),
        };
        mailer.send(&letter).await?;
        writeln!(stdout(), "accepted after {:?}", begun.elapsed())?;
    }
    Ok(())
}
