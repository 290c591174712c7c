//! `POST /api/admin/users/{user_id}/status`, `suspend`, `activate` and `deactivate`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, StatusChange, Target},
    user::UserStatus,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{actor, describe_named, named};
use crate::{
    FieldError, Operation, Problem,
    body::{BodyKind, Fields, Input, Refused},
    extract::Superuser,
    operation::InputDoc,
    time::wire_time,
};

const PATTERN: &str = "^(active|inactive|suspended|pending)$";

/// Longest reason, in characters: it goes into the audit log.
const REASON_CHARS: usize = 500;

/// The state an account is to be in.
#[derive(Debug, ToSchema)]
#[schema(as = ChangeStatusRequest)]
#[expect(dead_code, reason = "describes what `Asked` reads")]
struct StatusBody {
    #[schema(pattern = "^(active|inactive|suspended|pending)$", example = "suspended")]
    status: String,
    /// For the audit log.
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
}

#[derive(Debug)]
struct Asked {
    target: Target,
    status: UserStatus,
    reason: Option<String>,
}

impl Input for Asked {
    const BODY: BodyKind = BodyKind::Model;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let target = named(fields);
        let status = status_of(fields);
        let reason = fields.optional_text("reason").and_then(|text| short(fields, "body", text));
        Ok(Self { target: target?, status: status?, reason: reason? })
    }

    fn describe(doc: &mut InputDoc) {
        describe_named(doc);
        doc.body::<StatusBody>(true);
    }
}

fn status_of(fields: &mut Fields<'_>) -> Result<UserStatus, Refused> {
    let text = fields.text("status")?;
    let known = text.parse().ok().filter(|status| *status != UserStatus::Deleted);
    known.ok_or_else(|| {
        let msg = format!("String should match pattern '{PATTERN}'");
        let error = FieldError::new("string_pattern_mismatch", "body", msg).at("status");
        fields.refuse(error.with_ctx(json!({ "pattern": PATTERN })))
    })
}

fn short(fields: &mut Fields<'_>, part: &str, text: Option<String>) -> Result<Option<String>, Refused> {
    match text {
        Some(text) if text.chars().count() > REASON_CHARS => {
            Err(fields.refuse(FieldError::too_long(part, "reason", REASON_CHARS)))
        }
        text => Ok(text),
    }
}

/// The account in the path, and why.
#[derive(Debug)]
struct Reasoned {
    target: Target,
    reason: Option<String>,
}

impl Input for Reasoned {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let target = named(fields);
        let text = fields.query("reason")?;
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            let error = FieldError::value("query", "reason", "Text must not contain NUL characters");
            return Err(fields.refuse(error));
        }
        let reason = short(fields, "query", text);
        Ok(Self { target: target?, reason: reason? })
    }

    fn describe(doc: &mut InputDoc) {
        describe_named(doc);
        doc.query::<String>("reason", false, "For the audit log");
    }
}

/// An account that changed its state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusChange)]
struct ChangeView {
    user_id: i64,
    email: String,
    old_status: &'static str,
    new_status: &'static str,
    /// The id of whoever changed it.
    changed_by: i64,
    #[schema(format = DateTime)]
    changed_at: String,
    reason: Option<String>,
}

pub(super) fn status() -> Operation {
    described(Operation::post("/api/admin/users/{user_id}/status", handle))
        .summary("Puts an account into a state; in any but `active` its sessions end at once")
}

/// One route for each state, with the reason in the query.
pub(super) fn shortcuts() -> [Operation; 3] {
    [
        described(Operation::post("/api/admin/users/{user_id}/suspend", handle_suspend))
            .summary("Stops an account, and ends its sessions"),
        described(Operation::post("/api/admin/users/{user_id}/activate", handle_activate))
            .summary("Puts an account into use"),
        described(Operation::post("/api/admin/users/{user_id}/deactivate", handle_deactivate))
            .summary("Switches an account off, and ends its sessions"),
    ]
}

fn described(operation: Operation) -> Operation {
    operation
        .tag("administration")
        .answers::<ChangeView>(200, "What changed")
        .refuses(400, "`Cannot modify your own account status`")
        .refuses(404, "`User with ID <id> not found`")
        .refuses(409, "`The last active superuser cannot be removed`")
}

async fn handle(request: Superuser<Asked>, engine: Data<Engine>) -> Result<Json<ChangeView>, Problem> {
    change(request, &engine).await
}

async fn handle_suspend(
    request: Superuser<Reasoned>,
    engine: Data<Engine>,
) -> Result<Json<ChangeView>, Problem> {
    change(to(UserStatus::Suspended, request), &engine).await
}

async fn handle_activate(
    request: Superuser<Reasoned>,
    engine: Data<Engine>,
) -> Result<Json<ChangeView>, Problem> {
    change(to(UserStatus::Active, request), &engine).await
}

async fn handle_deactivate(
    request: Superuser<Reasoned>,
    engine: Data<Engine>,
) -> Result<Json<ChangeView>, Problem> {
    change(to(UserStatus::Inactive, request), &engine).await
}

fn to(status: UserStatus, request: Superuser<Reasoned>) -> Superuser<Asked> {
    let Superuser { context, caller, body: Reasoned { target, reason } } = request;
    Superuser { context, caller, body: Asked { target, status, reason } }
}

async fn change(request: Superuser<Asked>, engine: &Engine) -> Result<Json<ChangeView>, Problem> {
    let Superuser { context, caller, body: Asked { target, status, reason } } = request;
    let actor = actor(&caller, &context);
    let StatusChange { user, before, at } =
        engine.admin.change_status(actor, &target, status, reason.as_deref()).await?;
    Ok(Json(ChangeView {
        user_id: user.id.as_i64(),
        email: user.email.as_str().to_owned(),
        old_status: before.as_str(),
        new_status: user.status.as_str(),
        changed_by: caller.user.id.as_i64(),
        changed_at: wire_time(at),
        reason,
    }))
}
