//! `GET`, `PATCH` and `DELETE /api/auth/me`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{CloseAccount, Engine, FieldChange, UpdateProfile},
    user::{FullName, Password, User},
};
use utoipa::ToSchema;

use super::view::{Message, ProfileView};
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, NoBody, Refused},
    cookie::Reply,
    extract::{Permitted, ProfileRead, Signed},
};

const PATH: &str = "/api/auth/me";

pub(super) fn show() -> Operation {
    Operation::get(PATH, handle_show)
        .tag("account")
        .summary("Shows one's own account")
        .answers::<ProfileView>(200, "The account")
}

async fn handle_show(
    request: Permitted<ProfileRead, NoBody>,
    engine: Data<Engine>,
) -> Result<Json<ProfileView>, Problem> {
    profile(&request.user, &engine).await
}

/// The account as its owner sees it.
async fn profile(user: &User, engine: &Engine) -> Result<Json<ProfileView>, Problem> {
    Ok(Json(ProfileView::new(user, engine.federation.is_linked(user.id).await?)))
}

#[derive(Debug, ToSchema)]
#[schema(as = UpdateProfileRequest)]
struct UpdateBody {
    /// Left out: unchanged. `null`: removed.
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    full_name: FieldChange<FullName>,
}

impl FromBody for UpdateBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let present = fields.has("full_name");
        Ok(Self {
            full_name: match fields.full_name("full_name")? {
                Some(name) => FieldChange::Set(name),
                None if present => FieldChange::Clear,
                None => FieldChange::Keep,
            },
        })
    }
}

pub(super) fn update() -> Operation {
    Operation::patch(PATH, handle_update)
        .tag("account")
        .summary("Changes one's own profile")
        .answers::<ProfileView>(200, "The account as it is now")
}

async fn handle_update(
    request: Signed<UpdateBody>,
    engine: Data<Engine>,
) -> Result<Json<ProfileView>, Problem> {
    let Signed { context, caller, body } = request;
    let change = UpdateProfile { full_name: body.full_name, client: context.client };
    let user = engine.accounts.update_profile(&caller, &change).await?;
    profile(&user, &engine).await
}

#[derive(Debug, ToSchema)]
#[schema(as = CloseAccountRequest)]
struct CloseBody {
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromBody for CloseBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { password: fields.password("password")? })
    }
}

pub(super) fn close() -> Operation {
    Operation::delete(PATH, handle_close)
        .tag("account")
        .summary("Closes one's own account and ends its sessions")
        .answers::<Message>(200, "`Account deactivated`")
        .refuses(400, "`Current password is incorrect`")
        .refuses(423, "`account_locked`: too many wrong passwords")
}

async fn handle_close(request: Signed<CloseBody>, engine: Data<Engine>) -> Result<Reply<Message>, Problem> {
    let Signed { context, caller, body } = request;
    let close = CloseAccount { password: body.password, client: context.client.clone() };
    engine.accounts.close(&caller, &close).await?;
    Reply::leaving(Message::new("Account deactivated"), &context)
}
