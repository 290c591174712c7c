//! `POST /api/auth/validate-session`, `extend-session` and `recover-session`

use actix_web::web::{Data, Json};
use auth_domain::usecase::{Engine, SessionCheckError, SessionFilter};
use serde::Serialize;
use utoipa::ToSchema;

use super::tokens::{PairView, hand_over};
use crate::{
    Operation, Problem,
    body::{BodyKind, Fields, FromBody, Input, Refused},
    cookie::{Reply, SessionMode, TokenPlace},
    extract::{Identified, Signed},
    operation::InputDoc,
    time::wire_time,
};

/// The optional header `X-Refresh-Token`.
#[derive(Debug)]
struct OfSession(SessionFilter);

impl Input for OfSession {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self(SessionFilter { refresh_token: fields.header("x-refresh-token") }))
    }

    fn describe(doc: &mut InputDoc) {
        doc.header("X-Refresh-Token", "Names the session; any session of the user without it");
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidSession)]
struct ValidView {
    valid: bool,
    user_id: i64,
    email: String,
    is_password_temporary: bool,
}

pub(super) fn validate() -> Operation {
    Operation::post("/api/auth/validate-session", handle_validate)
        .tag("session")
        .summary("Tells whether the session still lives")
        .answers::<ValidView>(200, "It does")
        .refuses(401, "`session_invalidated`, `user_inactive` or `user_not_found`")
}

async fn handle_validate(
    request: Identified<OfSession>,
    engine: Data<Engine>,
) -> Result<Json<ValidView>, Problem> {
    let user = engine
        .sessions
        .validate(&request.identity, &request.body.0)
        .await
        .map_err(|error| refused(error, "session_invalidated"))?;
    Ok(Json(ValidView {
        valid: true,
        user_id: user.id.as_i64(),
        email: user.email.as_str().to_owned(),
        is_password_temporary: user.must_change_password(),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExtendedSession)]
struct ExtendedView {
    extended: bool,
    #[schema(format = DateTime)]
    new_expires_at: String,
    extension_minutes: i64,
    /// How many sessions were extended, when none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_extended: Option<usize>,
}

pub(super) fn extend() -> Operation {
    Operation::post("/api/auth/extend-session", handle_extend)
        .tag("session")
        .summary("Prolongs the named session, or all of them; never shortens one")
        .answers::<ExtendedView>(200, "When it ends now")
        .refuses(401, "`no_active_sessions`, `user_inactive` or `user_not_found`")
}

async fn handle_extend(
    request: Identified<OfSession>,
    engine: Data<Engine>,
) -> Result<Json<ExtendedView>, Problem> {
    let Identified { context, identity, body } = request;
    let extended = engine
        .sessions
        .extend(&identity, &body.0, &context.client)
        .await
        .map_err(|error| refused(error, "no_active_sessions"))?;
    Ok(Json(ExtendedView {
        extended: true,
        new_expires_at: wire_time(extended.expires_at),
        extension_minutes: extended.extension.num_minutes(),
        sessions_extended: extended.sessions,
    }))
}

/// Both operations have texts of their own for a session that has ended.
fn refused(error: SessionCheckError, ended: &'static str) -> Problem {
    match error {
        SessionCheckError::SessionInvalidated => Problem::unauthenticated(ended).with_code(ended),
        SessionCheckError::UserInactive => {
            Problem::unauthenticated("user_inactive").with_code("user_inactive")
        }
        SessionCheckError::UserNotFound => {
            Problem::unauthenticated("user_not_found").with_code("user_not_found")
        }
        SessionCheckError::Fault(fault) => fault.into(),
    }
}

#[derive(Debug, ToSchema)]
#[schema(as = RecoverSessionRequest)]
struct RecoverBody {
    /// `cookie`: the tokens come in cookies and not in the body. A caller by cookie gets nothing else.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for RecoverBody {
    const KIND: BodyKind = BodyKind::OptionalModel;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.session().map(|session| Self { session })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = RecoveredSession)]
struct RecoveredView {
    message: &'static str,
    #[serde(flatten)]
    tokens: PairView,
}

pub(super) fn recover() -> Operation {
    Operation::post("/api/auth/recover-session", handle_recover)
        .tag("session")
        .summary("Ends all sessions and opens a new one")
        .answers::<RecoveredView>(200, "The tokens of the only session left")
}

async fn handle_recover(
    request: Signed<RecoverBody>,
    engine: Data<Engine>,
) -> Result<Reply<RecoveredView>, Problem> {
    let Signed { context, caller, body } = request;
    let recovered = engine.sessions.recover(&caller, &context.client).await?;
    let signed_in = recovered.ok_or_else(|| Problem::unauthenticated("Could not validate credentials"))?;
    let message = "Session recovered successfully";
    hand_over(&signed_in, &engine, body.session, context.now, |tokens| RecoveredView { message, tokens })
}
