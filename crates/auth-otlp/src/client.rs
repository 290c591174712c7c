//! The way to the collector.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};

/// Longest answer that is read: the collector has little to say.
const MOST: usize = 64 * 1024;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How often the log tells at most that the collector does not take traces.
const COMPLAINT: Duration = Duration::from_mins(1);

/// A client of a collector. It runs on the thread that hands spans over, with a runtime of its own: nothing that it
/// does, and nothing that becomes of it, holds up the server's.
pub(crate) struct Client {
    runtime: Runtime,
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
    complained: Mutex<Option<Instant>>,
}

impl Client {
    pub(crate) fn new(patience: Duration) -> Result<Self, HttpError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, http, patience, complained: Mutex::default() })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.http.request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MOST).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    fn complain(&self, reason: &dyn fmt::Display) {
        let now = Instant::now();
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| now - last >= COMPLAINT) {
            *last = Some(now);
            tracing::warn!(%reason, "the collector does not take traces: they are lost");
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Waits on the exporter's own thread, which has nothing else to do.
        let outcome = self.runtime.block_on(async {
            let sending = tokio::time::timeout(self.patience, self.send(request));
            sending.await.unwrap_or_else(|_| Err("no answer in time".into()))
        });
        match &outcome {
            Ok(answer) if !answer.status().is_success() => self.complain(&answer.status()),
            Ok(_) => {}
            Err(error) => self.complain(&chain(&**error)),
        }
        outcome
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn tls() -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
