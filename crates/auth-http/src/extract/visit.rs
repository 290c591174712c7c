//! A request on its way through the checks.

use std::rc::Rc;

use actix_web::{
    HttpMessage as _, HttpRequest,
    http::{
        StatusCode,
        header::{AUTHORIZATION, HeaderMap},
    },
    web::Data,
};
use auth_domain::{
    id::{ApiKeyId, UserId},
    session::Session,
    usecase::{Caller, CsrfDenial, CsrfFlaw, Power},
};
use serde_json::Value;

use crate::{
    app::Gate,
    bearer::Credentials,
    body::{self, Input, Unfit},
    context::RequestContext,
    cookie::{self, CookieStyle, Kind},
    csrf, limit,
    operation::Spec,
    problem::Problem,
    shell::Seen,
};

/// Put beside a request whose cookies were looked at: the answer depends on them.
pub(crate) struct CookiesRead;

/// Put beside a request whose caller was found by cookie.
pub(crate) struct ByCookie;

/// Put beside a request whose caller showed an API key.
#[derive(Clone, Copy)]
struct ByKey(ApiKeyId);

/// The token a request brings.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) token: &'a str,
    /// Whether the browser added it by itself.
    pub(super) by_cookie: bool,
}

/// A request whose body is read, before anybody looks at who sent it.
pub(super) struct Visit<'a> {
    pub(super) gate: &'a Gate,
    pub(super) context: RequestContext,
    pub(super) raw: Option<Value>,
    request: &'a HttpRequest,
    spec: Spec,
}

impl<'a> Visit<'a> {
    /// Reads the body, and where the request comes from.
    pub(super) async fn begin(
        request: &'a HttpRequest,
        payload: actix_web::dev::Payload,
        kind: body::BodyKind,
    ) -> Result<Self, Problem> {
        let gate = request.app_data::<Data<Gate>>().ok_or_else(unwired)?;
        let spec = request.extensions().get::<Spec>().cloned().ok_or_else(unwired)?;
        let raw = body::receive(request, payload, kind, &gate.settings).await?;
        let context = RequestContext::of(request, gate)?;
        if let Some(seen) = request.extensions().get::<Rc<Seen>>() {
            seen.tenant(&context.tenant);
        }
        Ok(Self { gate, context, raw, request, spec })
    }

    /// Reads the fields, and counts the call.
    pub(super) async fn finish<I: Input>(mut self) -> Result<(RequestContext, I), Problem> {
        let input = match body::read::<I>(self.request, self.raw.take(), &self.gate.settings) {
            Ok(input) => input,
            Err(Unfit::Fields(errors)) => return Err(Problem::invalid(errors)),
            Err(Unfit::NotJson) => return Err(Problem::not_json()),
            Err(Unfit::Otherwise(problem)) => return Err(problem),
            Err(Unfit::ForeignPage) => return Err(self.deny(CsrfFlaw::Origin, None).await),
        };
        self.count().await?;
        if self.request.extensions().contains::<ByCookie>() {
            self.context.by_cookie = Some(self.style());
        }
        Ok((self.context, input))
    }

    /// Whether the method is one that changes something.
    pub(super) fn changes_something(&self) -> bool {
        csrf::is_unsafe(&self.spec.method)
    }

