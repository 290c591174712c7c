//! Reads single values.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use actix_web::http::{Uri, header::HeaderName};
use auth_domain::secret::ServerSecret;
use ipnet::IpNet;
use secrecy::SecretString;

/// Why a value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It does not look like what the table says.
    Shape,
}

/// A base address, `http://` or `https://`, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// `http://` and a host that is known to be one.
    pub(super) fn plain_http(authority: &str) -> Self {
        Self(format!("http://{authority}"))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached through TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether what is sent there crosses the network unencrypted.
    pub fn is_open_to_readers(&self) -> bool {
        let Some(host) = self.0.strip_prefix("http://") else { return false };
        let host = host.split('/').next().unwrap_or_default();
        let (name, _port) = host.rsplit_once(':').unwrap_or((host, ""));
        let address = name.trim_matches(['[', ']']).parse();
        !(name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list that may also stand for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowList {
    /// Everything.
    Any,
    /// These, lower case; none when empty.
    Only(Vec<String>),
}

impl AllowList {
    /// Whether everything is allowed.
    pub const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// The name of a header, as clients are told it.
pub(crate) fn header_name(text: &str) -> Result<String, Wrong> {
    HeaderName::from_bytes(text.as_bytes()).map(|_| text.to_owned()).map_err(|_| Wrong::Shape)
}

pub(crate) fn flag(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Wrong::Shape),
    }
}

/// A secret that fits into an `Authorization` header.
pub(crate) fn bearer(text: &str) -> Result<SecretString, Wrong> {
    let fits = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.into()) } else { Err(Wrong::Shape) }
}

pub(crate) fn address(text: &str) -> Result<IpAddr, Wrong> {
    match text {
        "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        _ => text.parse().map_err(|_| Wrong::Shape),
    }
}

pub(crate) fn base_url(text: &str) -> Result<BaseUrl, Wrong> {
    let uri = Uri::from_str(text).map_err(|_| Wrong::Shape)?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty() && !host.contains(['*', '"', '<', '>']));
    let authority = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if !(web && host && authority) || text.contains(['?', '#']) {
        return Err(Wrong::Shape);
    }
    Ok(BaseUrl(text.trim_end_matches('/').to_owned()))
}

pub(crate) fn origins(text: &str) -> Result<AllowList, Wrong> {
    allow_list(text, |origin| {
        let url = base_url(origin).ok()?;
        let host = url.as_str().split_once("://")?.1;
        (!host.contains('/')).then(|| url.0.to_ascii_lowercase())
    })
}

pub(crate) fn hosts(text: &str) -> Result<AllowList, Wrong> {
    allow_list(text, |host| {
        let name = host.strip_prefix("*.").unwrap_or(host);
        let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let address = literal.is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
        (!name.is_empty() && (letters || address)).then(|| host.to_ascii_lowercase())
    })
}

pub(crate) fn networks(text: &str) -> Result<Vec<IpNet>, Wrong> {
    let network = |item: &String| {
        let host = || item.parse::<IpAddr>().map(IpNet::from);
        item.parse::<IpNet>().or_else(|_| host()).map_err(|_| Wrong::Shape)
    };
    list(text)?.iter().map(network).collect()
}

/// A JSON list of texts, or a comma list; blanks around items and empty items do not count.
pub(crate) fn list(text: &str) -> Result<Vec<String>, Wrong> {
    let items: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|_| Wrong::Shape)?
    } else {
        text.split(',').map(ToOwned::to_owned).collect()
    };
    Ok(items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
}

/// A host name or an IP address, as it stands in an address.
pub(crate) fn host(text: &str) -> Result<String, Wrong> {
    match text.parse() {
        Ok(IpAddr::V6(address)) => Ok(format!("[{address}]")),
        Ok(IpAddr::V4(address)) => Ok(address.to_string()),
        Err(_) => {
            let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            if letters { Ok(text.to_owned()) } else { Err(Wrong::Shape) }
        }
    }
}

/// A user name or password, as it stands in an address (RFC 3986 §3.2.1).
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// A text for people and tokens: no control characters, not endless.
pub(crate) fn plain(text: &str) -> Result<String, Wrong> {
    const LONGEST: usize = 100;
    let fits = text.chars().count() <= LONGEST && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Wrong::Shape) }
}

fn allow_list(text: &str, read: impl Fn(&str) -> Option<String>) -> Result<AllowList, Wrong> {
    let items = list(text)?;
    if items.iter().any(|item| item == "*") {
        return Ok(AllowList::Any);
    }
    let items: Option<Vec<_>> = items.iter().map(|item| read(item)).collect();
    items.map(AllowList::Only).ok_or(Wrong::Shape)
}

/// Secrets of a comma list.
pub(super) fn secrets(text: &str) -> Result<Vec<ServerSecret>, Wrong> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| ServerSecret::parse(word).map_err(|_| Wrong::Shape)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, kept) in [
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://auth.example.com/", "https://auth.example.com"),
            ("https://example.com/auth/", "https://example.com/auth"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(base_url(text).unwrap().as_str(), kept);
        }
        for bad in [
            "auth.example.com",
            "/x",
            "ftp://a",
            "https://",
            "https://u:p@a",
            "https://a?x",
            "https://a#x",
            "https://a b",
            "javascript:alert(1)",
        ] {
            assert_eq!(base_url(bad), Err(Wrong::Shape), "{bad}");
        }
    }

    #[test]
    fn lists_come_as_json_or_with_commas() {
        let two = Ok(AllowList::Only(vec!["https://a.com".into(), "http://b.com:3000".into()]));
        assert_eq!(origins("https://A.com/, http://b.com:3000,"), two);
        assert_eq!(origins(r#"["https://a.com", "http://b.com:3000"]"#), two);
        assert_eq!(origins(r#"["*"]"#), Ok(AllowList::Any));
        for bad in ["a.com", "https://a.com/path", "null", "[1]", "['https://a.com']", "https://*.a.com"] {
            assert_eq!(origins(bad), Err(Wrong::Shape), "{bad}");
        }
        let named = ["a.com", "*.b.com", "127.0.0.1", "[::1]"].map(ToOwned::to_owned).to_vec();
        assert_eq!(hosts("a.com,*.B.com,127.0.0.1,[::1]"), Ok(AllowList::Only(named)));
        for bad in ["https://a.com", "a.com:8000", "a.*.com", "*."] {
            assert_eq!(hosts(bad), Err(Wrong::Shape), "{bad}");
        }
    }

    #[test]
    fn networks_and_flags() {
        let nets = networks("10.0.0.0/8, 127.0.0.1, ::1").unwrap();
        assert_eq!(
            nets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "127.0.0.1/32", "::1/128"]
        );
        assert_eq!(networks("proxy"), Err(Wrong::Shape));
        assert_eq!(
            [flag("YES"), flag("True"), flag("0"), flag("no")],
            [Ok(true), Ok(true), Ok(false), Ok(false)]
        );
        assert_eq!(flag("maybe"), Err(Wrong::Shape));
    }
}
