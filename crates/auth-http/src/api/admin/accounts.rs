//! `DELETE /api/auth/admin/delete-user/{user_id}`, `POST …/reactivate-user/{user_id}`,
//! `PUT …/update-user/{user_id}`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, RoleChange, Target},
    user::FullName,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Named, actor, describe_named, named};
use crate::{
    Operation, Problem,
    api::view::Message,
    body::{BodyKind, Fields, Input, Refused},
    extract::Administrator,
    operation::InputDoc,
};

pub(super) fn delete() -> Operation {
    Operation::delete("/api/auth/admin/delete-user/{user_id}", handle_delete)
        .tag("administration")
        .summary("Removes an account, and ends its sessions; its address is not given away")
        .answers::<Message>(200, "`User <email> has been successfully deactivated`")
        .refuses(400, "`Cannot delete your own account`")
        .refuses(403, "`Cannot delete superuser accounts`: that takes a superuser")
        .refuses(404, "`User not found`")
        .refuses(409, "`The last active superuser cannot be removed`")
}

async fn handle_delete(
    request: Administrator<Named>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let Administrator { context, caller, body: Named(target) } = request;
    let user = engine.admin.delete(actor(&caller, &context), &target).await?;
    Ok(Json(Message::new(format!("User {} has been successfully deactivated", user.email.as_str()))))
}

/// An account that is there again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReactivatedUser)]
struct ReactivatedView {
    message: String,
    user: BriefView,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BriefUser)]
struct BriefView {
    id: i64,
    email: String,
    full_name: Option<String>,
    #[schema(example = "active")]
    status: &'static str,
}

pub(super) fn reactivate() -> Operation {
    Operation::post("/api/auth/admin/reactivate-user/{user_id}", handle_reactivate)
        .tag("administration")
        .summary("Brings a removed account back")
        .answers::<ReactivatedView>(200, "The account")
        .refuses(400, "`User is not deleted. Current status: <status>`")
        .refuses(403, "`Application admins cannot reactivate superuser accounts`")
        .refuses(404, "`User not found`")
}

async fn handle_reactivate(
    request: Administrator<Named>,
    engine: Data<Engine>,
) -> Result<Json<ReactivatedView>, Problem> {
    let Administrator { context, caller, body: Named(target) } = request;
    let user = engine.admin.reactivate(actor(&caller, &context), &target).await?;
    Ok(Json(ReactivatedView {
        message: format!("User {} has been successfully reactivated", user.email.as_str()),
        user: BriefView {
            id: user.id.as_i64(),
            email: user.email.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(|name| FullName::as_str(name).to_owned()),
            status: user.status.as_str(),
        },
    }))
}

/// The roles to grant and to take; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(as = UpdateRolesRequest)]
#[expect(dead_code, reason = "describes what `Roles` reads")]
struct RolesBody {
    #[schema(required = false)]
    application_admin: Option<bool>,
    #[schema(required = false)]
    is_manager: Option<bool>,
}

#[derive(Debug)]
struct Roles(Target, RoleChange);

impl Input for Roles {
    const BODY: BodyKind = BodyKind::Model;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let target = named(fields);
        let application_admin = fields.optional_flag("application_admin");
        let manager = fields.optional_flag("is_manager");
        let change = RoleChange { superuser: None, application_admin: application_admin?, manager: manager? };
        Ok(Self(target?, change))
    }

    fn describe(doc: &mut InputDoc) {
        describe_named(doc);
        doc.body::<RolesBody>(true);
    }
}

pub(super) fn update() -> Operation {
    Operation::put("/api/auth/admin/update-user/{user_id}", handle_update)
        .tag("administration")
        .summary("Grants and takes roles; they count from the account's next request on")
        .answers::<Message>(200, "`User roles updated successfully`")
        .refuses(400, "`Cannot change your own roles`")
        .refuses(403, "`Application admins are not permitted to modify superuser accounts`")
        .refuses(404, "`User not found`")
}

async fn handle_update(
    request: Administrator<Roles>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let Administrator { context, caller, body: Roles(target, change) } = request;
    engine.admin.change_roles(actor(&caller, &context), &target, change).await?;
    Ok(Json(Message::new("User roles updated successfully")))
}
