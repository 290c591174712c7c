//! What surrounds every request, also those that no operation sees.
//!
//! The shell is the outermost layer, so each answer goes through [`finish`]: also the 404, 405, 413
//! and 500 that the framework makes, and the answers to CORS preflights. What `actix-http` writes
//! before there is a request (400 for a head that does not parse, 431 for one beyond 128 KiB, 408 for
//! one that is too slow) comes here by way of the [transport](crate::transport).

mod access;
mod cors;
mod head;
mod headers;
mod request_id;

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{HeaderMap, HeaderValue, TRANSFER_ENCODING, VARY},
    },
    middleware::Next,
    web::Data,
};
use tracing::Instrument as _;

use self::access::Access;
pub(crate) use access::Seen;
pub(crate) use cors::cors;
pub(crate) use request_id::RequestId;

use crate::{
    app::Gate,
    body::ReadToTheEnd,
    extract::CookiesRead,
    problem::{Form, Problem, fill},
    trace,
    transport::Conversation,
};

/// What the finishing touches need to know of a request that is gone by then.
struct Finish {
    gate: Data<Gate>,
    id: RequestId,
    form: Form,
    preflight: bool,
}

/// The outermost layer.
pub(crate) async fn shell(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let gate = request.app_data::<Data<Gate>>().cloned().ok_or_else(unwired)?;
    let id = RequestId::of(request.headers(), &gate);
    let span = tracing::info_span!("request", request_id = id.as_str());
    let traced = trace::request(&request, &gate, &id);
    let access = Access::begin(&request, &gate, traced.clone());
    request.extensions_mut().insert(id.clone());
    let form = Form::accepted(request.headers());
    let preflight = cors::is_preflight(request.method(), request.headers());
    let finish = Finish { gate, id, form, preflight };

    let answered = async {
        let response = match head::check(&mut request, &finish.gate.settings) {
            Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
            Err(refusal) => Ok(request.into_response(refusal)),
        };
        let response = match response {
            Ok(response) => response,
            Err(mut error) => {
                access.fail(error.as_response_error().status_code());
                error.add_response_mapper(move |response| finish.apply(response));
                return Err(error);
            }
        };
        let (request, response) = response.into_parts();
        let mut response = finish.apply(response);
        if request.extensions().contains::<CookiesRead>() {
            response.headers_mut().append(VARY, HeaderValue::from_static("Cookie"));
        }
        if may_go_on_for_ever(&request) {
            hang_up(&request, &mut response);
        }
        access.end(&request, &response);
        Ok(ServiceResponse::new(request, response))
    };
    answered.instrument(traced).instrument(span).await
}

/// Whether a body without an announced length was left unread.
fn may_go_on_for_ever(request: &HttpRequest) -> bool {
    request.headers().contains_key(TRANSFER_ENCODING) && !request.extensions().contains::<ReadToTheEnd>()
}

/// Says that the connection ends, and ends it whatever the client goes on to send.
fn hang_up(request: &HttpRequest, response: &mut HttpResponse) {
    response.head_mut().set_connection_type(ConnectionType::Close);
    if let Some(conversation) = request.conn_data::<Conversation>() {
        conversation.end_soon();
    }
}

/// The answer to something that is no request.
pub(crate) fn refuse(gate: &Data<Gate>, refusal: HttpResponse) -> HttpResponse {
    let id = RequestId::of(&HeaderMap::new(), gate);
    tracing::info!(
        request_id = id.as_str(),
        status = refusal.status().as_u16(),
        "refused what is no request"
    );
    let finish = Finish { gate: gate.clone(), id, form: Form::Plain, preflight: false };
    finish.apply(refusal)
}

impl Finish {
    /// Gives an answer its body, if it is an error, and its headers.
    fn apply(&self, response: HttpResponse) -> HttpResponse {
        let response =
            if self.preflight { cors::answer_preflight(response) } else { self.rendered(response) };
        let mut response = response;
        cors::tidy(response.headers_mut(), &self.gate.settings);
        headers::add(response.headers_mut(), &self.gate.settings);
        self.id.put(response.headers_mut());
        if self.gate.drain.is_on() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }

    /// Writes problems down, and gives errors of the framework the shape of one.
    fn rendered(&self, mut response: HttpResponse) -> HttpResponse {
        // Layers that are not ours keep what an answer carries, but not the error it was made of.
        let carried = response.extensions_mut().remove::<Problem>();
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let bare = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
        let framework = || Problem::of_status(response.status()).body(self.id.as_str(), self.form);
        let body = match (carried, response.error()) {
            (Some(problem), _) => problem.body(self.id.as_str(), self.form),
            (None, Some(error)) => error
                .as_error::<Problem>()
                .map_or_else(framework, |problem| problem.body(self.id.as_str(), self.form)),
            (None, None) if failed && bare => framework(),
            (None, None) => return response,
        };
        fill(response, body, self.form)
    }
}

fn unwired() -> Error {
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into()
}
