//! What handlers take: a request that passed every check, in the contract's order.
//!
//! 1. the body's media type, size and syntax,
//! 2. the tenant,
//! 3. the caller,
//! 4. the fields,
//! 5. the rate limit.
//!
//! So broken JSON without a token is 422, an incomplete body without a token is 401, and neither uses
//! the limit up.

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::StatusCode, web::Data};
use auth_domain::usecase::{Caller, Identity};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::{
    app::Gate,
    bearer::Credentials,
    body::{self, Input},
    context::RequestContext,
    limit,
    operation::{Access, Argument, OperationDoc, Spec},
    problem::Problem,
};

/// A request that anybody may make.
#[derive(Debug)]
pub struct Open<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// What was sent.
    pub body: I,
}

/// A request of somebody who may act: the token is good, its session lives, the account is active.
#[derive(Debug)]
pub struct Signed<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// Who calls.
    pub caller: Caller,
    /// What was sent.
    pub body: I,
}

/// A request with a good token, whatever has become of its session and account since: for operations
/// that answer that very question.
#[derive(Debug)]
pub struct Identified<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// What the token names.
    pub identity: Identity,
    /// What was sent.
    pub body: I,
}

/// A request that may bring a bearer token and need not.
#[derive(Debug)]
pub struct Perhaps<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// What the token names; `None` without a token, and what is wrong with one that is not believed.
    pub identity: Option<Result<Identity, Problem>>,
    /// What was sent.
    pub body: I,
}

/// A request of somebody who may act, or of somebody who sends an address and a password in the body
/// instead of a token. Without either it is refused as any request without a token.
#[derive(Debug)]
pub enum SignedOr<S, O> {
    /// With a token.
    Signed(Box<Signed<S>>),
    /// With an address and a password, which are still to be checked.
    Credentials(Box<Open<O>>),
}

/// Runs the checks around `check`, the one about the caller, which is the only one that differs.
async fn enter<I: Input, C>(
    request: &HttpRequest,
    payload: Payload,
    check: impl AsyncFnOnce(&Gate, &RequestContext, Option<&Value>) -> Result<C, Problem>,
) -> Result<(RequestContext, C, I), Problem> {
    let gate = request.app_data::<Data<Gate>>().ok_or_else(unwired)?;
    let spec = request.extensions().get::<Spec>().cloned().ok_or_else(unwired)?;

    let raw = body::receive(request, payload, I::BODY, &gate.settings).await?;
    let context = RequestContext::of(request, gate)?;
    let caller = check(gate, &context, raw.as_ref()).await?;
    let input = body::read::<I>(request, raw, &gate.settings)?;
    limit::admit(gate, &spec, context.client.ip, context.now).await?;
    Ok((context, caller, input))
}

/// An extractor outside of the table of operations: a fault in the program.
fn unwired() -> Problem {
    tracing::error!("a handler is mounted without its operation");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The token a request brings, if it brings one.
fn token(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    match Credentials::of(request.headers())? {
        Credentials::None => Ok(None),
        Credentials::Bearer("") => Err(Problem::unauthenticated("Could not validate credentials")),
        Credentials::Bearer(token) => Ok(Some(token)),
    }
}

/// Whether a body names an account and a password, right or not.
fn has_credentials(body: Option<&Value>) -> bool {
    body.is_some_and(|body| ["email", "password"].iter().all(|name| body.get(name).is_some()))
}

/// The token a request must bring.
fn required_token(request: &HttpRequest) -> Result<&str, Problem> {
    token(request)?.ok_or_else(not_authenticated)
}

fn not_authenticated() -> Problem {
    Problem::unauthenticated("Not authenticated")
}

impl<I: Input> FromRequest for Open<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (context, (), body) = enter(&request, payload, async |_, _, _| Ok(())).await?;
            Ok(Self { context, body })
        })
    }
}

impl<I: Input> FromRequest for Signed<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |gate: &Gate, context: &RequestContext, _: Option<&Value>| {
                let token = required_token(&request)?;
                Ok(gate.bearer.authenticate(token, &context.tenant).await?)
            };
            let (context, caller, body) = enter(&request, payload, check).await?;
            Ok(Self { context, caller, body })
        })
    }
}

impl<S: Input, O: Input> FromRequest for SignedOr<S, O> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !matches!(Credentials::of(request.headers()), Ok(Credentials::None)) {
            let signed = Signed::from_request(request, payload);
            return Box::pin(async move { signed.await.map(|signed| Self::Signed(Box::new(signed))) });
        }
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |_: &Gate, _: &RequestContext, body: Option<&Value>| {
                if has_credentials(body) { Ok(()) } else { Err(not_authenticated()) }
            };
            let (context, (), body) = enter(&request, payload, check).await?;
            Ok(Self::Credentials(Box::new(Open { context, body })))
        })
    }
}

impl<I: Input> FromRequest for Identified<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |gate: &Gate, context: &RequestContext, _: Option<&Value>| {
                let token = required_token(&request)?;
                Ok(gate.bearer.identify(token, &context.tenant).await?)
            };
            let (context, identity, body) = enter(&request, payload, check).await?;
            Ok(Self { context, identity, body })
        })
    }
}

impl<I: Input> FromRequest for Perhaps<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |gate: &Gate, context: &RequestContext, _: Option<&Value>| {
                let caller = match token(&request) {
                    Ok(None) => return Ok(None),
                    Ok(Some(token)) => gate.bearer.identify(token, &context.tenant).await.map_err(Into::into),
                    Err(problem) => Err(problem),
                };
                // Only what the token itself is refused for is the handler's to weigh.
                match caller {
                    Err(problem) if problem.status() != StatusCode::UNAUTHORIZED => Err(problem),
                    caller => Ok(Some(caller)),
                }
            };
            let (context, identity, body) = enter(&request, payload, check).await?;
            Ok(Self { context, identity, body })
        })
    }
}

impl<I: Input> Argument for Open<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Public);
    }
}

impl<I: Input> Argument for Signed<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Bearer);
    }
}

impl<S: Input, O: Input> Argument for SignedOr<S, O> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<O>(Access::TokenOrCredentials);
    }
}

impl<I: Input> Argument for Identified<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Bearer);
    }
}

impl<I: Input> Argument for Perhaps<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::OptionalBearer);
    }
}

impl<T: ?Sized + 'static> Argument for Data<T> {
    fn describe(_: &mut OperationDoc) {}
}

/// The request as it is, for operations that are no part of the API: probes, pages, files. Such an
/// operation runs none of the checks above.
impl Argument for HttpRequest {
    fn describe(_: &mut OperationDoc) {}
}
