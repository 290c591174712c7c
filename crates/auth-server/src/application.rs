//! The running server: bound, wired, and stopped in order.

use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{dev::Server, web::Data};
use anyhow::Context as _;
use auth_domain::{port::Mailbox, secret::Digest, usecase::Engine};
use auth_http::{
    Api, ConnectionLimits, Drain, Gate, Health, HttpSettings, Metrics, operations,
    settings::{EdgeQuota, MetricsAccess},
};
use secrecy::ExposeSecret as _;

use crate::{
    settings::{AllowList, Settings},
    wire::{self, Wiring},
    worker::{Workers, close_audit},
};

/// How long a load balancer needs to notice that a server is not ready any more.
const DRAIN: Duration = Duration::from_secs(5);
/// How long workers may take to finish what they are at.
const WORKERS: Duration = Duration::from_secs(5);
/// How long the end of the audit log may take to be chained and signed.
const CLOSING: Duration = Duration::from_secs(3);

/// A server that listens, and serves once it is [run](Application::run_until).
pub struct Application {
    address: SocketAddr,
    server: Server,
    api: Api,
    drain: Drain,
    drain_time: Duration,
    wiring: Wiring,
    // Keeps other servers away from the same database file until this one is gone.
    _claim: Option<wire::Claim>,
}

impl Application {
    /// Wires everything, brings the embedded store up to date, makes the first signing key and binds.
    ///
    /// # Errors
    /// One sentence about what is missing, with its cause.
    pub async fn build(settings: &Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(settings.listen_on())
            .with_context(|| format!("cannot listen on {}: set HOST and PORT", settings.listen_on()))?;
        let address = listener.local_addr()?;
        let settings = &settings.bound_to(address);
        let wiring = wire::build(settings)?;
        let claim = wiring.stores.claim()?;
        for migration in wiring.prepare().await? {
            tracing::info!(%migration, "database brought up to date");
        }
        let version = env!("CARGO_PKG_VERSION");
        wiring
            .engine
            .operators
            .note_settings(version, &settings.set)
            .await
            .context("cannot write the audit log")?;
        let drain = Drain::default();
        let api = api(settings, &wiring, drain.clone());
        Ok(Self {
            address,
            server: server(settings, listener, &api, &wiring)?,
            api,
            drain,
            // Without a load balancer nobody would notice.
            drain_time: if settings.is_production() || settings.replicas > 1 {
                DRAIN
            } else {
                Duration::ZERO
            },
            wiring,
            _claim: claim,
        })
    }

    /// Where the server listens; the port is the real one when the settings said 0.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The engine behind the server.
    pub const fn engine(&self) -> &Engine {
        &self.wiring.engine
    }

    /// Serves until `shutdown` resolves, then stops in order: not ready, drained, requests under way
    /// finished, workers finished.
    ///
    /// # Errors
    /// When the server itself fails.
    pub async fn run_until(mut self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let part_events = self.wiring.part_events.take();
        let workers = Workers::start(&self.wiring.engine, part_events);
        let handle = self.server.handle();
        let serving = actix_web::rt::spawn(self.server);
        let forgetting = actix_web::rt::spawn(async move { self.api.forget_the_quiet().await });
        tokio::pin!(serving);
        let outcome = tokio::select! {
            outcome = &mut serving => outcome,
            () = shutdown => {
                tracing::info!("stopping");
                self.drain.begin();
                tokio::time::sleep(self.drain_time).await;
                handle.stop(true).await;
                serving.await
            }
        };
        forgetting.abort();
        workers.stop(WORKERS).await;
        close_audit(&self.wiring.engine, CLOSING).await;
        outcome.context("the server's task was lost")?.context("the server failed")
    }
}

/// The HTTP side on the engine.
pub(crate) fn api(settings: &Settings, wiring: &Wiring, drain: Drain) -> Api {
    let tracer = settings.traces.is_some().then(|| Arc::new(wire::traces::Otlp) as _);
    let settings = http_settings(settings);
    let table = operations(&settings);
    let gate = Gate {
        settings,
        bearer: Arc::new(wiring.engine.bearer.clone()),
        api_keys: Arc::new(wiring.engine.api_keys.clone()),
        admission: Arc::new(wiring.engine.admin.clone()),
        csrf: Arc::new(wiring.engine.csrf.clone()),
        limiter: wiring.state.limiter.clone(),
        health: Health::new(
            Arc::new(wiring.engine.clone()),
            wiring.state.redis.clone(),
            wiring.clock.clone(),
        ),
        clock: wiring.clock.clone(),
        entropy: wiring.entropy.clone(),
        drain,
        metrics: Arc::new(metrics(wiring)),
        tracer,
    };
    Api::new(gate, table)
}

