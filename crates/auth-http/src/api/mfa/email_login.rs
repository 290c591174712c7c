//! `POST /api/email-mfa/send-login-code`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, SendCode},
    user::{Email, Password},
};
use serde_json::Value;
use utoipa::ToSchema;

use super::{body::refusal, email::EmailView};
use crate::{
    Limit, Operation, Problem,
    api::tokens::DEVICE_TOKEN,
    body::{BodyKind, Fields, FromBody, Refused},
    context::RequestContext,
    extract::Open,
};

/// Any object: what is wrong with the two fields is said in one sentence.
#[derive(Debug, ToSchema)]
#[schema(as = SendLoginCodeRequest)]
struct SendBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Option<String>,
    #[schema(value_type = String, format = Password)]
    password: Option<Password>,
}

impl FromBody for SendBody {
    const KIND: BodyKind = BodyKind::Free;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let mut object = fields.take_object();
        let mut filled = |name| match object.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        Ok(Self { email: filled("email"), password: filled("password").map(Password::new) })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/email-mfa/send-login-code", handle)
        .tag("session")
        .summary("Mails a code that completes a login")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::General)
        .answers::<EmailView>(200, "`MFA code sent successfully`")
        .refuses(
            400,
            "`Email and password are required`; `MFA is not required for this user`, also for a wrong \
             password; `TOTP code required` or `SMS code required` where codes by mail are off",
        )
        .refuses(403, refusal::UNVERIFIED)
        .refuses(423, refusal::LOCKED)
}

async fn handle(request: Open<SendBody>, engine: Data<Engine>) -> Result<Json<EmailView>, Problem> {
    let Open { context, body } = request;
    let (Some(email), Some(password)) = (body.email, body.password) else {
        return Err(Problem::bad_request("missing_credentials", "Email and password are required"));
    };
    // No account has such an address.
    let email = Email::parse(&email).map_err(|_| Problem::mfa_not_required())?;
    let RequestContext { tenant, client, device_token, .. } = context;
    let request = SendCode { tenant, email, password, device_token, client };
    let email = engine.login.send_email_code(&request).await.map_err(Problem::of_email_code)?;
    Ok(Json(EmailView::sent("MFA code sent successfully", email.as_str().to_owned())))
}
