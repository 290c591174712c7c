//! `GET /api/auth/me/activity`

use actix_web::web::{Data, Json};
use auth_domain::{audit::AuditEntry, id::UserId, usecase::Engine};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    FieldError, Operation, Problem,
    body::{BodyKind, Fields, Input, Refused},
    extract::{ActivityRead, Permitted},
    operation::InputDoc,
    time::wire_time,
};

/// Events on a page unless the client says otherwise.
const DEFAULT_LIMIT: u32 = 20;
const MOST: u32 = 100;

#[derive(Debug)]
struct Query {
    limit: u32,
    cursor: Option<String>,
}

impl Input for Query {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let limit = match fields.query("limit")?.as_deref() {
            None | Some("") => Ok(DEFAULT_LIMIT),
            Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
                fields.refuse(FieldError::value("query", "limit", "Limit is a number from 1 to 100"))
            }),
        };
        let cursor = fields.query("cursor")?.filter(|cursor| !cursor.is_empty());
        Ok(Self { limit: limit?, cursor })
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<u32>("limit", false, "How many at most, from 1 to 100; 20 unless given");
        doc.query::<String>("cursor", false, "The `next_cursor` of the page before");
    }
}

/// Something that happened to an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActivityItem)]
struct ItemView {
    id: i64,
    #[schema(format = DateTime)]
    at: String,
    #[schema(example = "login.ok")]
    event: &'static str,
    /// `success` or `failure`.
    outcome: &'static str,
    /// Oneself, or `null`: somebody else, nobody who was signed in, or the server itself.
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    /// Of old events only the network.
    ip_address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

impl From<AuditEntry> for ItemView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.seq,
            at: wire_time(entry.at),
            event: entry.event.as_str(),
            outcome: entry.event.outcome().as_str(),
            actor_id: entry.actor.map(UserId::as_i64),
            subject_id: entry.subject.map(UserId::as_i64),
            ip_address: entry.client.ip.map(|ip| ip.to_string()),
            user_agent: entry.client.user_agent.map(|agent| agent.to_string()),
            request_id: entry.client.request_id,
            details: entry.details.into_iter().map(|(key, value)| (key, value.into())).collect(),
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub(super) struct PageView {
    items: Vec<ItemView>,
    /// What to send as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

impl PageView {
    pub(super) fn new(items: Vec<AuditEntry>, next_cursor: Option<String>) -> Self {
        Self { items: items.into_iter().map(ItemView::from).collect(), next_cursor }
    }
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/auth/me/activity", handle)
        .tag("account")
        .summary("Lists what happened to one's own account, newest first")
        .answers::<PageView>(200, "A page of events")
}

async fn handle(
    request: Permitted<ActivityRead, Query>,
    engine: Data<Engine>,
) -> Result<Json<PageView>, Problem> {
    let Query { limit, cursor } = &request.body;
    let page = engine.activity.of(&request.user, *limit, cursor.as_deref()).await?;
    Ok(Json(PageView::new(page.items, page.next)))
}
