//! What single values cannot tell: settings that do not fit together, and what production refuses.

use std::{collections::BTreeSet, net::IpAddr};

use auth_domain::secret::ServerSecret;
use auth_http::settings::EdgeQuota;
use secrecy::ExposeSecret as _;

use super::{
    BaseUrl, Database, MailDelivery, Settings, SmsDelivery, SmtpSettings, layer::is_world_readable, memory,
    reader::Reader, source::Source, spec::Spec, table,
};
use crate::{settings::error::Refusal, wire};

/// Applies every rule, and adds each broken one to the reader's refusals.
pub(super) fn check(settings: &Settings, reader: &mut Reader) {
    for (spec, reason) in wire::refusals(settings) {
        reader.refuse(spec, reason);
    }
    edge(settings, reader);
    memory(settings, reader);
    if settings.replicas > 1 {
        sharing(settings, reader);
    }
    if settings.is_production() {
        secrets(settings, reader);
        secret_files(reader);
        addresses(settings, reader);
        delivery(settings, reader);
        cognito(settings, reader);
    }
}

/// The first gate must not turn away what a documented limit admits, and must be there where it is asked for.
fn edge(settings: &Settings, reader: &mut Reader) {
    let per_second = settings.edge_requests_per_second;
    if per_second == 0 || !is_set(reader, &table::EDGE_REQUESTS_PER_SECOND) {
        return;
    }
    let least = EdgeQuota::least(&settings.quotas());
    if per_second < least {
        let reason = format!("the limits by address admit more: set {least} at least, or 0 for no such gate");
        reader.refuse(&table::EDGE_REQUESTS_PER_SECOND, reason);
    }
    if !cfg!(feature = "edge-limit") {
        let reason = "this program was built without the gate (feature edge-limit): set 0, or leave it unset";
        reader.refuse(&table::EDGE_REQUESTS_PER_SECOND, reason);
    }
}

/// A budget that is larger than the machine would have the server killed in the middle of a storm.
fn memory(settings: &Settings, reader: &mut Reader) {
    let Some(available) = memory::available_kib() else { return };
    if u64::from(settings.hash_memory_kib) > available {
        let reason = format!("this machine or container has {} MiB", available / 1024);
        reader.refuse(&table::HASH_MEMORY_MB, reason);
    }
}

/// What several replicas must have in common.
fn sharing(settings: &Settings, reader: &mut Reader) {
    if !matches!(settings.database, Database::Postgres(_)) {
        let reason = "several replicas need one PostgreSQL for their accounts: set DATABASE_URL";
        reader.refuse(&table::REPLICAS, reason);
    }
    if settings.redis.is_none() {
        let reason = "several replicas need one Redis for their limits: set REDIS_URL";
        reader.refuse(&table::REPLICAS, reason);
    }
    if settings.secret_key.is_none() && reader.raw(&table::SECRET_KEY).is_none() {
        let reason = "several replicas need one secret for their keys: set SECRET_KEY";
        reader.refuse(&table::REPLICAS, reason);
    }
    if !is_set(reader, &table::PUBLIC_URL) {
        let reason = "several replicas need one address, which their tokens name: set PUBLIC_URL";
        reader.refuse(&table::REPLICAS, reason);
    }
}

fn secrets(settings: &Settings, reader: &mut Reader) {
    let secrets =
        [(&table::SECRET_KEY, &settings.secret_key), (&table::API_KEY_SECRET, &settings.api_keys.secret)];
    for (spec, value) in secrets {
        if value.as_ref().is_some_and(ServerSecret::is_published) {
            let reason = "this secret stands in a published template, so everybody knows it; generate one: \
                          openssl rand -base64 32";
            reader.refuse(spec, reason);
        }
    }
    let others = [&settings.secret_key, &settings.api_keys.secret];
    if let Some(token) = &settings.metrics_token
        && others.into_iter().flatten().any(|key| key.expose_secret() == token.expose_secret().as_bytes())
    {
        reader
            .refuse(&table::METRICS_TOKEN, "must differ from the other secrets: one purpose for each secret");
    }
    match (&settings.secret_key, &settings.api_keys.secret) {
        (None, _) => {
            let reason = "production needs a secret of its own; generate one: openssl rand -base64 32";
            reader.refuse(&table::SECRET_KEY, reason);
        }
        (Some(key), Some(other)) if key.expose_secret() == other.expose_secret() => {
            reader.refuse(&table::API_KEY_SECRET, "must differ from SECRET_KEY: one purpose for each secret");
        }
        _ => {}
    }
}

