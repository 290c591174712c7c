//! The address of the client, through trusted proxies and no others.

use std::net::{IpAddr, SocketAddr};

use actix_web::{dev::RequestHead, http::header::HeaderMap};

use crate::settings::{ForwardedHeader, HttpSettings};

/// The address a request came from: the peer, or what trusted proxies say about it.
///
/// Hops are read from the right, the end that the nearest proxy wrote; the first that is no trusted
/// proxy is the client. If that hop cannot be read, the peer is the client: a header that a client can
/// break must not choose anything.
pub(crate) fn client_address(head: &RequestHead, settings: &HttpSettings) -> Option<IpAddr> {
    let peer = head.peer_addr?.ip().to_canonical();
    let trusted = |ip| is_trusted(ip, settings);
    if !trusted(peer) {
        return Some(peer);
    }
    let mut client = peer;
    for hop in hops(&head.headers, settings.forwarded_header).rev() {
        match hop {
            Some(ip) => client = ip,
            None => return Some(peer),
        }
        if !trusted(client) {
            break;
        }
    }
    Some(client)
}

/// Whether the request was handed on by a proxy whose headers are believed.
pub(super) fn came_through_trusted_proxy(head: &RequestHead, settings: &HttpSettings) -> bool {
    head.peer_addr.is_some_and(|peer| is_trusted(peer.ip().to_canonical(), settings))
}

fn is_trusted(ip: IpAddr, settings: &HttpSettings) -> bool {
    settings.trusted_proxies.iter().any(|net| net.contains(&ip))
}

/// The hops of a forwarding header from left to right; `None` for one that cannot be read.
fn hops(headers: &HeaderMap, header: ForwardedHeader) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match header {
        ForwardedHeader::XForwardedFor => ("x-forwarded-for", node),
        ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
    };
    let mut found = Vec::new();
    for value in headers.get_all(name) {
        match value.to_str() {
            Ok(text) => found.extend(split_unquoted(text, ',').into_iter().map(read)),
            Err(_) => found.push(None),
        }
    }
    found.into_iter()
}

/// The `for` parameter of one element of a `Forwarded` header (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let parameters = split_unquoted(element, ';');
    let mut named = parameters.into_iter().filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    match (named.next(), named.next()) {
        (Some(value), None) => node(value.strip_prefix('"').map_or(Some(value), |v| v.strip_suffix('"'))?),
        _ => None,
    }
}

/// An address, with or without a port, an IPv6 one with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(in_brackets).map(|ip| ip.to_canonical())
}

/// Splits at a separator that stands outside of quotes.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, header: ForwardedHeader, lines: &[&str]) -> String {
        let settings = HttpSettings {
            trusted_proxies: ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec(),
            forwarded_header: header,
            ..HttpSettings::default()
        };
        let name = if header == ForwardedHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for line in lines {
            request = request.append_header((name, *line));
        }
        client_address(request.to_http_request().head(), &settings).unwrap().to_string()
    }

    #[test]
    fn reads_hops_from_the_right_and_stops_at_the_first_stranger() {
        let table: [(&str, &[&str], &str); 12] = [
            ("203.0.113.9:1", &["1.2.3.4"], "203.0.113.9"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("10.0.0.1:1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1:1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1:1", &["6.6.6.6", "1.2.3.4, 10.9.9.9"], "1.2.3.4"),
            ("10.0.0.1:1", &["garbage, 1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1:1", &["1.2.3.4, garbage"], "10.0.0.1"),
            ("10.0.0.1:1", &["1.2.3.4,"], "10.0.0.1"),
            ("10.0.0.1:1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            ("10.0.0.1:1", &["::ffff:1.2.3.4"], "1.2.3.4"),
            ("[::ffff:10.0.0.1]:1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("[fd00::1]:1", &["1.2.3.4:5678"], "1.2.3.4"),
        ];
        for (peer, lines, client) in table {
            assert_eq!(seen(peer, ForwardedHeader::XForwardedFor, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn reads_the_standard_header() {
        let table: [(&[&str], &str); 7] = [
            (&["for=1.2.3.4"], "1.2.3.4"),
            (&["For=6.6.6.6, FOR=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1"], "2001:db8::1"),
            (&["for=6.6.6.6;by=\"a,b\", proto=http; for=1.2.3.4"], "1.2.3.4"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["proto=https"], "10.0.0.1"),
            (&["for=1.2.3.4;for=5.6.7.8"], "10.0.0.1"),
        ];
        for (lines, client) in table {
            assert_eq!(seen("10.0.0.1:1", ForwardedHeader::Forwarded, lines), client, "{lines:?}");
        }
    }
}
