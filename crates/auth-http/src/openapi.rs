//! The API document, from the table of operations.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use auth_domain::api_key::Scope;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, HeaderBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref,
        RefOr, Required, Response, ResponseBuilder,
        header::Header,
        path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathsBuilder},
        request_body::RequestBodyBuilder,
        schema::{AnyOfBuilder, ObjectBuilder, Schema, SchemaType, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    api_key,
    cookie::{CookieStyle, Kind},
    csrf,
    operation::{self, Access, Answer, Challenge, Limit, Operation, OperationDoc},
    settings::HttpSettings,
};

const BEARER: &str = "bearer";
const API_KEY: &str = "api_key";
const COOKIE: &str = "cookie";
const CSRF: &str = "csrf";

/// The body of every error.
#[derive(ToSchema)]
#[schema(as = Error)]
#[expect(dead_code, reason = "describes what problem::render writes")]
struct ErrorBody {
    /// What happened, in words that stay the same.
    detail: String,
    /// A stable name to branch on.
    code: String,
    /// To quote when asking for help.
    request_id: String,
}

/// The body of a 422.
#[derive(ToSchema)]
#[schema(as = ValidationError)]
#[expect(dead_code, reason = "describes what problem::render writes")]
struct ValidationBody {
    /// Everything that is wrong, in the order of the fields.
    detail: Vec<FieldBody>,
    /// `validation_error`.
    code: String,
    /// To quote when asking for help.
    request_id: String,
}

/// One thing that is wrong with one field.
#[derive(ToSchema)]
#[schema(as = FieldError)]
#[expect(dead_code, reason = "describes what problem::render writes")]
struct FieldBody {
    /// The stable name of the rule.
    r#type: String,
    /// Where: `["body", "email"]`.
    #[schema(value_type = Vec<Value>)]
    loc: Vec<serde_json::Value>,
    /// A sentence.
    msg: String,
    /// What was sent; never for passwords, tokens and codes.
    #[schema(required = false)]
    input: Option<serde_json::Value>,
    /// The numbers and words that `msg` speaks of.
    #[schema(value_type = Option<Object>, required = false)]
    ctx: Option<serde_json::Value>,
}

/// Builds the document of `operations`.
pub(crate) fn document(settings: &HttpSettings, operations: &[Operation]) -> OpenApi {
    let mut components = ComponentsBuilder::new()
        .schema_from::<ErrorBody>()
        .schema_from::<ValidationBody>()
        .schema_from::<FieldBody>()
        .security_scheme(BEARER, bearer())
        .security_scheme(API_KEY, api_key())
        .security_scheme(COOKIE, cookie())
        .security_scheme(CSRF, csrf_header());
    let mut paths: BTreeMap<&str, PathItem> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| !operation.hidden) {
        let doc = operation.doc();
        let item = PathItem::new(verb(&operation.method), describe(operation, &doc));
        components = components.schemas_from_iter(doc.schemas);
        match paths.get_mut(operation.path) {
            Some(existing) => existing.merge_operations(item),
            None => drop(paths.insert(operation.path, item)),
        }
    }
    let paths = paths.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let info = InfoBuilder::new()
        .title(format!("{} API", settings.branding))
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Accounts, sessions and tokens. Every answer carries `X-Request-Id`; errors have the shape of \
             `Error`, or RFC 9457 with `Accept: application/problem+json`.",
        ))
        .build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components.build())).build()
}

fn bearer() -> SecurityScheme {
    SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build())
}

fn api_key() -> SecurityScheme {
    let about = "A key of `POST /api/auth/api-keys`, if it is good for the scope that the operation names. As a bearer \
                 token it may come, too, but not in both places.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(api_key::HEADER, about)))
}

fn cookie() -> SecurityScheme {
    let about = "The access token of a browser that asked for `\"session\": \"cookie\"`; the refresh token is in \
                 `__Host-refresh`. On plain http in development they are `access` and `refresh`.";
    let name = CookieStyle::Host.name(Kind::Access);
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, about)))
}

