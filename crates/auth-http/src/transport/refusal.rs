//! Answers to what the HTTP parser refuses.

use std::fmt::Write as _;

use actix_web::{HttpResponse, body::MessageBody as _, http::StatusCode, web::Data};

use crate::{
    app::{Api, Gate},
    problem::Problem,
    shell,
};

/// Recognises the parser's bare refusals and writes better ones.
#[derive(Clone)]
pub(super) struct Refusals(Data<Gate>);

impl Refusals {
    pub(super) fn new(api: &Api) -> Self {
        Self(api.gate())
    }

    /// What to write instead of `bytes`, if they end with a bare refusal.
    pub(super) fn replace(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (start, status) = find(bytes)?;
        let mut better = bytes.get(..start)?.to_vec();
        better.extend(self.written(HttpResponse::new(status)));
        Some(better)
    }

    /// What is written to a client that has too many connections already.
    pub(super) fn too_many_connections(&self) -> Vec<u8> {
        self.0.metrics.limits.refused_connection();
        self.written(HttpResponse::from_error(Problem::too_many_connections()))
    }

    /// What is written to a client that does not come to the end of a head.
    pub(super) fn request_timeout(&self) -> Vec<u8> {
        self.written(HttpResponse::new(StatusCode::REQUEST_TIMEOUT))
    }

    /// A whole answer, as it goes over the wire.
    fn written(&self, refusal: HttpResponse) -> Vec<u8> {
        let status = refusal.status();
        let response = shell::refuse(&self.0, refusal);
        let reason = status.canonical_reason().unwrap_or("Error");
        let mut head = format!("HTTP/1.1 {} {reason}\r\nconnection: close\r\n", status.as_u16());
        for (name, value) in response.headers() {
            // All of these headers are made by this crate, in ASCII.
            let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
        }
        let body = response.into_body().try_into_bytes().unwrap_or_default();
        let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), &body].concat()
    }
}

/// Where a bare refusal begins that ends with the last of `bytes`, and its status.
///
/// A body cannot be taken for one: the shell gives every answer an id, and texts that reflect what a
/// client sent are JSON or HTML, where a line break of a client's never stands as it is.
fn find(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let start = head.windows(VERSION.len()).rposition(|window| window == VERSION)?;
    let head = std::str::from_utf8(head.get(start..)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.get(VERSION.len() + 2..VERSION.len() + 5)?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let made_by_parser = lines.all(|line| {
        let name = line.split(':').next().unwrap_or_default();
        ["content-length", "connection", "date", "transfer-encoding"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    });
    let failed = status.is_client_error() || status.is_server_error();
    (failed && made_by_parser).then_some((start, status))
}

/// The start of a status line, up to the minor version.
const VERSION: &[u8] = b"HTTP/1.";

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: Thu, 01 Jan 1970\r\n\r\n";

    #[test]
    fn finds_a_bare_refusal_at_the_end() {
        assert_eq!(find(BARE.as_bytes()), Some((0, StatusCode::BAD_REQUEST)));
        let after = format!("{{\"detail\":\"of the answer before\"}}{BARE}");
        assert_eq!(find(after.as_bytes()), Some((33, StatusCode::BAD_REQUEST)));
        let old = BARE.replace("1.1 400", "1.0 431");
        assert_eq!(find(old.as_bytes()), Some((0, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)));
    }

    #[test]
    fn leaves_everything_else_alone() {
        let no_content = BARE.replace("400 Bad Request", "204 No Content");
        let ours = BARE.replace("date:", "x-request-id:");
        let begun = &BARE[..BARE.len() - 2];
        for other in ["", "\r\n\r\n", "{}", &no_content, &ours, begun, &format!("{BARE}x")] {
            assert_eq!(find(other.as_bytes()), None, "{other}");
        }
    }
}
