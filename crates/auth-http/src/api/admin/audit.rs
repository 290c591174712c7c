//! `GET /api/admin/audit`

use actix_web::web::{Data, Json};
use auth_domain::{
    audit::AuditEvent,
    id::UserId,
    usecase::{AuditQuery, Engine},
};
use chrono::{DateTime, Utc};

use super::{actor, users::limit};
use crate::{
    FieldError, Operation, Problem,
    api::activity::PageView,
    body::{BodyKind, Fields, Input, Refused},
    extract::Superuser,
    operation::InputDoc,
};

/// Entries on a page unless the client says otherwise.
const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 500;

#[derive(Debug)]
struct Query {
    entries: AuditQuery,
    limit: u32,
    cursor: Option<String>,
}

impl Input for Query {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let event = parsed(fields, "event", "Event is the name of one, such as login.ok", |text| {
            text.parse::<AuditEvent>().ok()
        });
        let user = parsed(fields, "user_id", "User id is a number", |text| text.parse::<UserId>().ok());
        let since = parsed(fields, "since", TIME, time);
        let until = parsed(fields, "until", TIME, time);
        let limit = limit(fields, DEFAULT_LIMIT, MOST);
        let cursor = fields.query("cursor")?.filter(|cursor| !cursor.is_empty());
        let entries = AuditQuery { event: event?, user: user?, since: since?, until: until? };
        Ok(Self { entries, limit: limit?, cursor })
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<String>("event", false, "Only this event, such as `login.ok`");
        doc.query::<i64>("user_id", false, "Only what concerns this account");
        doc.query::<String>("since", false, "Only what happened then or later, as in RFC 3339");
        doc.query::<String>("until", false, "Only what happened earlier, as in RFC 3339");
        doc.query::<u32>("limit", false, "How many at most, from 1 to 500; 50 unless given");
        doc.query::<String>("cursor", false, "The `next_cursor` of the page before");
    }
}

const TIME: &str = "Time is one of RFC 3339, such as 2026-07-01T12:00:00Z";

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// A parameter that may be left out or empty.
fn parsed<T>(
    fields: &mut Fields<'_>,
    name: &str,
    rule: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Refused> {
    match fields.query(name)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => match read(text) {
            Some(value) => Ok(Some(value)),
            None => Err(fields.refuse(FieldError::value("query", name, rule))),
        },
    }
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/admin/audit", handle)
        .tag("administration")
        .summary("Shows the audit log of the tenant, newest first")
        .answers::<PageView>(200, "A page of entries")
}

async fn handle(request: Superuser<Query>, engine: Data<Engine>) -> Result<Json<PageView>, Problem> {
    let Query { entries, limit, cursor } = &request.body;
    let actor = actor(&request.caller, &request.context);
    let page = engine.admin.audit(actor, entries, *limit, cursor.as_deref()).await?;
    Ok(Json(PageView::new(page.items, page.next)))
}
