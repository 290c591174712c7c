//! A service that answers ranges.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_domain::{
    guard::{Breaker, BreakerConfig, BreakerWatch, Resting},
    port::{BreachError, BreachedPasswords},
    user::Password,
};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    Request, StatusCode, Uri,
    body::Bytes,
    header::{ACCEPT, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tracing::Instrument as _;

use crate::digest::HexDigest;

/// Everything that one question may take.
const BUDGET: Duration = Duration::from_millis(800);
/// A padded answer has some 40 KiB.
const MAX_ANSWER: usize = 256 * 1024;
/// So many failures in a row, and the service is left alone for so long.
const BREAKER: BreakerConfig = BreakerConfig { failures: 3, open_for: Duration::from_secs(30) };
/// How long a connection is kept for the next question.
const IDLE: Duration = Duration::from_secs(20);

/// Which service is asked.
#[derive(Clone, Debug)]
pub struct RangeConfig {
    /// What stands before `/` and the five digits, like `https://ranges.example.com/range`.
    pub url: String,
    /// Authorities to trust (PEM), in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// The service cannot be asked as the settings have it.
#[derive(Debug, thiserror::Error)]
pub enum RangeConfigError {
    /// Not an address.
    #[error("expected an address like https://ranges.example.com/range")]
    Url,
    /// The file of authorities.
    #[error("{} holds no certificate that can be read", .0.display())]
    Authorities(PathBuf),
    /// The TLS library.
    #[error("TLS cannot be prepared")]
    Tls(#[source] rustls::Error),
}

/// A service that speaks the range API: `GET {url}/5BAA6` is answered with lines `SUFFIX:COUNT`.
pub struct RangeApi {
    url: String,
    http: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    breaker: Breaker,
}

/// Why a question had no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Resting(#[from] Resting),
    #[error("no answer in time")]
    Late,
    #[error("the address cannot be asked")]
    Address,
    #[error("the service cannot be reached")]
    Unreachable,
    #[error("the service answered with {0}")]
    Status(StatusCode),
    #[error("the answer broke off, or is too long")]
    Body,
    #[error("the answer is not a list of suffixes")]
    Garbage,
}

impl RangeApi {
    /// Prepares to ask. Nothing is connected yet.
    ///
    /// # Errors
    /// [`RangeConfigError`] says what does not fit.
    pub fn new(config: &RangeConfig) -> Result<Self, RangeConfigError> {
        let url = config.url.trim_end_matches('/').to_owned();
        let uri: Uri = url.parse().map_err(|_| RangeConfigError::Url)?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none()
            || uri.query().is_some()
        {
            return Err(RangeConfigError::Url);
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(BUDGET));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(config)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { url, http, breaker: Breaker::new("breach", BREAKER) })
    }

    /// The same, with somebody who is told when the service is left alone, and when it answers again.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn BreakerWatch>) -> Self {
        self.breaker = self.breaker.watched_by(watch);
        self
    }

    /// Asks, unless the service is being left alone, and remembers how it went.
    async fn look_up(&self, digest: &HexDigest) -> Result<bool, Failure> {
        let permit = self.breaker.enter(Instant::now())?;
        let span = tracing::info_span!(target: "auth_trace", "breach range", otel.kind = "client");
        let outcome = match tokio::time::timeout(BUDGET, self.ask(digest)).instrument(span).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Late),
        };
        match &outcome {
            Ok(_) => permit.succeeded(),
            Err(failure) => {
                tracing::warn!(%failure, "breached passwords cannot be looked up");
                permit.failed(Instant::now(), failure)
            }
        };
        outcome
    }

    async fn ask(&self, digest: &HexDigest) -> Result<bool, Failure> {
        let request = Request::get(format!("{}/{}", self.url, digest.prefix()))
            .header("Add-Padding", "true")
            .header(ACCEPT, "text/plain")
            .header(USER_AGENT, concat!("auth-server/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|_| Failure::Address)?;
        // The client's own errors name the address, and with it the range.
        let answer = self.http.request(request).await.map_err(|_| Failure::Unreachable)?;
        if answer.status() != StatusCode::OK {
            // Elsewhere is no place to ask, either.
            return Err(Failure::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| Failure::Body)?;
        read(&body.to_bytes(), digest.suffix())
    }
}

impl fmt::Debug for RangeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeApi").field("url", &self.url).finish_non_exhaustive()
    }
}