/// A file that holds a secret must not be open to everybody (CF-02).
fn secret_files(reader: &mut Reader) {
    let mut files = BTreeSet::new();
    for spec in table::ALL {
        let Some(raw) = reader.raw(spec).filter(|raw| spec.guards(raw.text.expose_secret())) else {
            continue;
        };
        if let (Source::Line { file, .. }, Some(path)) = (&raw.source, &raw.file)
            && is_world_readable(path).unwrap_or(false)
        {
            files.insert(file.clone());
        }
    }
    for file in files {
        let reason =
            "everybody may read this file, and it holds a secret; take that right away (chmod o-rwx)";
        reader.refusals.push(Refusal::at(file, reason));
    }
}

fn addresses(settings: &Settings, reader: &mut Reader) {
    if settings.database == Database::Memory {
        reader.refuse(
            &table::DATABASE_URL,
            "production keeps its accounts: set postgresql://… or sqlite://PATH",
        );
    }
    let plain = "production needs an address with https://";
    if !settings.public_url.is_https() {
        reader.refuse(&table::PUBLIC_URL, plain);
    }
    if is_set(reader, &table::FRONTEND_URL) && !settings.link_base.is_https() {
        reader.refuse(&table::FRONTEND_URL, plain);
    }
    if settings.cors_origins.is_any() {
        reader.refuse(&table::CORS_ORIGINS, "production needs the origins by name, not *");
    }
    if settings.allowed_hosts.is_any() {
        reader.refuse(
            &table::ALLOWED_HOSTS,
            "production needs the host names it answers, like auth.example.com",
        );
    }
    if settings.breached_passwords.url.as_ref().is_some_and(BaseUrl::is_open_to_readers) {
        let reason = "parts of passwords would cross the network unencrypted: production needs https://";
        reader.refuse(&table::PASSWORD_BREACH_CHECK_URL, reason);
    }
    if settings.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        let reason = "a network of everybody lets every caller choose an address; name the proxies";
        reader.refuse(&table::TRUSTED_PROXIES, reason);
    }
}

fn delivery(settings: &Settings, reader: &mut Reader) {
    match &settings.mail {
        MailDelivery::Capture => {
            let reason =
                "production does not capture mail: set SMTP_HOST, or off to let messages wait in the outbox";
            reader.refuse(&table::MAIL_PROVIDER, reason);
        }
        MailDelivery::Smtp(smtp) => mail_server(smtp, reader),
        MailDelivery::Off => {}
    }
    match &settings.sms {
        SmsDelivery::Capture => {
            let reason = "production does not capture text messages: set AWS_REGION, or off to send none";
            reader.refuse(&table::SMS_PROVIDER, reason);
        }
        SmsDelivery::Sns(sns) if sns.is_open_to_readers() => {
            let own = is_set(reader, &table::AWS_ENDPOINT_URL_SNS);
            let spec = if own { &table::AWS_ENDPOINT_URL_SNS } else { &table::AWS_ENDPOINT_URL };
            reader.refuse(spec, "codes would cross the network unencrypted: production needs https://");
        }
        SmsDelivery::Sns(_) | SmsDelivery::Off => {}
    }
}

fn cognito(settings: &Settings, reader: &mut Reader) {
    let Some(pool) = &settings.cognito else { return };
    if pool.is_open_to_readers() {
        let reason = "passwords would cross the network unencrypted: production needs https://";
        reader.refuse(&table::COGNITO_ENDPOINT_URL, reason);
    }
}

fn mail_server(smtp: &SmtpSettings, reader: &mut Reader) {
    if smtp.port == 1025 {
        reader.refuse(
            &table::SMTP_PORT,
            "mail catchers listen at 1025; production needs a server that delivers",
        );
    }
    let local = smtp.host.eq_ignore_ascii_case("localhost")
        || smtp.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if local {
        reader.refuse(
            &table::SMTP_HOST,
            "production needs a mail server, not a mail catcher on its own machine",
        );
    }
    if smtp.password.is_some() && !smtp.start_tls && smtp.port != 465 {
        reader.refuse(&table::SMTP_TLS, "the password would cross the network unencrypted: set true");
    }
}

fn is_set(reader: &Reader, spec: &Spec) -> bool {
    reader.raw(spec).is_some()
}
