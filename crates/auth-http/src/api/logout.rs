//! `POST /api/auth/logout`

use actix_web::web::Data;
use auth_domain::usecase::{Engine, Logout};
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    FieldError, Operation, Problem,
    body::{BodyKind, Fields, FromBody, Refused},
    cookie::Reply,
    extract::Perhaps,
};

#[derive(Debug, ToSchema)]
#[schema(as = LogoutRequest)]
pub(super) struct LogoutBody {
    /// Ends the session of this token. May be left out with a bearer token, and where the cookie has it.
    #[schema(value_type = Option<String>, required = false)]
    pub(super) refresh_token: Option<SecretString>,
    /// Ends all sessions of the user.
    #[schema(required = false, default = false)]
    pub(super) all: bool,
}

impl FromBody for LogoutBody {
    const KIND: BodyKind = BodyKind::OptionalModel;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let refresh_token = fields.optional_secret("refresh_token");
        let all = fields.flag("all", false);
        Ok(Self { refresh_token: refresh_token?, all: all? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/logout", handle)
        .tag("session")
        .summary("Signs out")
        .description(
            "By refresh token, by bearer token, or by both; or by the cookies, which are taken back then. \
             Signing out twice is fine.",
        )
        .answers::<Message>(200, "`Successfully logged out`, also for a token that names nothing")
        .refuses(422, "Neither a bearer token nor a refresh token")
}

async fn handle(request: Perhaps<LogoutBody>, engine: Data<Engine>) -> Result<Reply<Message>, Problem> {
    let Perhaps { context, identity, refresh_cookie, body } = request;
    let refresh_token = body.refresh_token.or(refresh_cookie);
    if identity.is_none() && refresh_token.is_none() {
        return Err(Problem::invalid(vec![FieldError::missing("body", "refresh_token")]));
    }
    engine
        .sessions
        .logout(&Logout {
            tenant: context.tenant.clone(),
            refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
            // A token that is not believed names no session, and that is no reason to refuse.
            identity: identity.and_then(Result::ok),
            everywhere: body.all,
            client: context.client.clone(),
        })
        .await?;
    Reply::leaving(Message::new("Successfully logged out"), &context)
}
