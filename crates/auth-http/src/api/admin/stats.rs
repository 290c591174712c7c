//! `GET /api/admin/stats`

use actix_web::web::{Data, Json};
use auth_domain::{
    port::{Recent, UserCounts},
    usecase::{Engine, Stats},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor;
use crate::{Operation, Problem, body::NoBody, extract::Superuser};

/// How much there is of what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
struct StatsView {
    users: UsersView,
    /// Accounts made.
    registrations: RecentView,
    /// Accounts that signed in, each counted once.
    logins: RecentView,
    live_sessions: u64,
    outbox: OutboxView,
}

/// The accounts of the tenant. Only `by_status` counts those removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserStats)]
struct UsersView {
    total: u64,
    by_status: StatusView,
    verified: u64,
    /// With a second factor that a login asks for.
    with_mfa: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusStats)]
struct StatusView {
    active: u64,
    inactive: u64,
    suspended: u64,
    pending: u64,
    deleted: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecentStats)]
struct RecentView {
    last_24_hours: u64,
    last_7_days: u64,
}

/// The messages of the whole server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutboxStats)]
struct OutboxView {
    waiting: u64,
    dead_letters: u64,
}

impl From<Recent> for RecentView {
    fn from(recent: Recent) -> Self {
        Self { last_24_hours: recent.day, last_7_days: recent.week }
    }
}

impl From<&Stats> for StatsView {
    fn from(stats: &Stats) -> Self {
        // A tenant without accounts has no row; whoever asks has one.
        let of = |number: fn(&UserCounts) -> u64| stats.users.first().map_or(0, number);
        let recent = |number: fn(&UserCounts) -> Recent| {
            RecentView::from(stats.users.first().map_or_else(Recent::default, number))
        };
        Self {
            users: UsersView {
                total: of(|users| users.active + users.inactive + users.suspended + users.pending),
                by_status: StatusView {
                    active: of(|users| users.active),
                    inactive: of(|users| users.inactive),
                    suspended: of(|users| users.suspended),
                    pending: of(|users| users.pending),
                    deleted: of(|users| users.deleted),
                },
                verified: of(|users| users.verified),
                with_mfa: of(|users| users.with_second_factor),
            },
            registrations: recent(|users| users.registered),
            logins: recent(|users| users.signed_in),
            live_sessions: stats.live_sessions,
            outbox: OutboxView { waiting: stats.messages_waiting, dead_letters: stats.dead_letters },
        }
    }
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/admin/stats", handle)
        .tag("administration")
        .summary("Counts accounts, sessions and messages")
        .answers::<StatsView>(200, "The numbers")
}

async fn handle(request: Superuser<NoBody>, engine: Data<Engine>) -> Result<Json<StatsView>, Problem> {
    let stats = engine.admin.stats(actor(&request.caller, &request.context)).await?;
    Ok(Json(StatsView::from(&stats)))
}
