//! Reading what a request brings: a JSON body, path and query parameters.
//!
//! Bodies are read in two steps, because the contract puts the check of the caller between them: first
//! the text and its syntax, then the fields. All field errors are gathered, in the
//! order in which the fields are read.
//!
//! ```
//! use auth_domain::user::{Email, Password};
//! use auth_http::body::{Fields, FromBody, Refused};
//! use utoipa::ToSchema;
//!
//! #[derive(ToSchema)]
//! struct LoginBody {
//!     #[schema(value_type = String, format = "email")]
//!     email: Email,
//!     #[schema(value_type = String, format = "password")]
//!     password: Password,
//! }
//!
//! impl FromBody for LoginBody {
//!     fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
//!         // Every field is read before the first `?`: all errors are reported at once.
//!         let email = fields.email("email");
//!         let password = fields.password("password");
//!         Ok(Self { email: email?, password: password? })
//!     }
//! }
//! ```

mod fields;
mod form;
mod json;
mod receive;
mod scrub;

use actix_web::HttpRequest;
use serde_json::Value;
use utoipa::ToSchema;

pub use fields::{Fields, Refused};
pub(crate) use receive::{ReadToTheEnd, receive};

use crate::{
    operation::InputDoc,
    problem::{FieldError, Problem},
    settings::HttpSettings,
};

/// A JSON object that an operation takes as its body.
///
/// Implementors read every field before they give up on the first one.
pub trait FromBody: ToSchema + Sized + 'static {
    /// What kind of body this is.
    const KIND: BodyKind = BodyKind::Model;

    /// Reads the fields. Unknown ones are ignored.
    ///
    /// # Errors
    /// [`Refused`] when a field was; what was wrong is recorded in `fields`.
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused>;
}

/// What a request must bring, and what is said when it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing: whatever comes is not even read.
    Ignored,
    /// An object with known fields.
    Model,
    /// The same, and no body at all counts as an object without fields.
    OptionalModel,
    /// Any object.
    Free,
    /// A form (`application/x-www-form-urlencoded`) with known fields. For callers that no browser can be: one
    /// sends forms across origins without asking.
    Form,
}

/// Everything an operation reads from a request: its body, or parameters, or both.
///
/// Bodies get this from [`FromBody`]; implement it by hand for operations with parameters.
pub trait Input: Sized + 'static {
    /// What kind of body the operation reads.
    const BODY: BodyKind;

    /// Reads the fields and parameters.
    ///
    /// # Errors
    /// [`Refused`] when one was refused; what was wrong is recorded in `fields`.
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused>;

    /// Says what is read, for the API document.
    fn describe(doc: &mut InputDoc);
}

impl<T: FromBody> Input for T {
    const BODY: BodyKind = T::KIND;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        <T as FromBody>::read(fields)
    }

    fn describe(doc: &mut InputDoc) {
        match T::KIND {
            BodyKind::Form => doc.form::<T>(),
            kind => doc.body::<T>(kind != BodyKind::OptionalModel),
        }
    }
}

/// The input of operations that read nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl Input for NoBody {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(_: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self)
    }

    fn describe(_: &mut InputDoc) {}
}

/// Why a body whose syntax is right was not taken.
pub(crate) enum Unfit {
    /// Something is wrong with the fields.
    Fields(Vec<FieldError>),
    /// It asks for cookies, and nothing says that a page that may ask has sent it.
    ForeignPage,
    /// It asks for cookies, and does not say that it is JSON.
    NotJson,
    /// It lacks something for which clients know an answer of its own.
    Otherwise(Problem),
}

impl From<FieldError> for Unfit {
    fn from(error: FieldError) -> Self {
        Self::Fields(vec![error])
    }
}

/// Reads the fields of a body whose syntax is right, and the parameters beside it.
///
/// # Errors
/// [`Unfit`] with everything that is wrong.
pub(crate) fn read<I: Input>(
    request: &HttpRequest,
    body: Option<Value>,
    settings: &HttpSettings,
) -> Result<I, Unfit> {
    let object = match (I::BODY, body) {
        (BodyKind::Ignored, _) | (BodyKind::OptionalModel | BodyKind::Form, None) => serde_json::Map::new(),
        (_, Some(Value::Object(object))) => object,
        (_, None) => {
            let missing = FieldError::new("missing", "body", "Field required").with_input(Value::Null);
            return Err(missing.into());
        }
        (kind, Some(other)) => return Err(not_an_object(kind, &other).into()),
    };
    let mut fields = Fields::new(object, request, settings);
    let input = I::read(&mut fields);
    match (fields.finish(), input) {
        (Ok(()), Ok(input)) => Ok(input),
        (Err(unfit), _) => Err(unfit),
        (Ok(()), Err(Refused)) => Err(Unfit::Fields(Vec::new())),
    }
}

fn not_an_object(kind: BodyKind, body: &Value) -> FieldError {
    let error = if kind == BodyKind::Free {
        FieldError::new("dict_type", "body", "Input should be a valid dictionary")
    } else {
        let text = "Input should be a valid dictionary or object to extract fields from";
        FieldError::new("model_attributes_type", "body", text)
    };
    error.with_input(scrub::echo(body))
}