fn csrf_header() -> SecurityScheme {
    let about = "The `csrf_token` of the answer that set the cookies, or of `GET /api/auth/csrf`. The request must \
                 come from this server's own origin or one of `CORS_ORIGINS`, too.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(csrf::HEADER, about)))
}

/// The ways in which a caller may be found.
fn security(operation: &Operation, access: Access) -> Vec<SecurityRequirement> {
    let one = |name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    let by_key = |scope: Scope| SecurityRequirement::new(API_KEY, [scope.as_str()]);
    let by_cookie = if csrf::is_unsafe(&operation.method) {
        one(COOKIE).add::<_, [&str; 0], &str>(CSRF, [])
    } else {
        one(COOKIE)
    };
    match access {
        Access::Public => Vec::new(),
        Access::Bearer | Access::Administrator | Access::Superuser => vec![one(BEARER), by_cookie],
        Access::OptionalBearer | Access::TokenOrCredentials => {
            vec![SecurityRequirement::default(), one(BEARER), by_cookie]
        }
        Access::RefreshToken => vec![SecurityRequirement::default(), by_cookie],
        Access::Cookie => vec![by_cookie],
        Access::BearerOrKey(scope) => vec![one(BEARER), by_cookie, by_key(scope)],
        Access::ServiceKey(scope) => vec![by_key(scope)],
    }
}

fn describe(operation: &Operation, doc: &OperationDoc) -> OperationBuilder {
    let mut builder = OperationBuilder::new()
        .operation_id(Some(operation_id(operation)))
        .summary(Some(doc.summary))
        .description(doc.description)
        .tag(if doc.tag.is_empty() { "other" } else { doc.tag });
    for parameter in &doc.input.parameters {
        builder = builder.parameter(parameter_of(parameter));
    }
    if doc.checked {
        builder = builder.parameter(tenant_header());
    }
    if let Some(body) = &doc.input.body {
        let required = if body.required { Required::True } else { Required::False };
        let content = Content::new(Some(body.schema.clone()));
        let request = RequestBodyBuilder::new().content(body.media_type, content).required(Some(required));
        builder = builder.request_body(Some(request.build()));
    }
    builder = security(operation, doc.access).into_iter().fold(builder, OperationBuilder::security);
    responses(operation, doc)
        .into_iter()
        .fold(builder, |builder, (status, response)| builder.response(status.to_string(), response))
}

/// `post_api_auth_login`: unique, and stable as long as the path is.
fn operation_id(operation: &Operation) -> String {
    let path = operation.path.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let words: Vec<&str> = path.split('_').filter(|word| !word.is_empty()).collect();
    format!("{}_{}", operation.method.as_str().to_ascii_lowercase(), words.join("_"))
}

fn parameter_of(parameter: &operation::Parameter) -> Parameter {
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(parameter.place.clone())
        .required(parameter.required.clone())
        .description(Some(parameter.description))
        .schema(Some(parameter.schema.clone()))
        .build()
}

fn tenant_header() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .pattern(Some("^[A-Za-z0-9_-]{1,63}$"))
        .default(Some("default".into()));
    ParameterBuilder::new()
        .name("X-Tenant-ID")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The tenant the request speaks of"))
        .schema(Some(Schema::from(schema)))
        .build()
}