    /// The headers of the request.
    pub(super) fn headers(&self) -> &'a HeaderMap {
        self.request.headers()
    }

    /// Has the call count for that key, too.
    pub(super) fn note_key(&self, id: ApiKeyId) {
        self.request.extensions_mut().insert(ByKey(id));
    }

    /// Notes whose request it is, for the log.
    pub(super) fn is_of(&self, user: UserId) {
        Seen::note(self.request, user);
    }

    /// The token in the header; without a header the one in the cookie.
    pub(super) fn token(&self) -> Result<Option<Presented<'a>>, Problem> {
        match Credentials::of(self.request.headers())? {
            Credentials::None => {
                let cookie = self.cookie(Kind::Access)?;
                Ok(cookie.map(|token| Presented { token, by_cookie: true }))
            }
            Credentials::Bearer("") => Err(Problem::unauthenticated("Could not validate credentials")),
            Credentials::Bearer(token) => Ok(Some(Presented { token, by_cookie: false })),
        }
    }

    /// The token a request must bring.
    pub(super) fn required_token(&self) -> Result<Presented<'a>, Problem> {
        self.token()?.ok_or_else(not_authenticated)
    }

    /// The refresh token in the cookie, where the body has none.
    pub(super) fn refresh_cookie(&self) -> Result<Option<&'a str>, Problem> {
        if self.body_has("refresh_token") { Ok(None) } else { self.cookie(Kind::Refresh) }
    }

    /// Whether the body has something there.
    pub(super) fn body_has(&self, field: &str) -> bool {
        self.raw.as_ref().and_then(|body| body.get(field)).is_some_and(|value| !value.is_null())
    }

    /// A cookie. With an `Authorization` header, whatever is in that, there are none.
    fn cookie(&self, kind: Kind) -> Result<Option<&'a str>, Problem> {
        if self.request.headers().contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        self.request.extensions_mut().insert(CookiesRead);
        cookie::read(self.request.headers(), self.style(), kind)
    }

    /// Lets in whoever was found by cookie, if a page that may ask has sent the request. Without a session
    /// there is nothing that its token could be bound to.
    pub(super) async fn admit(
        &self,
        presented: Presented<'_>,
        session: Option<&Session>,
    ) -> Result<(), Problem> {
        if !presented.by_cookie {
            return Ok(());
        }
        match session {
            None if csrf::is_unsafe(&self.spec.method) => Err(self.deny(CsrfFlaw::Token, None).await),
            session => self.admit_cookies(session.as_slice()).await,
        }
    }

    /// The same for cookies that name `sessions`: none of them when the cookies are good for nothing any
    /// more.
    pub(super) async fn admit_cookies(&self, sessions: &[&Session]) -> Result<(), Problem> {
        self.request.extensions_mut().insert(ByCookie);
        if !csrf::is_unsafe(&self.spec.method) {
            return Ok(());
        }
        let headers = self.request.headers();
        if self.raw.is_some() && !csrf::is_declared_json(headers) {
            return Err(Problem::not_json());
        }
        if !csrf::may_ask(headers, &self.gate.settings) {
            return Err(self.deny(CsrfFlaw::Origin, sessions.first().copied()).await);
        }
        let token = csrf::token(headers).unwrap_or_default();
        for session in sessions {
            if !self.gate.csrf.admits(token, session.id) {
                return Err(self.deny(CsrfFlaw::Token, Some(session)).await);
            }
        }
        Ok(())
    }

    /// Refuses and writes it down. Counted like a call that was let in, so that nobody can fill the audit
    /// log faster than that.
    async fn deny(&self, flaw: CsrfFlaw, session: Option<&Session>) -> Problem {
        if let Err(problem) = self.count().await {
            return problem;
        }
        let denial = CsrfDenial {
            tenant: self.context.tenant.clone(),
            session: session.cloned(),
            flaw,
            route: format!("{} {}", self.spec.method, self.spec.path),
            client: self.context.client.clone(),
        };
        match self.gate.csrf.denied(&denial).await {
            Ok(()) => Problem::csrf_failed(),
            Err(fault) => fault.into(),
        }
    }

    /// Lets in whoever has that power. A refusal is counted like a call that was let in before it is written
    /// down, so that nobody can fill the audit log faster than that.
    pub(super) async fn admit_to(&self, caller: &Caller, power: Power) -> Result<(), Problem> {
        let admission = &self.gate.admission;
        let Err(why) = admission.check(caller, power) else { return Ok(()) };
        self.count().await?;
        let route = format!("{} {}", self.spec.method, self.spec.path);
        admission.turned_away(caller, &why, &route, &self.context.client).await?;
        Err(why.into())
    }

    async fn count(&self) -> Result<(), Problem> {
        let key = self.request.extensions().get::<ByKey>().copied();
        if let Some(ByKey(id)) = key {
            limit::admit_key(self.gate, id, self.context.now).await?;
        }
        limit::admit(self.gate, &self.spec, self.context.client.ip, self.context.now).await
    }

    fn style(&self) -> CookieStyle {
        CookieStyle::of(&self.gate.settings)
    }
}

pub(super) fn not_authenticated() -> Problem {
    Problem::unauthenticated("Not authenticated")
}

/// An extractor outside of the table of operations: a fault in the program.
fn unwired() -> Problem {
    tracing::error!("a handler is mounted without its operation");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
}
