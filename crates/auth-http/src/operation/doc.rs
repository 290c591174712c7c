//! What is said about an operation.

use actix_web::http::Method;
use auth_domain::api_key::Scope;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Required,
        path::ParameterIn,
        schema::{ArrayBuilder, ObjectBuilder, Ref, Schema},
    },
};

use crate::{body::Input, csrf};

/// A schema under the name by which others refer to it.
pub(crate) type NamedSchema = (String, RefOr<Schema>);

/// Who may call an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    #[default]
    Public,
    /// The owner of an access token.
    Bearer,
    /// The owner of an access token who administers ordinary accounts, or more.
    Administrator,
    /// The owner of an access token who is a superuser.
    Superuser,
    /// Anybody; an access token is used when there is one.
    OptionalBearer,
    /// The owner of an access token, or of the address and the password in the body.
    TokenOrCredentials,
    /// The owner of a refresh token, in the body or in the cookie.
    RefreshToken,
    /// A browser with session cookies.
    Cookie,
    /// The owner of an access token, or of a personal API key with that scope.
    BearerOrKey(Scope),
    /// A service with an API key with that scope.
    ServiceKey(Scope),
}

impl Access {
    /// Whether it takes a power over others.
    pub const fn is_for_power(self) -> bool {
        matches!(self, Self::Administrator | Self::Superuser)
    }

    /// Whether a caller who was found by cookie has to prove which page sent a request of that method.
    pub(crate) fn demands_csrf(self, method: &Method) -> bool {
        self.takes_cookies() && csrf::is_unsafe(method)
    }

    /// Whether the caller may be found by cookie.
    pub const fn takes_cookies(self) -> bool {
        !matches!(self, Self::Public | Self::ServiceKey(_))
    }
}

/// What an operation does, reads and answers.
#[derive(Clone, Default)]
pub struct OperationDoc {
    pub(crate) summary: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) tag: &'static str,
    pub(crate) access: Access,
    /// Whether the operation runs the checks of the extractors at all; files for people do not.
    pub(crate) checked: bool,
    pub(crate) input: InputDoc,
    pub(crate) answers: Vec<Answer>,
    pub(crate) refusals: Vec<(u16, &'static str)>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) schemas: Vec<NamedSchema>,
}

/// What an operation reads.
#[derive(Clone, Default)]
pub struct InputDoc {
    pub(crate) body: Option<BodyDoc>,
    pub(crate) parameters: Vec<Parameter>,
    schemas: Vec<NamedSchema>,
}

/// The body an operation reads.
#[derive(Clone)]
pub(crate) struct BodyDoc {
    pub(crate) media_type: &'static str,
    pub(crate) schema: RefOr<Schema>,
    pub(crate) required: bool,
}

/// A parameter an operation reads.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: ParameterIn,
    pub(crate) required: Required,
    pub(crate) description: &'static str,
    pub(crate) schema: RefOr<Schema>,
}

/// A refusal that tells the client how to go on: more in its body, and headers.
#[derive(Clone)]
pub(crate) struct Challenge {
    pub(crate) status: u16,
    pub(crate) schema: RefOr<Schema>,
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// A successful answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) schema: RefOr<Schema>,
    schemas: Vec<NamedSchema>,
}

impl OperationDoc {
    /// Records that the operation runs all checks, demands `access` and reads `I`.
    pub(crate) fn reads<I: Input>(&mut self, access: Access) {
        self.checked = true;
        self.access = access;
        I::describe(&mut self.input);
        self.schemas.append(&mut self.input.schemas);
    }

    pub(crate) fn answer(&mut self, mut answer: Answer) {
        self.schemas.append(&mut answer.schemas);
        self.answers.push(answer);
    }

    pub(crate) fn challenge<T: ToSchema>(
        &mut self,
        status: u16,
        headers: &'static [(&'static str, &'static str)],
    ) {
        self.challenge = Some(Challenge { status, schema: reference::<T>(), headers });
        self.schemas.extend(schemas_of::<T>());
    }

    /// Whether fields or parameters are validated, so that 422 can happen.
    pub(crate) fn validates(&self) -> bool {
        let reads = |parameter: &Parameter| matches!(parameter.place, ParameterIn::Path | ParameterIn::Query);
        self.input.body.is_some() || self.input.parameters.iter().any(reads)
    }
}

impl InputDoc {
    /// A JSON body.
    pub fn body<T: ToSchema>(&mut self, required: bool) {
        self.read_as::<T>("application/json", required);
    }

    /// A form.
    pub fn form<T: ToSchema>(&mut self) {
        self.read_as::<T>("application/x-www-form-urlencoded", true);
    }

    fn read_as<T: ToSchema>(&mut self, media_type: &'static str, required: bool) {
        self.body = Some(BodyDoc { media_type, schema: reference::<T>(), required });
        self.schemas.extend(schemas_of::<T>());
    }

    /// An integer in the path.
    pub fn path_integer(&mut self, name: &'static str, description: &'static str) {
        let (place, required) = (ParameterIn::Path, Required::True);
        self.parameters.push(Parameter { name, place, required, description, schema: i64::schema() });
    }

    /// A text in the path.
    pub fn path_text(&mut self, name: &'static str, description: &'static str) {
        let (place, required) = (ParameterIn::Path, Required::True);
        self.parameters.push(Parameter { name, place, required, description, schema: String::schema() });
    }

    /// A header that may be left out.
    pub fn header(&mut self, name: &'static str, description: &'static str) {
        self.parameters.push(Parameter::header(name, description, String::schema()));
    }

    /// A parameter of the query with the schema of `T`.
    pub fn query<T: PartialSchema>(&mut self, name: &'static str, required: bool, description: &'static str) {
        let required = if required { Required::True } else { Required::False };
        let (place, schema) = (ParameterIn::Query, T::schema());
        self.parameters.push(Parameter { name, place, required, description, schema });
    }
}

impl Parameter {
    pub(crate) const fn header(name: &'static str, description: &'static str, schema: RefOr<Schema>) -> Self {
        Self { name, place: ParameterIn::Header, required: Required::False, description, schema }
    }
}

impl Answer {
    pub(crate) fn object<T: ToSchema>(status: u16, description: &'static str) -> Self {
        let (schema, schemas) = (reference::<T>(), schemas_of::<T>());
        Self { status, description, media_type: "application/json", schema, schemas }
    }

    pub(crate) fn list<T: ToSchema>(status: u16, description: &'static str) -> Self {
        let schema = RefOr::T(Schema::Array(ArrayBuilder::new().items(reference::<T>()).build()));
        Self { status, description, media_type: "application/json", schema, schemas: schemas_of::<T>() }
    }

    pub(crate) fn nothing(status: u16, description: &'static str) -> Self {
        Self { media_type: "", ..Self::any(status, description) }
    }

    pub(crate) fn any(status: u16, description: &'static str) -> Self {
        let schema = RefOr::T(Schema::Object(ObjectBuilder::new().build()));
        Self { status, description, media_type: "application/json", schema, schemas: Vec::new() }
    }

    pub(crate) fn text(status: u16, media_type: &'static str, description: &'static str) -> Self {
        Self { status, description, media_type, schema: String::schema(), schemas: Vec::new() }
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn schemas_of<T: ToSchema>() -> Vec<NamedSchema> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}
