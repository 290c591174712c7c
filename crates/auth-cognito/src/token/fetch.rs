//! The pool's keys, fetched from the one address that the configuration names.

use std::time::Duration;

use aws_sdk_cognitoidentityprovider::config::http::HttpRequest;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::timeout;

use super::key::{self, Key};

/// A pool's two keys have about 1,000 bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Fetches keys. Follows no redirect, reads no long answer, and ends within its limit.
#[derive(Debug)]
pub(super) struct Fetch {
    url: String,
    limit: Duration,
    connector: Connector,
}

impl Fetch {
    pub(super) fn new(url: String, limit: Duration) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self { url, limit, connector }
    }

    /// The keys; or why there are none, in words that name no secret.
    pub(super) async fn keys(&self) -> Result<Vec<Key>, String> {
        let late = |_| Err(format!("no keys within {:?}", self.limit));
        timeout(self.limit, self.ask()).await.unwrap_or_else(late)
    }

    async fn ask(&self) -> Result<Vec<Key>, String> {
        let request = HttpRequest::get(&self.url).map_err(|_| "the address of the keys is none")?;
        let answer = self.connector.call(request).await;
        let answer = answer.map_err(|error| format!("the keys cannot be reached: {}", causes(&error)))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(format!("the keys are answered with status {status}"));
        }
        let mut body = ByteStream::new(answer.into_body());
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|_| "the answer with the keys breaks off")?);
            if bytes.len() > MAX_ANSWER_BYTES {
                return Err("the answer with the keys is too long".to_owned());
            }
        }
        key::read(&bytes)
    }
}

/// The error and what lies beneath it, on one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&cause| cause.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
