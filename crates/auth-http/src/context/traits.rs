//! What a request shows of its device, beside its address.

use actix_web::{dev::RequestHead, http::header::HeaderMap};
use auth_domain::factor::DeviceTraits;

use super::client::came_through_trusted_proxy;
use crate::settings::{ForwardedHeader, HttpSettings};

/// Longest name of a platform that is kept, in characters.
const PLATFORM_CHARS: usize = 32;

/// Reads the headers that tell devices apart. What a proxy says counts only if it is a trusted one.
pub(super) fn of(head: &RequestHead, settings: &HttpSettings) -> DeviceTraits {
    let text = |name| whole(&head.headers, name);
    let forwarded_for = match settings.forwarded_header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => "forwarded",
    };
    DeviceTraits {
        user_agent: text("user-agent"),
        accept: text("accept"),
        accept_language: text("accept-language"),
        accept_encoding: text("accept-encoding"),
        forwarded_for: if came_through_trusted_proxy(head, settings) {
            text(forwarded_for)
        } else {
            String::new()
        },
        platform: platform(&text("x-platform")),
    }
}

/// All values of a header as one text.
fn whole(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(", ")
}

/// `android` and `ios`, and whatever else is a word: it is stored and shown.
fn platform(text: &str) -> Option<String> {
    let name = text.trim().to_ascii_lowercase();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let fits = !name.is_empty() && name.len() <= PLATFORM_CHARS && name.chars().all(is_word);
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, header: ForwardedHeader) -> DeviceTraits {
        let settings = HttpSettings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            forwarded_header: header,
            ..HttpSettings::default()
        };
        let request = TestRequest::default()
            .peer_addr(peer.parse().unwrap())
            .insert_header(("user-agent", "Toy/1.0"))
            .append_header(("accept", "text/html"))
            .append_header(("accept", "*/*"))
            .insert_header(("accept-language", "de"))
            .insert_header(("accept-encoding", "br"))
            .insert_header(("x-forwarded-for", "1.2.3.4"))
            .insert_header(("forwarded", "for=1.2.3.4"))
            .insert_header(("x-platform", " iOS "));
        of(request.to_http_request().head(), &settings)
    }

    #[test]
    fn takes_each_header_whole_and_believes_no_stranger() {
        let stranger = DeviceTraits {
            user_agent: "Toy/1.0".to_owned(),
            accept: "text/html, */*".to_owned(),
            accept_language: "de".to_owned(),
            accept_encoding: "br".to_owned(),
            forwarded_for: String::new(),
            platform: Some("ios".to_owned()),
        };
        assert_eq!(seen("203.0.113.9:1", ForwardedHeader::XForwardedFor), stranger);
        for (header, text) in
            [(ForwardedHeader::XForwardedFor, "1.2.3.4"), (ForwardedHeader::Forwarded, "for=1.2.3.4")]
        {
            let proxied = DeviceTraits { forwarded_for: text.to_owned(), ..stranger.clone() };
            assert_eq!(seen("10.0.0.1:1", header), proxied);
        }
    }

    #[test]
    fn a_platform_is_a_word() {
        for (text, name) in [
            ("Android", Some("android")),
            ("web app_2.0", Some("web app_2.0")),
            ("", None),
            ("<b>", None),
            ("\u{1f980}", None),
        ] {
            assert_eq!(platform(text).as_deref(), name, "{text:?}");
        }
        assert_eq!(platform(&"x".repeat(PLATFORM_CHARS + 1)), None);
    }
}
