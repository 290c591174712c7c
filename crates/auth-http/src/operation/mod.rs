//! The table of operations: routing, protection, limits and the API document, said once.
//!
//! ```
//! use actix_web::web::{Data, Json};
//! use auth_http::{
//!     Limit, Operation, Problem,
//!     body::{Fields, FromBody, Refused},
//!     extract::Open,
//! };
//! use serde::Serialize;
//! use utoipa::ToSchema;
//!
//! #[derive(ToSchema)]
//! struct GreetBody {
//!     name: String,
//! }
//!
//! impl FromBody for GreetBody {
//!     fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
//!         Ok(Self { name: fields.text("name")? })
//!     }
//! }
//!
//! #[derive(Serialize, ToSchema)]
//! struct GreetAnswer {
//!     message: String,
//! }
//!
//! struct Services {
//!     greeting: String,
//! }
//!
//! async fn greet(
//!     request: Open<GreetBody>,
//!     services: Data<Services>,
//! ) -> Result<Json<GreetAnswer>, Problem> {
//!     Ok(Json(GreetAnswer { message: format!("{} {}", services.greeting, request.body.name) }))
//! }
//!
//! let operation = Operation::post("/api/greet", greet)
//!     .tag("account")
//!     .summary("Greets a person")
//!     .limit(Limit::General)
//!     .answers::<GreetAnswer>(200, "The greeting");
//! ```

mod doc;
mod patience;
mod route;

use std::sync::Arc;

use actix_web::{FromRequest, Handler, Responder, Route, http::Method, web};
use utoipa::{PartialSchema, ToSchema};

use crate::{metrics::Requests, trace::UseCase};
pub use doc::{Access, InputDoc, OperationDoc};
pub(crate) use doc::{Answer, Challenge, Parameter};
pub use patience::nobody_waits;
pub(crate) use route::{Spec, mount};

/// Which quota a route counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Makes accounts or sends messages.
    General,
    /// Login.
    Login,
    /// Asking for a reset link.
    PasswordReset,
    /// Everything else.
    Default,
    /// Nothing by address: what the [API key](crate::api_key) may do counts alone.
    ApiKey,
    /// Nothing is counted: probes, keys and static files.
    Exempt,
}

/// One thing that is said about an operation.
type Saying = Arc<dyn Fn(&mut OperationDoc) + Send + Sync>;

/// One method of one path: what it does, and what is said about it.
#[derive(Clone)]
pub struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) limit: Limit,
    /// What is said about it; put together when somebody asks, as that takes schemas of everything.
    said: Vec<Saying>,
    pub(crate) hidden: bool,
    is_probe: bool,
    route: Arc<dyn Fn() -> Route + Send + Sync>,
}

/// Declares a constructor for each method.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name<F, A>(path: &'static str, handler: F) -> Self
        where
            F: Handler<A> + Send + Sync,
            A: Arguments,
            F::Output: Responder + 'static,
        {
            Self::new(Method::$method, path, handler)
        }
    )+};
}

impl Operation {
    methods! {
        /// `GET path`.
        get = GET;
        /// `POST path`.
        post = POST;
        /// `PUT path`.
        put = PUT;
        /// `PATCH path`.
        patch = PATCH;
        /// `DELETE path`.
        delete = DELETE;
    }

    fn new<F, A>(method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<A> + Send + Sync,
        A: Arguments,
        F::Output: Responder + 'static,
    {
        let verb = method.clone();
        Self {
            method,
            path,
            limit: Limit::Default,
            said: vec![Arc::new(A::describe)],
            hidden: false,
            is_probe: false,
            route: Arc::new(move || web::method(verb.clone()).to(UseCase(handler.clone()))),
        }
    }

    /// Says in one line what the operation does.
    #[must_use]
    pub fn summary(self, text: &'static str) -> Self {
        self.says(move |doc| doc.summary = text)
    }

    /// Says more about it, in Markdown.
    #[must_use]
    pub fn description(self, text: &'static str) -> Self {
        self.says(move |doc| doc.description = Some(text))
    }

    /// Names the chapter of the document.
    #[must_use]
    pub fn tag(self, tag: &'static str) -> Self {
        self.says(move |doc| doc.tag = tag)
    }

    /// Chooses the quota; [`Limit::Default`] otherwise.
    #[must_use]
    pub const fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// Documents a successful answer with a JSON body.
    #[must_use]
    pub fn answers<T: ToSchema + 'static>(self, status: u16, description: &'static str) -> Self {
        self.says(move |doc| doc.answer(Answer::object::<T>(status, description)))
    }

