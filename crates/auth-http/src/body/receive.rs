//! Taking a body from the wire: media type, size, deadline, syntax.

use actix_web::{
    HttpMessage as _, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName},
    },
    web::BytesMut,
};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::{BodyKind, form, json};
use crate::{problem::Problem, settings::HttpSettings};

/// Stands at a request whose body was read to its end.
pub(crate) struct ReadToTheEnd;

/// Reads a body and checks that it is JSON, or the form it is to be. `None` for no body, and for `null`.
///
/// # Errors
/// 415 for other media types and encodings, 413 beyond the size limit, 408 beyond the deadline, 400
/// for a body that breaks off, 422 for text that is neither.
pub(crate) async fn receive(
    request: &HttpRequest,
    payload: Payload,
    kind: BodyKind,
    settings: &HttpSettings,
) -> Result<Option<Value>, Problem> {
    if kind == BodyKind::Ignored {
        return Ok(None);
    }
    check_media_type(request.headers(), kind)?;
    check_announced_size(request.headers(), settings.body_limit)?;
    let reading = collect(payload, settings.body_limit);
    // The server's own time-out covers the head only; a body that drips in would hold its connection.
    let bytes = tokio::time::timeout(settings.body_deadline, reading)
        .await
        .map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))??;
    request.extensions_mut().insert(ReadToTheEnd);
    if bytes.is_empty() {
        return Ok(None);
    }
    if kind == BodyKind::Form {
        return form::parse(&bytes).map(Some).map_err(|error| Problem::invalid(vec![error.into()]));
    }
    match json::parse(&bytes) {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Problem::invalid(vec![error.into()])),
    }
}

/// No type counts as JSON. Forms and plain text are refused: a browser sends those across origins
/// without asking. Where a form is read, it must say that it is one.
fn check_media_type(headers: &HeaderMap, kind: BodyKind) -> Result<(), Problem> {
    let plain = values(headers, &CONTENT_ENCODING).all(|value| value.trim().eq_ignore_ascii_case("identity"));
    let mut types = values(headers, &CONTENT_TYPE);
    let fits = match kind {
        BodyKind::Form => types.next().is_some_and(is_form) && types.next().is_none(),
        _ => types.all(is_json),
    };
    if plain && fits { Ok(()) } else { Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)) }
}

/// The values of a header; one that is no text reads as empty.
fn values<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).map(|value| value.to_str().unwrap_or_default())
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_form(content_type: &str) -> bool {
    essence(content_type) == "application/x-www-form-urlencoded"
}

fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.strip_prefix("application/").is_some_and(|sub| sub == "json" || sub.ends_with("+json"))
}

fn check_announced_size(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) { Err(too_large()) } else { Ok(()) }
}

async fn collect(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken(&error))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> Problem {
    Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
}

fn broken(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => too_large(),
        _ => Problem::of_status(StatusCode::BAD_REQUEST),
    }
}
