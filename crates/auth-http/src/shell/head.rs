//! The request's head: its size, its host, its path.

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        StatusCode, Uri,
        header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, ORIGIN},
        uri::PathAndQuery,
    },
};

use crate::{problem::Problem, settings::HttpSettings};

/// Longest target, in bytes.
const MAX_URI: usize = 8 * 1024;
/// Longest head, in bytes of names and values.
const MAX_HEADERS: usize = 16 * 1024;

/// Refuses heads that are too large or meant for somebody else, and puts the rest in order.
#[expect(clippy::result_large_err, reason = "the error is the answer; it goes no further up")]
pub(super) fn check(request: &mut ServiceRequest, settings: &HttpSettings) -> Result<(), HttpResponse> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_URI {
        return Err(bare(StatusCode::URI_TOO_LONG));
    }
    let size = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if size > MAX_HEADERS {
        return Err(bare(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    // Whoever scrapes asks each replica at an address of its own; the figures are the same for any host.
    let for_any_host = request.path() == "/metrics";
    if !for_any_host && !is_host_allowed(request.uri(), request.headers(), &settings.allowed_hosts) {
        let plain = "text/plain; charset=utf-8";
        return Err(HttpResponse::BadRequest().content_type(plain).body("Invalid host header"));
    }
    // Without an origin there is nobody to ask for: an ordinary OPTIONS, and so a 405.
    if !request.headers().contains_key(ORIGIN) {
        request.headers_mut().remove(ACCESS_CONTROL_REQUEST_METHOD);
    }
    trim_slash(request);
    Ok(())
}

fn bare(status: StatusCode) -> HttpResponse {
    HttpResponse::from_error(Problem::of_status(status))
}

/// Whether the request is meant for this server, by every name it gives.
fn is_host_allowed(uri: &Uri, headers: &HeaderMap, allowed: &[String]) -> bool {
    if allowed.is_empty() {
        return true;
    }
    let in_target = uri.authority().map(actix_web::http::uri::Authority::as_str);
    let in_header = headers.get_all(HOST).map(|value| value.to_str().unwrap_or_default());
    let names: Vec<String> = in_target.into_iter().chain(in_header).map(without_port).collect();
    let is_allowed = |name: &String| {
        allowed.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(suffix) => name.ends_with(suffix),
            None => name == pattern,
        })
    };
    !names.is_empty() && names.iter().all(is_allowed)
}

/// `Example.com:8000` and `[::1]:8000` without their ports, in lower case.
fn without_port(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !is_open_bracket(name) => name,
        _ => host,
    };
    name.to_ascii_lowercase()
}

/// Whether the colon was one inside of an IPv6 address.
fn is_open_bracket(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

/// Makes `/me/` the same as `/me`.
fn trim_slash(request: &mut ServiceRequest) {
    let uri = request.uri();
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else { return };
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    // A prefix of a valid path is one, but for `//`, whose rest could be read as a host: leave those.
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    let Ok(trimmed) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&trimmed);
    request.head_mut().uri = trimmed;
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn hosts_are_compared_without_port_and_case() {
        let allowed = ["auth.example.com", "[::1]", "*.internal.example"].map(str::to_owned);
        let table: [(&[&str], bool); 11] = [
            (&["auth.example.com"], true),
            (&["AUTH.example.com:8000"], true),
            (&["[::1]:8000"], true),
            (&["[::1]"], true),
            (&["a.internal.example"], true),
            (&["internal.example"], false),
            (&["auth.example.com.evil.example"], false),
            (&["evil.example"], false),
            (&[""], false),
            (&[], false),
            (&["auth.example.com", "evil.example"], false),
        ];
        for (hosts, expected) in table {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            assert_eq!(is_host_allowed(&Uri::from_static("/"), &headers, &allowed), expected, "{hosts:?}");
        }
        let elsewhere = Uri::from_static("http://evil.example/");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("auth.example.com"));
        assert!(!is_host_allowed(&elsewhere, &headers, &allowed));
        assert!(is_host_allowed(&elsewhere, &headers, &[]));
    }
}
