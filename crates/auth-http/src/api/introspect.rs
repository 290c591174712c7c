//! `POST /api/auth/introspect` (RFC 7662)

use actix_web::web::{Data, Json};
use auth_domain::usecase::{Engine, LiveToken};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{BodyKind, Fields, FromBody, Refused},
    extract::{Service, TokensIntrospect},
};

#[derive(Debug, ToSchema)]
#[schema(as = IntrospectionRequest)]
struct IntrospectBody {
    /// The token that somebody showed to the service.
    #[schema(value_type = String)]
    token: SecretString,
    /// Not looked at: tokens tell by themselves what they are.
    #[schema(value_type = Option<String>, required = false)]
    #[expect(dead_code, reason = "for the document")]
    token_type_hint: (),
}

impl FromBody for IntrospectBody {
    const KIND: BodyKind = BodyKind::Form;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { token: fields.secret("token")?, token_type_hint: () })
    }
}

/// What is known of a token. Of one that is not good, `active` is all that there is.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Introspection)]
struct IntrospectionView {
    active: bool,
    #[serde(flatten)]
    token: Option<TokenView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntrospectedToken)]
struct TokenView {
    /// Always `Bearer`.
    token_type: &'static str,
    /// The id of the account, a text of digits.
    sub: String,
    /// The address of the account.
    username: String,
    tenant_id: String,
    /// The rights of the account as they are now, not as they were when the token was made.
    roles: Vec<&'static str>,
    iss: String,
    aud: String,
    /// Seconds since 1970.
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// The session behind the token; tokens of sister services have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<i64>,
}

impl From<LiveToken> for TokenView {
    fn from(LiveToken { claims, user, parties }: LiveToken) -> Self {
        Self {
            token_type: "Bearer",
            sub: claims.subject.to_string(),
            username: user.email.as_str().to_owned(),
            tenant_id: claims.tenant.as_str().to_owned(),
            roles: user.roles.names(),
            iss: parties.issuer,
            aud: parties.audience,
            exp: claims.expires_at.timestamp(),
            iat: claims.issued_at.map(|at| at.timestamp()),
            jti: claims.id,
            sid: claims.session.map(auth_domain::id::SessionId::as_i64),
        }
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/introspect", handle)
        .tag("service")
        .summary("Tells a service whether an access token is good (RFC 7662)")
        .description(
            "For tokens of the tenant of the service's key. The session behind the token lives and the account is \
             active at the moment of the answer; any other text is `{\"active\":false}` and nothing more.",
        )
        .limit(Limit::ApiKey)
        .answers::<IntrospectionView>(200, "What is known of the token")
}

async fn handle(
    request: Service<TokensIntrospect, IntrospectBody>,
    engine: Data<Engine>,
) -> Result<Json<IntrospectionView>, Problem> {
    let found = engine.api_keys.introspect(&request.key, request.body.token.expose_secret()).await?;
    Ok(Json(IntrospectionView { active: found.is_some(), token: found.map(TokenView::from) }))
}
