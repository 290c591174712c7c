//! `GET` and `POST /api/auth/api-keys`, `DELETE /api/auth/api-keys/{key_id}`

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::{
    api_key::{ApiKey, ApiKeyKind, ApiKeyName, Scope, Scopes},
    factor::FactorKind,
    id::ApiKeyId,
    usecase::{ApiKeyAccessError, ApiKeyError, ChangeProof, CreateApiKey, CreatedApiKey, Engine},
    user::Password,
};
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::{mfa::body::refusal, view::Message};
use crate::{
    FieldError, Limit, Operation, Problem,
    body::{BodyKind, Fields, FromBody, Input, Refused},
    extract::Signed,
    operation::InputDoc,
    time::wire_time,
};

const PATH: &str = "/api/auth/api-keys";
const UNFIT_SCOPES: &str = "Scopes are one or more of those that keys of this kind may have";
const UNFIT_LIFE: &str = "A key lives from 1 to 365 days";

/// A key as it is listed. Its text is not known any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyView {
    id: i64,
    name: String,
    /// `personal` or `service`.
    kind: &'static str,
    /// How its text begins.
    #[schema(example = "ak_7w3kq0zd")]
    prefix: String,
    #[schema(example = json!(["profile:read"]))]
    scopes: Vec<&'static str>,
    /// The account that made it.
    made_by: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.as_i64(),
            name: key.name.as_str().to_owned(),
            kind: key.kind().as_str(),
            prefix: key.prefix.as_str().to_owned(),
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            made_by: key.made_by.as_i64(),
            created_at: wire_time(key.created_at),
            expires_at: wire_time(key.expires_at),
            last_used_at: key.last_used_at.map(wire_time),
            revoked_at: key.revoked_at.map(wire_time),
        }
    }
}

/// Whose keys to list.
#[derive(Debug)]
struct Wanted(ApiKeyKind);

impl Input for Wanted {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let kind = fields.query("kind")?;
        kind.map_or(Ok(ApiKeyKind::Personal), |text| {
            text.parse().map_err(|_| fields.refuse(unknown_kind("query")))
        })
        .map(Self)
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<String>("kind", false, "`personal` (one's own; the default) or `service` (the tenant's)");
    }
}

pub(super) fn list() -> Operation {
    Operation::get(PATH, handle_list)
        .tag("api key")
        .summary("Lists API keys, newest first, revoked and expired ones of the last weeks too")
        .answers_list::<KeyView>(200, "The keys, without their text")
        .refuses(403, "`Not enough permissions`: the keys of services are for administrators")
}

async fn handle_list(request: Signed<Wanted>, engine: Data<Engine>) -> Result<Json<Vec<KeyView>>, Problem> {
    let keys = engine.api_keys.list(&request.caller, request.body.0).await?;
    Ok(Json(keys.iter().map(KeyView::from).collect()))
}

#[derive(Debug, ToSchema)]
#[schema(as = CreateApiKeyRequest)]
struct CreateBody {
    /// What you call it.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "nightly report")]
    name: ApiKeyName,
    /// `personal` (the default) acts as you; `service` stands for a service of the tenant, for administrators.
    #[schema(value_type = Option<String>, required = false, example = "personal")]
    kind: ApiKeyKind,
    /// `profile:read`, `activity:read` for personal keys; `tokens:introspect` for those of services.
    #[schema(value_type = Vec<String>, example = json!(["profile:read"]))]
    scopes: Scopes,
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 365, default = 90)]
    expires_in_days: Option<TimeDelta>,
    /// May be left out shortly after a login, with the second factor if the account has one.
    #[schema(value_type = Option<String>, required = false, format = Password)]
    password: Option<SecretString>,
    /// A code of any second factor; not looked at beside a password.
    #[schema(value_type = Option<String>, required = false)]
    code: Option<SecretString>,
}

impl FromBody for CreateBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let name = read_name(fields);
        let kind = read_kind(fields);
        let scopes = read_scopes(fields);
        let expires_in_days = read_life(fields);
        let password = fields.filled_secret("password");
        let code = fields.filled_secret("code");
        Ok(Self {
            name: name?,
            kind: kind?,
            scopes: scopes?,
            expires_in_days: expires_in_days?,
            password: password?,
            code: code?,
        })
    }
}

fn read_name(fields: &mut Fields<'_>) -> Result<ApiKeyName, Refused> {
    let text = fields.text("name")?;
    ApiKeyName::parse(&text).map_err(|_| {
        let msg = "A name has 1 to 100 characters, none of them a control character";
        fields.refuse(FieldError::value("body", "name", msg))
    })
}

fn read_kind(fields: &mut Fields<'_>) -> Result<ApiKeyKind, Refused> {
    match fields.optional_text("kind")? {
        None => Ok(ApiKeyKind::Personal),
        Some(text) => text.parse().map_err(|_| fields.refuse(unknown_kind("body"))),
    }
}

