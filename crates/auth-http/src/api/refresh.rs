//! `POST /api/auth/refresh`

use actix_web::web::Data;
use auth_domain::usecase::{Engine, RefreshError};
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;

use super::tokens::RefreshedView;
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    context::RequestContext,
    cookie::{Reply, SessionMode, TokenPlace},
    extract::Holder,
};

#[derive(Debug, ToSchema)]
#[schema(as = RefreshRequest)]
struct RefreshBody {
    /// May be left out where the cookie has it.
    #[schema(value_type = Option<String>, required = false)]
    refresh_token: Option<SecretString>,
    /// `cookie`: the tokens come in cookies and not in the body. Those that came by cookie always do.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for RefreshBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        // A cookie is looked at only where the body has no token.
        let in_cookie = fields.came_by_cookie();
        let refresh_token = if in_cookie { Ok(None) } else { fields.secret("refresh_token").map(Some) };
        let session = fields.session();
        Ok(Self { refresh_token: refresh_token?, session: session? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/refresh", handle)
        .tag("session")
        .summary("Exchanges a refresh token for a new pair")
        .description(
            "Each token works once. The same spent token gets the same successor again for ten seconds, so that \
             parallel tabs stay signed in; after that, presenting it ends the whole session.",
        )
        .answers::<RefreshedView>(200, "The new pair")
        .refuses(401, "`Invalid refresh token`")
}

async fn handle(request: Holder<RefreshBody>, engine: Data<Engine>) -> Result<Reply<RefreshedView>, Problem> {
    let Holder { context, refresh_cookie, body } = request;
    // One of them is there: the body was read so.
    let token = body.refresh_token.or(refresh_cookie).unwrap_or_default();
    let refreshed = engine.sessions.refresh(&context.tenant, token.expose_secret(), &context.client).await;
    let signed_in = refreshed.map_err(|error| refused(error, &context))?;
    RefreshedView::reply(&signed_in, &engine, body.session, context.now)
}

/// A browser forgets a token that is good for nothing any more.
fn refused(error: RefreshError, context: &RequestContext) -> Problem {
    match error {
        RefreshError::Invalid => Problem::from(error).forgetting(context),
        RefreshError::Fault(fault) => fault.into(),
    }
}
