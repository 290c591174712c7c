//! Who is calling: what the audit log and the notices say about a request.

use std::{fmt, net::IpAddr};

/// The caller's side of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The address the request came from, after trusted proxies.
    pub ip: Option<IpAddr>,
    /// What the client says it is.
    pub user_agent: Option<UserAgent>,
    /// The id that every log line and answer of this request carries.
    pub request_id: Option<String>,
}

impl Client {
    /// The address and the device in one text, to tell two callers apart.
    pub(crate) fn place(&self) -> String {
        let ip = self.ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
        format!("{ip} {}", self.user_agent.as_ref().map_or("", UserAgent::as_str))
    }
}

/// A `User-Agent`, bounded and free of control characters, so that it is safe to store and to print
/// (ASVS 16.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// Longest kept, in characters.
    pub const MAX_CHARS: usize = 300;

    /// Keeps the first [`MAX_CHARS`](Self::MAX_CHARS) printable characters of `text`; `None` if
    /// nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let kept: String = text.chars().filter(|c| !c.is_control()).take(Self::MAX_CHARS).collect();
        let trimmed = kept.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