#[async_trait]
impl BreachedPasswords for RangeApi {
    async fn contains(&self, password: &Password) -> Result<bool, BreachError> {
        let digest = HexDigest::of(password);
        self.look_up(&digest).await.map_err(|failure| BreachError(failure.into()))
    }
}

fn tls(config: &RangeConfig) -> Result<ClientConfig, RangeConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(RangeConfigError::Tls)?
        .with_root_certificates(authorities(config)?)
        .with_no_client_auth())
}

fn authorities(config: &RangeConfig) -> Result<RootCertStore, RangeConfigError> {
    let mut store = RootCertStore::empty();
    let Some(path) = &config.ca_file else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let unreadable = || RangeConfigError::Authorities(path.clone());
    let pem = fs::read(path).map_err(|_| unreadable())?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        store.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if store.is_empty() { Err(unreadable()) } else { Ok(store) }
}

/// Whether a list holds the suffix. Padding is listed with a count of zero.
fn read(answer: &[u8], suffix: &str) -> Result<bool, Failure> {
    let text = std::str::from_utf8(answer).map_err(|_| Failure::Garbage)?;
    let mut known = false;
    for line in text.lines() {
        let (listed, count) = line.split_once(':').ok_or(Failure::Garbage)?;
        let count: u64 = count.trim().parse().map_err(|_| Failure::Garbage)?;
        if listed.len() != suffix.len() || !listed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Failure::Garbage);
        }
        known |= count > 0 && listed.eq_ignore_ascii_case(suffix);
    }
    // Every range has some: an empty answer is not one of this API.
    if text.is_empty() { Err(Failure::Garbage) } else { Ok(known) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "003D68EB55068C33ACE09247EE4C639306B";

    fn found(answer: &str) -> Option<bool> {
        read(answer.as_bytes(), SUFFIX).ok()
    }

    #[test]
    fn a_suffix_is_found_among_others() {
        assert_eq!(found(&format!("{OTHER}:3\r\n{SUFFIX}:10434004\r\n")), Some(true));
        assert_eq!(found(&format!("{OTHER}:3\n{}:1", SUFFIX.to_ascii_lowercase())), Some(true));
        assert_eq!(found(&format!("{OTHER}:3\r\n")), Some(false));
    }

    #[test]
    fn padding_is_nobodys_password() {
        assert_eq!(found(&format!("{OTHER}:3\r\n{SUFFIX}:0\r\n")), Some(false));
    }

    #[test]
    fn anything_else_is_no_answer() {
        let short = &SUFFIX[1..];
        for garbage in [
            String::new(),
            "<html>sorry</html>".to_owned(),
            SUFFIX.to_owned(),
            format!("{short}:1"),
            format!("{SUFFIX}:many"),
            format!("{SUFFIX}:-1"),
            format!("{OTHER}:1\r\n\r\n{SUFFIX}:1"),
            format!("{}:1", "Z".repeat(35)),
        ] {
            assert_eq!(found(&garbage), None, "{garbage}");
        }
        assert!(read(&[0xff, 0xfe], SUFFIX).is_err());
    }

    #[test]
    fn only_addresses_of_the_web_can_be_asked() {
        let of = |url: &str| RangeApi::new(&RangeConfig { url: url.to_owned(), ca_file: None });
        assert!(of("https://ranges.example.com/range/").is_ok());
        for bad in ["ranges.example.com", "ftp://ranges.example.com", "https://a?b", "/range", ""] {
            assert!(matches!(of(bad), Err(RangeConfigError::Url)), "{bad}");
        }
    }
}