fn metrics(wiring: &Wiring) -> Metrics {
    let backlog = Arc::new(wiring.engine.messages.clone());
    let metrics = Metrics::new(backlog, wiring.clock.clone(), env!("CARGO_PKG_VERSION"));
    wiring.figures.shown_by(metrics, &wiring.engine)
}

fn server(settings: &Settings, listener: TcpListener, api: &Api, wiring: &Wiring) -> anyhow::Result<Server> {
    let engine = Data::new(wiring.engine.clone());
    let mailbox: Option<Data<dyn Mailbox>> = wiring.mailbox.clone().map(Data::from);
    let limits = ConnectionLimits {
        connections: settings.max_connections,
        per_address: settings.max_connections_per_address,
        idle: settings.keep_alive,
        ..ConnectionLimits::default()
    };
    let app = {
        let api = api.clone();
        move || {
            let app = api.app().app_data(engine.clone());
            match &mailbox {
                Some(mailbox) => app.app_data(mailbox.clone()),
                None => app,
            }
        }
    };
    Ok(auth_http::serve(listener, &limits, api, app)?)
}

fn http_settings(settings: &Settings) -> HttpSettings {
    HttpSettings {
        tenants: settings.tenants.iter().cloned().collect(),
        allowed_hosts: hosts(&settings.allowed_hosts),
        cors_origins: origins(&settings.cors_origins),
        public_url: settings.public_url.to_string(),
        trusted_proxies: settings.trusted_proxies.clone(),
        forwarded_header: settings.forwarded_header,
        quotas: settings.quotas(),
        edge: EdgeQuota::of(settings.edge_requests_per_second, &settings.quotas()),
        production: settings.is_production(),
        branding: settings.branding_name.clone(),
        phone_region: settings.sms_default_region.clone(),
        expose_mailbox: settings.has_dev_mailbox(),
        metrics: metrics_access(settings),
        serve_link_pages: settings.link_base == settings.public_url,
        providers: settings.auth_provider,
        password_policy: settings.password_policy,
        api_key_header: settings.api_keys.header.clone(),
        ..HttpSettings::default()
    }
}

fn metrics_access(settings: &Settings) -> MetricsAccess {
    match &settings.metrics_token {
        Some(token) => MetricsAccess::Token(Digest::of(token.expose_secret().as_bytes())),
        None if settings.is_production() => MetricsAccess::Closed,
        None => MetricsAccess::Open,
    }
}

fn hosts(list: &AllowList) -> Vec<String> {
    match list {
        // An empty list allows any host.
        AllowList::Any => Vec::new(),
        AllowList::Only(hosts) => hosts.clone(),
    }
}

fn origins(list: &AllowList) -> Vec<String> {
    match list {
        AllowList::Any => vec![HttpSettings::ANY_ORIGIN.to_owned()],
        AllowList::Only(origins) => origins.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Inputs;

    fn access(settings: &[(&str, &str)]) -> MetricsAccess {
        let all = settings.iter().fold(Inputs::default(), |inputs, (name, value)| inputs.with(name, value));
        metrics_access(&Settings::from_inputs(&all).unwrap().settings)
    }

    #[test]
    fn production_shows_its_figures_for_a_token_only() {
        let production = [
            ("APP_ENV", "production"),
            ("SECRET_KEY", "bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE="),
            ("PUBLIC_URL", "https://auth.example.com"),
            ("ALLOWED_HOSTS", "auth.example.com"),
            ("MAIL_PROVIDER", "off"),
            ("SMS_PROVIDER", "off"),
        ];
        let (secret, token) = ("0123456789abcdef", MetricsAccess::Token(Digest::of(b"0123456789abcdef")));
        assert_eq!(access(&production), MetricsAccess::Closed);
        assert_eq!(access(&[&production[..], &[("METRICS_TOKEN", secret)]].concat()), token);
        assert_eq!(access(&[]), MetricsAccess::Open);
        assert_eq!(access(&[("APP_ENV", "test"), ("METRICS_TOKEN", secret)]), token);
    }
}
