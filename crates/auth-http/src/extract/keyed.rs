//! Requests of programs, which show an API key.

use std::marker::PhantomData;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use auth_domain::{
    api_key::{ApiKey, Scope},
    user::User,
};
use futures_util::future::LocalBoxFuture;

use super::{
    caller::{permitted, service},
    enter,
    visit::Visit,
};
use crate::{
    body::Input,
    context::RequestContext,
    operation::{Access, Argument, OperationDoc},
    problem::Problem,
};

/// What a key must be good for: said in the type of a handler, so that no route can forget to ask.
pub trait KeyScope: 'static {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl KeyScope for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )+};
}

scopes! {
    /// [`Scope::ProfileRead`].
    ProfileRead;
    /// [`Scope::ActivityRead`].
    ActivityRead;
    /// [`Scope::TokensIntrospect`].
    TokensIntrospect;
}

/// A request of somebody who may act, or of a program with a personal key that is good for `S`.
#[derive(Debug)]
pub struct Permitted<S, I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// Whose account it is.
    pub user: User,
    /// What was sent.
    pub body: I,
    scope: PhantomData<S>,
}

/// A request of a service whose key is good for `S`.
#[derive(Debug)]
pub struct Service<S, I> {
    /// Where, when and from whom.
    pub context: RequestContext,
    /// The key of the service.
    pub key: ApiKey,
    /// What was sent.
    pub body: I,
    scope: PhantomData<S>,
}

impl<S: KeyScope, I: Input> FromRequest for Permitted<S, I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |visit: &Visit<'_>| permitted(visit, S::SCOPE).await;
            let (context, user, body) = enter(&request, payload, check).await?;
            Ok(Self { context, user, body, scope: PhantomData })
        })
    }
}

impl<S: KeyScope, I: Input> FromRequest for Service<S, I> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let check = async |visit: &Visit<'_>| service(visit, S::SCOPE).await;
            let (context, key, body) = enter(&request, payload, check).await?;
            Ok(Self { context, key, body, scope: PhantomData })
        })
    }
}

impl<S: KeyScope, I: Input> Argument for Permitted<S, I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::BearerOrKey(S::SCOPE));
    }
}

impl<S: KeyScope, I: Input> Argument for Service<S, I> {
    fn describe(doc: &mut OperationDoc) {
        doc.reads::<I>(Access::ServiceKey(S::SCOPE));
    }
}