    /// Documents a successful answer with a list as its JSON body.
    #[must_use]
    pub fn answers_list<T: ToSchema + 'static>(self, status: u16, description: &'static str) -> Self {
        self.says(move |doc| doc.answer(Answer::list::<T>(status, description)))
    }

    /// Documents a successful answer of another type than JSON.
    #[must_use]
    pub fn answers_text(self, status: u16, media_type: &'static str, description: &'static str) -> Self {
        self.says(move |doc| doc.answer(Answer::text(status, media_type, description)))
    }

    /// Documents a successful answer with a JSON body of any shape.
    #[must_use]
    pub fn answers_any(self, status: u16, description: &'static str) -> Self {
        self.says(move |doc| doc.answer(Answer::any(status, description)))
    }

    /// Documents a successful answer without a body.
    #[must_use]
    pub fn answers_nothing(self, status: u16, description: &'static str) -> Self {
        self.says(move |doc| doc.answer(Answer::nothing(status, description)))
    }

    /// Documents a refusal that is this operation's own. The shared ones (unknown tenant, missing
    /// token, invalid fields, rate limit, …) are added without being named.
    #[must_use]
    pub fn refuses(self, status: u16, description: &'static str) -> Self {
        self.says(move |doc| doc.refusals.push((status, description)))
    }

    /// Documents a refusal whose body is that of every error and `T` together, and that has `headers`.
    #[must_use]
    pub fn challenges<T: ToSchema + 'static>(
        self,
        status: u16,
        description: &'static str,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.says(move |doc| doc.challenge::<T>(status, headers)).refuses(status, description)
    }

    /// Documents a request header that the operation reads.
    #[must_use]
    pub fn header(self, name: &'static str, description: &'static str) -> Self {
        self.says(move |doc| {
            doc.input.parameters.push(Parameter::header(name, description, String::schema()));
        })
    }

    /// Leaves the operation out of the document: pages and files for people.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Says that machines ask all the time: the log has nothing of it unless it is asked for everything.
    #[must_use]
    pub const fn probe(mut self) -> Self {
        self.is_probe = true;
        self
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with `{parameters}`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Who may call.
    pub fn access(&self) -> Access {
        self.doc().access
    }

    /// Whose quota a call counts against.
    pub const fn quota(&self) -> Limit {
        self.limit
    }

    /// Whether a caller who was found by cookie has to prove which page sent the request.
    pub fn demands_csrf(&self) -> bool {
        self.access().demands_csrf(&self.method)
    }

    fn says(mut self, what: impl Fn(&mut OperationDoc) + Send + Sync + 'static) -> Self {
        self.said.push(Arc::new(what));
        self
    }

    /// Everything that is said about it.
    pub(crate) fn doc(&self) -> OperationDoc {
        let mut doc = OperationDoc::default();
        self.said.iter().for_each(|say| say(&mut doc));
        doc
    }

    /// What the extractors need to know of this operation at run time.
    fn spec(&self, requests: &Requests) -> Spec {
        Spec {
            method: self.method.clone(),
            path: self.path,
            limit: self.limit,
            is_probe: self.is_probe,
            figures: Arc::new(requests.route(self.method.as_str(), self.path)),
        }
    }
}

/// One parameter of a handler.
pub trait Argument: FromRequest + 'static {
    /// Says what the parameter reads from the request.
    fn describe(doc: &mut OperationDoc);
}

/// The parameters of a handler.
pub trait Arguments: FromRequest + 'static {
    /// Says what the parameters read from the request.
    fn describe(doc: &mut OperationDoc);
}

macro_rules! arguments {
    ($($name:ident),*) => {
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            fn describe(doc: &mut OperationDoc) {
                $($name::describe(doc);)*
            }
        }
    };
}

impl Arguments for () {
    fn describe(_: &mut OperationDoc) {}
}

arguments!(A);
arguments!(A, B);
arguments!(A, B, C);
