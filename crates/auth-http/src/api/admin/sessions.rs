//! `GET /api/admin/users/{user_id}/sessions`, `POST …/revoke-sessions`

use actix_web::web::{Data, Json};
use auth_domain::{client::UserAgent, session::Session, usecase::Engine};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Named, actor};
use crate::{
    Operation, Problem,
    extract::{Administrator, Superuser},
    time::wire_time,
};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionOfUser)]
struct SessionView {
    id: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    is_active: bool,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl SessionView {
    fn new(session: &Session, now: DateTime<Utc>) -> Self {
        Self {
            id: session.id.as_i64(),
            created_at: wire_time(session.created_at),
            expires_at: wire_time(session.expires_at),
            is_active: session.is_live(now),
            ip_address: session.ip.map(|ip| ip.to_string()),
            user_agent: session.user_agent.as_ref().map(|agent| UserAgent::as_str(agent).to_owned()),
        }
    }
}

/// The sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionsOfUser)]
struct SessionsView {
    user_id: i64,
    email: String,
    total_sessions: usize,
    active_sessions: usize,
    /// Those that have not ended, newest first, then those that ended last; 200 at most.
    sessions: Vec<SessionView>,
}

pub(super) fn list() -> Operation {
    Operation::get("/api/admin/users/{user_id}/sessions", handle_list)
        .tag("administration")
        .summary("Lists the sessions of an account, also those that ended")
        .answers::<SessionsView>(200, "The sessions")
        .refuses(404, "`User with ID <id> not found`")
}

async fn handle_list(
    request: Administrator<Named>,
    engine: Data<Engine>,
) -> Result<Json<SessionsView>, Problem> {
    let Administrator { context, caller, body: Named(target) } = request;
    let (user, sessions) = engine.admin.sessions(actor(&caller, &context), &target).await?;
    let sessions: Vec<SessionView> =
        sessions.iter().map(|session| SessionView::new(session, context.now)).collect();
    Ok(Json(SessionsView {
        user_id: user.id.as_i64(),
        email: user.email.as_str().to_owned(),
        total_sessions: sessions.len(),
        active_sessions: sessions.iter().filter(|session| session.is_active).count(),
        sessions,
    }))
}

/// What became of the sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedSessionsOfUser)]
struct RevokedView {
    user_id: i64,
    email: String,
    sessions_revoked: u64,
    message: String,
}

pub(super) fn revoke() -> Operation {
    Operation::post("/api/admin/users/{user_id}/revoke-sessions", handle_revoke)
        .tag("administration")
        .summary("Ends all sessions of an account")
        .answers::<RevokedView>(200, "How many ended")
        .refuses(404, "`User with ID <id> not found`")
}

async fn handle_revoke(
    request: Superuser<Named>,
    engine: Data<Engine>,
) -> Result<Json<RevokedView>, Problem> {
    let Superuser { context, caller, body: Named(target) } = request;
    let (user, count) = engine.admin.end_sessions(actor(&caller, &context), &target).await?;
    Ok(Json(RevokedView {
        user_id: user.id.as_i64(),
        email: user.email.as_str().to_owned(),
        sessions_revoked: count,
        message: format!("Successfully revoked {count} session(s)"),
    }))
}