/// Everything the operation can answer: its own answers and refusals, and the shared ones.
fn responses(operation: &Operation, doc: &OperationDoc) -> BTreeMap<u16, Response> {
    let mut refusals: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    let mut add = |status: u16, text: &'static str| refusals.entry(status).or_default().push(text);
    for (status, text) in &doc.refusals {
        add(*status, text);
    }
    add(400, "The host or the request is not acceptable");
    add(414, "The target is longer than 8 KiB");
    add(431, "The headers are longer than 16 KiB");
    add(500, "A fault of the server");
    add(503, "Something the server needs is down, or the server is too busy");
    if doc.checked {
        add(400, "Unknown tenant");
    }
    if matches!(doc.access, Access::Bearer | Access::TokenOrCredentials) || doc.access.is_for_power() {
        add(401, "No valid access token");
    }
    match doc.access {
        Access::Administrator => add(403, "`The user doesn't have enough privileges`: no administrator"),
        Access::Superuser => add(403, "`The user doesn't have enough privileges`: no superuser"),
        Access::BearerOrKey(_) => {
            add(401, "Neither a valid access token nor a valid API key");
            add(403, "`insufficient_scope`: the API key is good for other things");
        }
        Access::ServiceKey(_) => {
            add(401, "No valid API key of a service");
            add(403, "`insufficient_scope`: the API key is good for other things");
        }
        _ => {}
    }
    if doc.access.is_for_power() {
        add(403, "`Second factor required`: with `ADMIN_REQUIRES_MFA`, from a session without one");
    }
    if doc.access == Access::Cookie {
        add(401, "No session in the cookies");
    }
    if doc.access.demands_csrf(&operation.method) {
        add(403, "`csrf_failed`: by cookie, without its token or from a foreign page");
    }
    if let Some(body) = &doc.input.body {
        add(408, "The body took too long");
        add(413, "The body is longer than 64 KiB");
        add(
            415,
            if body.media_type == "application/json" {
                "The body is not JSON"
            } else {
                "The body is not a form"
            },
        );
    }
    if doc.validates() {
        add(422, "Something is wrong with the fields");
    }
    if doc.checked && operation.limit != Limit::Exempt {
        add(429, "Too many calls; `detail` names the limit");
    }
    let refused = refusals.into_iter().map(|(status, texts)| {
        let challenge = doc.challenge.as_ref().filter(|challenge| challenge.status == status);
        (status, refusal(status, &texts, challenge))
    });
    let answered = doc.answers.iter().map(|answer| (answer.status, success(answer)));
    refused.chain(answered).collect()
}

fn success(answer: &Answer) -> Response {
    let mut response = ResponseBuilder::new().description(answer.description);
    if !answer.media_type.is_empty() {
        response = response.content(answer.media_type, Content::new(Some(answer.schema.clone())));
    }
    response.header("X-Request-Id", text_header("The id of this request")).build()
}

fn refusal(status: u16, texts: &[&str], challenge: Option<&Challenge>) -> Response {
    let schema = if status == StatusCode::UNPROCESSABLE_ENTITY.as_u16() {
        ValidationBody::name()
    } else {
        ErrorBody::name()
    };
    let error: RefOr<Schema> = RefOr::Ref(Ref::from_schema_name(schema));
    let body = match challenge {
        Some(challenge) => {
            RefOr::T(Schema::from(AnyOfBuilder::new().item(error).item(challenge.schema.clone())))
        }
        None => error,
    };
    let mut response = ResponseBuilder::new()
        .description(texts.join(". "))
        .content("application/json", Content::new(Some(body)))
        .content("application/problem+json", Content::new(Some(RefOr::from(ObjectBuilder::new().build()))))
        .header("X-Request-Id", text_header("The id of this request"));
    for (name, description) in challenge.into_iter().flat_map(|challenge| challenge.headers) {
        response = response.header(*name, text_header(description));
    }
    if status == 400 {
        // The host check speaks the contract's plain text.
        response = response.content("text/plain", Content::new(Some(String::schema())));
    }
    response = match status {
        401 => response.header("WWW-Authenticate", text_header("`Bearer`")),
        423 | 429 | 503 => response.header("Retry-After", seconds_header()),
        _ => response,
    };
    response.build()
}

fn text_header(description: &str) -> Header {
    HeaderBuilder::new().description(Some(description)).schema(Some(String::schema())).build()
}

fn seconds_header() -> Header {
    HeaderBuilder::new().description(Some("Seconds to wait")).schema(Some(u32::schema())).build()
}

fn verb(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
