//! `POST /api/cognito/logout`

use actix_web::web::Data;
use auth_domain::usecase::{Engine, Logout};
use secrecy::ExposeSecret as _;

use crate::{
    FieldError, Operation, Problem,
    api::{logout::LogoutBody, view::Message},
    cookie::Reply,
    extract::Perhaps,
    problem::error_chain,
};

pub(super) fn operation() -> Operation {
    Operation::post("/api/cognito/logout", handle)
        .tag("cognito")
        .summary("Signs out here, and on all devices at Cognito")
        .description(
            "By refresh token, by bearer token, by both, or by the cookies, as `POST /api/auth/logout`. The session here ends \
             even while Cognito cannot be reached; other sessions that Cognito opened end at their next check.",
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
    let logout = Logout {
        tenant: context.tenant.clone(),
        refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
        identity: identity.and_then(Result::ok),
        everywhere: body.all,
        client: context.client.clone(),
    };
    if let Err(fault) = engine.federation.logout(&logout).await? {
        tracing::warn!(error = %error_chain(&fault), "signed out here, but not at Cognito");
    }
    Reply::leaving(Message::new("Successfully logged out"), &context)
}
