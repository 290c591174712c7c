//! An answer and the cookies that go with it.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::header::{HeaderName, HeaderValue, SET_COOKIE},
};
use auth_domain::id::UserId;
use serde::Serialize;

use crate::{context::RequestContext, problem::Problem, shell::Seen};

/// A JSON answer that sets cookies, or takes them back.
pub(crate) struct Reply<V> {
    view: V,
    headers: Vec<(HeaderName, HeaderValue)>,
    user: Option<UserId>,
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Not `"cookies"`: that would take the device cookie, too, and those of every neighbour below the domain.
const CLEARED: HeaderValue = HeaderValue::from_static(r#""cache","storage""#);

impl<V> Reply<V> {
    pub(crate) fn setting(view: V, cookies: Vec<HeaderValue>) -> Self {
        Self { view, headers: cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect(), user: None }
    }

    /// The answer to what ended the caller's own session: a browser that kept it in cookies forgets it.
    pub(crate) fn leaving(view: V, context: &RequestContext) -> Result<Self, Problem> {
        let Some(style) = context.by_cookie else { return Ok(view.into()) };
        let mut reply = Self::setting(view, style.expired()?);
        reply.headers.push((CLEAR_SITE_DATA, CLEARED));
        Ok(reply)
    }

    /// The same answer with a header more.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same answer, to somebody who was not known before: for the log.
    pub(crate) fn signing_in(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// The same answer with another body.
    pub(crate) fn map<W>(self, change: impl FnOnce(V) -> W) -> Reply<W> {
        Reply { view: change(self.view), headers: self.headers, user: self.user }
    }
}

/// An answer that leaves cookies alone.
impl<V> From<V> for Reply<V> {
    fn from(view: V) -> Self {
        Self { view, headers: Vec::new(), user: None }
    }
}

impl<V: Serialize> Responder for Reply<V> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        if let Some(user) = self.user {
            Seen::note(request, user);
        }
        let mut response = HttpResponse::Ok();
        for header in self.headers {
            response.append_header(header);
        }
        response.json(self.view)
    }
}

impl Problem {
    /// The same refusal, and a browser whose cookies are good for nothing any more forgets them.
    pub(crate) fn forgetting(self, context: &RequestContext) -> Self {
        let expired = context.by_cookie.map(|style| style.expired().unwrap_or_default());
        expired.into_iter().flatten().fold(self, |problem, cookie| problem.with_header(SET_COOKIE, cookie))
    }
}
