//! `GET /api/auth/users`

use actix_web::{
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use auth_domain::{
    guard::lockout::Standing,
    usecase::{Engine, ListedUser, UserQuery},
    user::{FullName, InvalidSearch, UserSearch, UserStatus},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor;
use crate::{
    FieldError, Operation, Problem,
    body::{BodyKind, Fields, Input, Refused},
    cookie::Reply,
    extract::Administrator,
    operation::InputDoc,
    time::wire_time,
};

/// The most accounts on a page, and how many are on one unless the client says otherwise.
const MOST: u32 = 1000;
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

#[derive(Debug)]
struct Query {
    accounts: UserQuery,
    limit: u32,
    cursor: Option<String>,
}

impl Input for Query {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let search = search(fields);
        let statuses = statuses(fields);
        let limit = limit(fields, MOST, MOST);
        let cursor = fields.query("cursor")?.filter(|cursor| !cursor.is_empty());
        let accounts = UserQuery { tenant: None, statuses: statuses?, search: search? };
        Ok(Self { accounts, limit: limit?, cursor })
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<String>("q", false, "What an address or a name begins with, in any case");
        doc.query::<String>(
            "status",
            false,
            "Only accounts in these states, separated by commas; all but `deleted` unless given",
        );
        doc.query::<u32>("limit", false, "How many at most, from 1 to 1000; 1000 unless given");
        doc.query::<String>("cursor", false, "The `X-Next-Cursor` of the page before");
    }
}

fn search(fields: &mut Fields<'_>) -> Result<Option<UserSearch>, Refused> {
    let Some(text) = fields.query("q")? else { return Ok(None) };
    UserSearch::parse(&text).map_err(|why| {
        fields.refuse(match why {
            InvalidSearch::TooLong => FieldError::too_long("query", "q", UserSearch::MAX_CHARS),
            InvalidSearch::Nul => FieldError::value("query", "q", "Text must not contain NUL characters"),
        })
    })
}

fn statuses(fields: &mut Fields<'_>) -> Result<Vec<UserStatus>, Refused> {
    let Some(text) = fields.query("status")? else { return Ok(Vec::new()) };
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::parse).collect::<Result<_, _>>().map_err(|_| {
        let msg = "Status is one of active, inactive, suspended, pending and deleted";
        fields.refuse(FieldError::value("query", "status", msg))
    })
}

/// A `limit` from 1 to `most`.
pub(super) fn limit(fields: &mut Fields<'_>, default: u32, most: u32) -> Result<u32, Refused> {
    match fields.query("limit")?.as_deref() {
        None | Some("") => Ok(default),
        Some(text) => text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
            fields.refuse(FieldError::value("query", "limit", &format!("Limit is a number from 1 to {most}")))
        }),
    }
}

/// One account as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedUser)]
struct UserView {
    id: i64,
    email: String,
    full_name: Option<String>,
    /// `active` or `inactive`: whether the account can be used.
    status: &'static str,
    is_verified: bool,
    is_superuser: bool,
    application_admin: bool,
    is_manager: bool,
    #[schema(format = DateTime)]
    created_at: String,
    /// Wrong passwords from devices that are not known.
    failed_login_attempts: u32,
    /// Until when further ones are not looked at.
    #[schema(format = DateTime)]
    locked_until: Option<String>,
    /// `active`, `inactive`, `suspended`, `pending` or `deleted`.
    account_status: &'static str,
    /// Whether it does not open by waiting: it takes its owner, or an administrator.
    is_closed: bool,
}

impl From<&ListedUser> for UserView {
    fn from(ListedUser { user, passwords }: &ListedUser) -> Self {
        let locked_until = match passwords.standing {
            Standing::Open => None,
            Standing::Waits(until) => Some(until),
            Standing::Closed => passwords.state.and_then(|state| state.locked_until),
        };
        Self {
            id: user.id.as_i64(),
            email: user.email.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(|name| FullName::as_str(name).to_owned()),
            status: if user.is_active() { "active" } else { "inactive" },
            is_verified: user.email_verified,
            is_superuser: user.roles.superuser,
            application_admin: user.roles.application_admin,
            is_manager: user.roles.manager,
            created_at: wire_time(user.created_at),
            failed_login_attempts: passwords.state.map_or(0, |state| state.failures),
            locked_until: locked_until.map(wire_time),
            account_status: user.status.as_str(),
            is_closed: passwords.standing == Standing::Closed,
        }
    }
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/auth/users", handle)
        .tag("administration")
        .summary("Lists accounts of the tenant, oldest first; application administrators see no superusers")
        .answers_list::<UserView>(
            200,
            "The accounts; `X-Next-Cursor` gives the next page, where there is one",
        )
}

async fn handle(
    request: Administrator<Query>,
    engine: Data<Engine>,
) -> Result<Reply<Vec<UserView>>, Problem> {
    let Query { accounts, limit, cursor } = &request.body;
    let actor = actor(&request.caller, &request.context);
    let page = engine.admin.list(actor, accounts, *limit, cursor.as_deref()).await?;
    let reply = Reply::from(page.items.iter().map(UserView::from).collect::<Vec<_>>());
    let next = page.next.as_deref().and_then(|cursor| HeaderValue::from_str(cursor).ok());
    Ok(match next {
        Some(cursor) => reply.with_header(NEXT_CURSOR, cursor),
        None => reply,
    })
}
