//! Asking the server: no redirects, bounded answers, bounded time.

use std::{fmt, fs, path::PathBuf, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, header::USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The server's keys and what it says of a token have a few hundred bytes each.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How long a connection is kept for the next question.
const IDLE: Duration = Duration::from_secs(20);

/// How the server is reached.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Everything that one question may take.
    pub timeout: Duration,
    /// Authorities to trust (PEM), in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` will do beyond this machine: whoever sits between could then hand out keys.
    pub allow_plain_http: bool,
}

impl Default for HttpConfig {
    /// Two seconds, the system's authorities, TLS.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(2), ca_file: None, allow_plain_http: false }
    }
}

/// The server cannot be asked as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpConfigError {
    /// Not an address.
    #[error("expected an address like https://auth.example.com")]
    Url,
    /// Unencrypted, and beyond this machine.
    #[error("http:// is for this machine only, unless plain http is allowed")]
    PlainHttp,
    /// Not a key that can stand in a header.
    #[error("expected an API key of the server")]
    ApiKey,
    /// The file of authorities.
    #[error("{} holds no certificate that can be read", .0.display())]
    Authorities(PathBuf),
    /// The TLS library.
    #[error("TLS cannot be prepared")]
    Tls(#[source] rustls::Error),
}

/// Why there is no answer. Says nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer in time")]
    Late,
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the server answered with {0}")]
    Status(StatusCode),
    #[error("the answer broke off, or is too long")]
    Body,
    #[error("the answer makes no sense")]
    Garbage,
}

/// One address, and what is needed to ask there.
pub(crate) struct Endpoint {
    url: Uri,
    timeout: Duration,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Endpoint {
    /// Prepares to ask. Nothing is connected yet.
    ///
    /// # Errors
    /// [`HttpConfigError`] says what does not fit.
    pub(crate) fn new(url: &str, config: &HttpConfig) -> Result<Self, HttpConfigError> {
        let url: Uri = url.parse().map_err(|_| HttpConfigError::Url)?;
        let host = url.host().ok_or(HttpConfigError::Url)?;
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if config.allow_plain_http || is_this_machine(host) => {}
            Some("http") => return Err(HttpConfigError::PlainHttp),
            _ => return Err(HttpConfigError::Url),
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(config.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(config)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { url, timeout: config.timeout, http })
    }

    /// `GET`, or `POST` with a body; the answer's body, if its status is 200.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) async fn ask(
        &self,
        headers: &[(&'static str, &str)],
        body: Option<String>,
    ) -> Result<Bytes, Failure> {
        tokio::time::timeout(self.timeout, self.exchange(headers, body)).await.unwrap_or(Err(Failure::Late))
    }

    async fn exchange(
        &self,
        headers: &[(&'static str, &str)],
        body: Option<String>,
    ) -> Result<Bytes, Failure> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder()
            .method(method)
            .uri(self.url.clone())
            .header(USER_AGENT, concat!("auth-verifier/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.unwrap_or_default())).map_err(|_| Failure::Garbage)?;
        let answer = self.http.request(request).await.map_err(|_| Failure::Unreachable)?;
        if answer.status() != StatusCode::OK {
            // Elsewhere is no place to ask, either: redirects are not followed.
            return Err(Failure::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| Failure::Body)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn tls(config: &HttpConfig) -> Result<ClientConfig, HttpConfigError> {
    let mut roots = RootCertStore::empty();
    match &config.ca_file {
        Some(path) => {
            let unreadable = || HttpConfigError::Authorities(path.clone());
            let pem = fs::read(path).map_err(|_| unreadable())?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
            }
            if roots.is_empty() {
                return Err(unreadable());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = rustls::crypto::ring::default_provider().into();
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.map_err(HttpConfigError::Tls)?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_come_over_plain_http_from_elsewhere() {
        let config = HttpConfig::default();
        let open = HttpConfig { allow_plain_http: true, ..HttpConfig::default() };
        for url in
            ["https://auth.example.com/x", "http://localhost:8000/x", "http://127.0.0.1/x", "http://[::1]/x"]
        {
            assert!(Endpoint::new(url, &config).is_ok(), "{url}");
        }
        let plain = "http://auth.internal/x";
        assert!(matches!(Endpoint::new(plain, &config), Err(HttpConfigError::PlainHttp)));
        assert!(matches!(
            Endpoint::new("http://localhost.evil.com/x", &config),
            Err(HttpConfigError::PlainHttp)
        ));
        assert!(Endpoint::new(plain, &open).is_ok());
        for url in ["", "/x", "ftp://auth.example.com/x", "auth.example.com"] {
            assert!(matches!(Endpoint::new(url, &open), Err(HttpConfigError::Url)), "{url}");
        }
        let lost = HttpConfig { ca_file: Some("/nowhere.pem".into()), ..HttpConfig::default() };
        let refused = Endpoint::new("https://auth.example.com/x", &lost);
        assert!(matches!(refused, Err(HttpConfigError::Authorities(_))));
    }
}
