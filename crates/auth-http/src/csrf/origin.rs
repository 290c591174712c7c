//! Which page sent a request, as the browser tells it.

use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};

use crate::settings::HttpSettings;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A header that must not be there twice.
enum Said<'a> {
    Nothing,
    Once(&'a str),
    Unclear,
}

/// Whether the browser says that a page of ours, or one on the list of origins, sent the request. No page
/// can write these two headers itself. Silence is a refusal.
pub(crate) fn may_ask(headers: &HeaderMap, settings: &HttpSettings) -> bool {
    match (said(headers, &SEC_FETCH_SITE), said(headers, &ORIGIN)) {
        (Said::Once("same-origin"), Said::Nothing | Said::Once(_)) => true,
        (Said::Nothing | Said::Once("same-site" | "cross-site"), Said::Once(origin)) => {
            is_listed(origin, settings) || is_own(origin, headers, settings)
        }
        _ => false,
    }
}

fn said<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Said<'a> {
    let mut values = headers.get_all(name);
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Said::Nothing,
        (Some(Ok(value)), None) => Said::Once(value),
        _ => Said::Unclear,
    }
}

/// Exactly one on the list. The entry that stands for all origins stands for none here.
fn is_listed(origin: &str, settings: &HttpSettings) -> bool {
    origin != HttpSettings::ANY_ORIGIN && settings.cors_origins.iter().any(|listed| listed == origin)
}

/// The origin of this server, by its public address or by the host that the request was let in for.
fn is_own(origin: &str, headers: &HeaderMap, settings: &HttpSettings) -> bool {
    if origin == settings.origin() {
        return true;
    }
    let (scheme, port) = if settings.is_secure() { ("https://", ":443") } else { ("http://", ":80") };
    let Said::Once(host) = said(headers, &HOST) else { return false };
    let host = host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    !host.is_empty() && origin.strip_prefix(scheme) == Some(host.as_str())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn settings() -> HttpSettings {
        HttpSettings {
            public_url: "https://auth.example.com/base".to_owned(),
            cors_origins: ["https://good.test", "*"].map(str::to_owned).to_vec(),
            ..HttpSettings::default()
        }
    }

    fn may(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        may_ask(&headers, &settings())
    }

    #[test]
    fn pages_of_ours_and_listed_ones_may_ask() {
        for pairs in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://auth.example.com")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://good.test")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://good.test")],
            &[("origin", "https://good.test")],
            &[("origin", "https://auth.example.com")],
            &[("origin", "https://inside.example"), ("host", "Inside.example:443")],
            &[("origin", "https://inside.example:8443"), ("host", "inside.example:8443")],
        ] {
            assert!(may(pairs), "{pairs:?}");
        }
    }

    #[test]
    fn nobody_else_may() {
        for pairs in [
            &[][..],
            &[("host", "auth.example.com")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "none"), ("origin", "https://good.test")],
            &[("sec-fetch-site", "Same-Origin")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://www.example.com")],
            &[("origin", "https://good.test"), ("origin", "https://good.test")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "*")],
            &[("origin", "https://")],
            &[("origin", "https://good.test.evil.test")],
            &[("origin", "https://evilgood.test")],
            &[("origin", "http://good.test")],
            &[("origin", "https://good.test:8443")],
            &[("origin", "https://good.test/")],
            &[("origin", "https://GOOD.test")],
            &[("origin", "http://auth.example.com")],
            &[("origin", "http://inside.example"), ("host", "inside.example")],
            &[("origin", "https://evil.test"), ("host", "inside.example")],
            &[("origin", "https://inside.example"), ("host", "inside.example"), ("host", "x")],
        ] {
            assert!(!may(pairs), "{pairs:?}");
        }
    }
}