fn read_scopes(fields: &mut Fields<'_>) -> Result<Scopes, Refused> {
    let scopes = fields.texts("scopes")?;
    let scopes = scopes.iter().map(|text| text.parse::<Scope>()).collect::<Result<Scopes, _>>();
    scopes.map_err(|_| fields.refuse(FieldError::value("body", "scopes", UNFIT_SCOPES)))
}

fn read_life(fields: &mut Fields<'_>) -> Result<Option<TimeDelta>, Refused> {
    Ok(fields.optional_integer("expires_in_days", 1..=365, UNFIT_LIFE)?.map(TimeDelta::days))
}

fn unknown_kind(place: &'static str) -> FieldError {
    FieldError::value(place, "kind", "A kind of key is personal or service")
}

impl CreateBody {
    fn proof(&self) -> ChangeProof {
        match (&self.password, &self.code) {
            (Some(text), _) => ChangeProof::Password(Password::new(text.expose_secret().to_owned())),
            (None, Some(code)) => ChangeProof::Code(code.clone()),
            (None, None) => ChangeProof::None,
        }
    }
}

/// A new key with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
struct NewKeyView {
    /// The key itself. Nobody can show it again.
    #[schema(example = "ak_7w3kq0zd_…")]
    key: String,
    #[serde(flatten)]
    view: KeyView,
}

impl From<&CreatedApiKey> for NewKeyView {
    fn from(created: &CreatedApiKey) -> Self {
        Self { key: created.secret.expose_secret().to_owned(), view: (&created.key).into() }
    }
}

pub(super) fn create() -> Operation {
    Operation::post(PATH, handle_create)
        .tag("api key")
        .summary("Makes an API key, for oneself or for a service")
        .description(
            "The text of the key is in this answer and nowhere else. The owner is told by mail. A change of the \
             password that ends all sessions revokes personal keys.",
        )
        .limit(Limit::General)
        .answers::<NewKeyView>(201, "The key, shown once")
        .refuses(400, refusal::PROOF)
        .refuses(
            403,
            "`Recent login required`: send the password or a code. `Not enough permissions`: keys of services are for \
             administrators",
        )
        .refuses(409, "`too_many_api_keys`: 50 live keys of one owner")
        .refuses(423, refusal::LOCKED)
}

async fn handle_create(request: Signed<CreateBody>, engine: Data<Engine>) -> Result<HttpResponse, Problem> {
    let Signed { context, caller, body } = request;
    let wish = CreateApiKey {
        proof: body.proof(),
        kind: body.kind,
        name: body.name,
        scopes: body.scopes,
        life: body.expires_in_days,
        client: context.client,
    };
    let created = engine.api_keys.create(&caller, &wish).await?;
    Ok(HttpResponse::Created().json(NewKeyView::from(&created)))
}

/// The key in the path.
#[derive(Debug)]
struct Named(ApiKeyId);

impl Input for Named {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.path_integer("key_id").map(ApiKeyId::from_i64).map(Self)
    }

    fn describe(doc: &mut InputDoc) {
        doc.path_integer("key_id", "The key's id");
    }
}

pub(super) fn revoke() -> Operation {
    Operation::delete("/api/auth/api-keys/{key_id}", handle_revoke)
        .tag("api key")
        .summary("Revokes an API key, one's own or as an administrator that of a service")
        .answers::<Message>(200, "`API key revoked`, also when it was revoked before")
        .refuses(404, "`API key not found`: unknown, or somebody else's")
}

async fn handle_revoke(request: Signed<Named>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body: Named(id) } = request;
    engine.api_keys.revoke(&caller, id, &context.client).await?;
    Ok(Json(Message::new("API key revoked")))
}

fn not_allowed() -> Problem {
    Problem::forbidden("not_enough_permissions", "Not enough permissions")
}

impl From<ApiKeyAccessError> for Problem {
    fn from(error: ApiKeyAccessError) -> Self {
        match error {
            ApiKeyAccessError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "api_key_not_found", "API key not found")
            }
            ApiKeyAccessError::NotAllowed => not_allowed(),
            ApiKeyAccessError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotAllowed => not_allowed(),
            ApiKeyError::UnfitScopes => {
                Self::invalid(vec![FieldError::value("body", "scopes", UNFIT_SCOPES)])
            }
            ApiKeyError::UnfitLife => {
                Self::invalid(vec![FieldError::value("body", "expires_in_days", UNFIT_LIFE)])
            }
            ApiKeyError::TooMany => Self::conflict("too_many_api_keys", "Too many API keys"),
            ApiKeyError::Proof(error) => Self::of_factor(FactorKind::Totp, error),
            ApiKeyError::Fault(fault) => fault.into(),
        }
    }
}
