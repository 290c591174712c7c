//! `POST /api/cognito/link` and `unlink`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, LinkIdentity},
    user::{Email, Password},
};
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    api::{
        mfa::body::{RequiredProof, refusal},
        view::Message,
    },
    body::{Fields, FromBody, Refused},
    extract::Signed,
};

#[derive(Debug, ToSchema)]
#[schema(as = CognitoLinkRequest)]
struct LinkBody {
    /// The address at Cognito.
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    /// The password at Cognito.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromBody for LinkBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        Ok(Self { email: email?, password: password? })
    }
}

pub(super) fn link() -> Operation {
    Operation::post("/api/cognito/link", handle_link)
        .tag("cognito")
        .summary("Lets an account at Cognito open one's own account, too")
        .description(
            "Takes proof of both: a recent login here, with a second factor where the account has one, and \
             the password at Cognito. The addresses need not be the same.",
        )
        .limit(Limit::Login)
        .answers::<Message>(200, "`Account linked`, also if it was already")
        .refuses(400, "`mfa_required`: Cognito asks for more than a password, which only a login can answer")
        .refuses(401, "`Incorrect email or password`, those at Cognito")
        .refuses(403, "`Recent login required`, or `email_not_verified`")
        .refuses(409, "`identity_linked`: one of the two is linked to another already")
        .refuses(423, "`account_locked`: too many wrong passwords")
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle_link(request: Signed<LinkBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body } = request;
    let link = LinkIdentity { email: body.email, password: body.password, client: context.client };
    engine.federation.link(&caller, &link).await?;
    Ok(Json(Message::new("Account linked")))
}

pub(super) fn unlink() -> Operation {
    Operation::post("/api/cognito/unlink", handle_unlink)
        .tag("cognito")
        .summary("Lets only this server's own password open one's account")
        .description("Ends other sessions that Cognito opened.")
        .answers::<Message>(200, "`Account unlinked`")
        .refuses(400, "`not_linked`; `password_required`: set a password here first; a wrong proof")
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_unlink(
    request: Signed<RequiredProof>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body } = request;
    engine.federation.unlink(&caller, &body.into_change(context.client)).await?;
    Ok(Json(Message::new("Account unlinked")))
}
