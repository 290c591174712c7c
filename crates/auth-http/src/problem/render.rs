//! Writing a problem down.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Map, Value, json};

use super::{Detail, Problem};

/// The form in which a client wants its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"detail", "code", "request_id"}`.
    Plain,
    /// RFC 9457.
    Rfc9457,
}

impl Form {
    /// Reads the `Accept` header: the RFC form only for clients that name it.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let named =
            headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let wanted = named.map(|range| range.split(';').map(str::trim)).any(|mut parts| {
            let media = parts.next().unwrap_or_default();
            media.eq_ignore_ascii_case("application/problem+json") && !parts.any(is_zero)
        });
        if wanted { Self::Rfc9457 } else { Self::Plain }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "application/json",
            Self::Rfc9457 => "application/problem+json",
        }
    }
}

/// Gives a response the body of a problem, keeping the headers that are there.
pub(crate) fn fill(response: HttpResponse, body: String, form: Form) -> HttpResponse {
    let mut response = response.set_body(BoxBody::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    response
}

/// Whether a parameter of a media range says "not this one".
fn is_zero(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, q)| name.trim().eq_ignore_ascii_case("q") && q.trim().parse() == Ok(0.0_f32))
}

impl Problem {
    /// The body of this problem.
    pub(crate) fn body(&self, request_id: &str, form: Form) -> String {
        let members = match form {
            Form::Plain => self.plain(request_id),
            Form::Rfc9457 => self.rfc9457(request_id),
        };
        Value::Object(members).to_string()
    }

    fn plain(&self, request_id: &str) -> Map<String, Value> {
        let detail = match &self.detail {
            Detail::Text(text) => json!(text),
            Detail::Fields(errors) => json!(errors),
            Detail::Object(about, _) => Value::clone(about),
        };
        let mut body = Map::new();
        body.insert("detail".to_owned(), detail);
        body.insert("code".to_owned(), json!(self.code));
        body.insert("request_id".to_owned(), json!(request_id));
        body.extend(self.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        body
    }

    fn rfc9457(&self, request_id: &str) -> Map<String, Value> {
        let mut body = self.plain(request_id);
        // The code tells problems apart; with no page per problem the type is the one RFC 9457 gives
        // to problems that say no more than their status, and the title must be the status's.
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        match &self.detail {
            Detail::Text(_) => {}
            Detail::Fields(errors) => {
                body.insert("detail".to_owned(), json!("The request is not valid"));
                body.insert("errors".to_owned(), json!(errors));
            }
            Detail::Object(about, message) => {
                body.insert("detail".to_owned(), json!(message));
                body.insert("about".to_owned(), Value::clone(about));
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_form_comes_only_when_asked_for() {
        let table = [
            ("*/*", Form::Plain),
            ("application/json", Form::Plain),
            ("application/problem+json", Form::Rfc9457),
            ("application/json, Application/Problem+JSON;q=0.9", Form::Rfc9457),
            ("application/problem+json; q=0", Form::Plain),
            ("application/problem+jsonx", Form::Plain),
        ];
        for (accept, form) in table {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::accepted(&headers), form, "{accept}");
        }
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Plain);
    }
}
