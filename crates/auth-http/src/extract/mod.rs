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
//!
//! Programs show an API key in place of a token, on the routes that say for what ([`Permitted`], [`Service`]).
//! Whoever is found by cookie has to pass the [check against forged requests](crate::csrf) with the third.

mod caller;
mod keyed;
mod visit;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use auth_domain::{
    id::SessionId,
    usecase::{Caller, Identity, Power},
};
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;

pub use self::keyed::{ActivityRead, KeyScope, Permitted, ProfileRead, Service, TokensIntrospect};
pub(crate) use self::visit::{ByCookie, CookiesRead};
use self::{
    caller::{caller, has_credentials, holder_of, identity, kept_session, kept_token, whoever},
    visit::Visit,
};
use crate::{
    bearer::Credentials,
    body::Input,
    context::RequestContext,
    operation::{Access, Argument, OperationDoc},
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
    /// The refresh token in the cookie, where the body has none.
    pub refresh_cookie: Option<SecretString>,
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

/// A request of somebody who holds a refresh token: in the body, or in the cookie where the body has none.
#[derive(Debug)]
pub struct Holder<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// The token in the cookie.
    pub refresh_cookie: Option<SecretString>,
    /// What was sent.
    pub body: I,
}

/// A request of a browser that keeps a session in its cookies: while it lives, the refresh token is enough.
#[derive(Debug)]
pub struct Browser<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// The session of the cookies.
    pub session: SessionId,
    /// What was sent.
    pub body: I,
}

/// A request of somebody who administers ordinary accounts, or more.
#[derive(Debug)]
pub struct Administrator<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// Who calls.
    pub caller: Caller,
    /// What was sent.
    pub body: I,
}

/// A request of a superuser.
#[derive(Debug)]
pub struct Superuser<I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// Who calls.
    pub caller: Caller,
    /// What was sent.
    pub body: I,
}

/// Runs the checks around `check`, the one about the caller, which is the only one that differs.
async fn enter<I: Input, C>(
    request: &HttpRequest,
    payload: Payload,
    check: impl AsyncFnOnce(&Visit<'_>) -> Result<C, Problem>,
) -> Result<(RequestContext, C, I), Problem> {
    let visit = Visit::begin(request, payload, I::BODY).await?;
    let caller = check(&visit).await?;
    let (context, input) = visit.finish().await?;
    Ok((context, caller, input))
}

impl<I: Input> FromRequest for Open<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (context, (), body) = enter(&request, payload, async |_: &Visit<'_>| Ok(())).await?;
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
            let (context, caller, body) = enter(&request, payload, caller).await?;
            Ok(Self { context, caller, body })
        })
    }
}

impl<I: Input> FromRequest for Administrator<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |visit: &Visit<'_>| holder_of(visit, Power::ApplicationAdmin).await;
            let (context, caller, body) = enter(&request, payload, check).await?;
            Ok(Self { context, caller, body })
        })
    }
}

impl<I: Input> FromRequest for Superuser<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |visit: &Visit<'_>| holder_of(visit, Power::Superuser).await;
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
            let visit = Visit::begin(&request, payload, O::BODY).await?;
            // Whoever types a password means it. A cookie comes by itself, also when its session has ended.
            if has_credentials(visit.raw.as_ref()) {
                let (context, body) = visit.finish().await?;
                return Ok(Self::Credentials(Box::new(Open { context, body })));
            }
            let caller = caller(&visit).await?;
            let (context, body) = visit.finish().await?;
            Ok(Self::Signed(Box::new(Signed { context, caller, body })))
        })
    }
}

impl<I: Input> FromRequest for Identified<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (context, identity, body) = enter(&request, payload, identity).await?;
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
            let (context, (identity, refresh_cookie), body) = enter(&request, payload, whoever).await?;
            Ok(Self { context, identity, refresh_cookie, body })
        })
    }
}

impl<I: Input> FromRequest for Holder<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (context, refresh_cookie, body) = enter(&request, payload, kept_token).await?;
            Ok(Self { context, refresh_cookie, body })
        })
    }
}

impl<I: Input> FromRequest for Browser<I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (context, session, body) = enter(&request, payload, kept_session).await?;
            Ok(Self { context, session, body })
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

impl<I: Input> Argument for Administrator<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Administrator);
    }
}

impl<I: Input> Argument for Superuser<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Superuser);
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

impl<I: Input> Argument for Holder<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::RefreshToken);
    }
}

impl<I: Input> Argument for Browser<I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::Cookie);
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
