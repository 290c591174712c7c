//! `GET` and `DELETE /api/auth/sessions`, `DELETE /api/auth/sessions/{session_id}`

use actix_web::web::{Data, Json};
use auth_domain::{id::SessionId, usecase::Engine};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{Message, SessionView};
use crate::{
    Operation, Problem,
    body::{BodyKind, Fields, Input, NoBody, Refused},
    cookie::Reply,
    extract::Signed,
    operation::InputDoc,
};

const PATH: &str = "/api/auth/sessions";

pub(super) fn list() -> Operation {
    Operation::get(PATH, handle_list)
        .tag("session")
        .summary("Lists one's own live sessions, newest first")
        .answers_list::<SessionView>(200, "The sessions")
}

async fn handle_list(
    request: Signed<NoBody>,
    engine: Data<Engine>,
) -> Result<Json<Vec<SessionView>>, Problem> {
    let sessions = engine.sessions.list(&request.caller).await?;
    let current = request.caller.session.as_ref();
    Ok(Json(sessions.iter().map(|session| SessionView::new(session, current)).collect()))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedSessions)]
struct RevokedView {
    message: &'static str,
    sessions_revoked: u64,
}

pub(super) fn revoke_others() -> Operation {
    Operation::delete(PATH, handle_revoke_others)
        .tag("session")
        .summary("Ends all of one's own sessions but the present one")
        .answers::<RevokedView>(200, "How many ended")
}

async fn handle_revoke_others(
    request: Signed<NoBody>,
    engine: Data<Engine>,
) -> Result<Json<RevokedView>, Problem> {
    let sessions_revoked = engine.sessions.revoke_others(&request.caller, &request.context.client).await?;
    Ok(Json(RevokedView { message: "Other sessions successfully revoked", sessions_revoked }))
}

/// The session in the path.
#[derive(Debug)]
struct Named(SessionId);

impl Input for Named {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.path_integer("session_id").map(SessionId::from_i64).map(Self)
    }

    fn describe(doc: &mut InputDoc) {
        doc.path_integer("session_id", "The session's id");
    }
}

pub(super) fn revoke() -> Operation {
    Operation::delete("/api/auth/sessions/{session_id}", handle_revoke)
        .tag("session")
        .summary("Ends one of one's own sessions")
        .answers::<Message>(200, "`Session successfully revoked`, also when it had ended before")
        .refuses(404, "`Session not found`: unknown, or somebody else's")
}

async fn handle_revoke(request: Signed<Named>, engine: Data<Engine>) -> Result<Reply<Message>, Problem> {
    let Signed { context, caller, body: Named(id) } = request;
    engine.sessions.revoke(&caller, id, &context.client).await?;
    let revoked = Message::new("Session successfully revoked");
    // Any other session is in another browser's cookies.
    let is_own = caller.session.is_some_and(|own| own.id == id);
    if is_own { Reply::leaving(revoked, &context) } else { Ok(revoked.into()) }
}
