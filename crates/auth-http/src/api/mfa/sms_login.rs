//! `POST /api/sms-mfa/send-code` and `verify`, `POST /api/auth/resend-sms-code`
//!
//! The first two are for people who are signed in. Front ends exist that call them during a login, with an
//! address and a password instead of a token: then the one sends a login code and the other signs in.

use actix_web::web::{Data, Json};
use auth_domain::{
    factor::FactorKind::Sms,
    usecase::{ChangeProof, Engine, FactorChange, PasswordLogin, SendCode},
    user::{Email, Password},
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::{CodeBody, CredentialsBody, refusal},
    sms::SmsView,
};
use crate::{
    Limit, Operation, Problem,
    api::{
        tokens::{DEVICE_TOKEN, TokenView},
        view::Message,
    },
    body::{Fields, FromBody, NoBody, Refused},
    context::RequestContext,
    cookie::{Reply, SessionMode, TokenPlace},
    extract::{Open, Signed, SignedOr},
};

impl CredentialsBody {
    fn asks_for_code(self, context: RequestContext) -> SendCode {
        let RequestContext { tenant, client, device_token, .. } = context;
        SendCode { tenant, email: self.email, password: self.password, device_token, client }
    }
}

pub(super) fn resend() -> Operation {
    Operation::post("/api/auth/resend-sms-code", handle_resend)
        .tag("session")
        .summary("Sends another login code by text message")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::General)
        .answers::<Message>(200, "`SMS code sent successfully`")
        .refuses(
            400,
            "`Invalid credentials`, text messages are off, or the number gets none: `detail` says which",
        )
        .refuses(403, refusal::UNVERIFIED)
        .refuses(423, refusal::LOCKED)
}

async fn handle_resend(
    request: Open<CredentialsBody>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let sent = engine.login.send_sms_code(&request.body.asks_for_code(request.context)).await;
    sent.map_err(Problem::of_sms_code)?;
    Ok(Json(Message::new("SMS code sent successfully")))
}

pub(super) fn send_code() -> Operation {
    Operation::post("/api/sms-mfa/send-code", handle_send)
        .tag("mfa")
        .summary("Sends a code by text message")
        .description(
            "With a token: to the number that is to be proved. With an address and a password: a login code.",
        )
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::General)
        .answers::<SmsView>(200, "`MFA code sent successfully`")
        .refuses(
            400,
            "`Invalid credentials`, text messages are off, or the number gets none: `detail` says which",
        )
        .refuses(403, refusal::UNVERIFIED)
        .refuses(423, refusal::LOCKED)
}

async fn handle_send(
    request: SignedOr<NoBody, CredentialsBody>,
    engine: Data<Engine>,
) -> Result<Json<SmsView>, Problem> {
    let receipt = match request {
        SignedOr::Signed(request) => {
            let Signed { context, caller, .. } = *request;
            let sent = engine.factors.send_sms(&caller, &context.client).await;
            sent.map_err(|error| Problem::of_factor(Sms, error))?
        }
        SignedOr::Credentials(request) => {
            let Open { context, body } = *request;
            let sent = engine.login.send_sms_code(&body.asks_for_code(context)).await;
            sent.map_err(Problem::of_sms_code)?
        }
    };
    Ok(Json(SmsView::new("MFA code sent successfully", receipt.message_id)))
}

/// With a token `mfa_code`; else an address, a password and `code` (or `mfa_code`).
#[derive(Debug, ToSchema)]
#[schema(as = VerifySmsRequest)]
struct LoginBody {
    #[schema(value_type = Option<String>, format = Email, required = false)]
    email: Email,
    #[schema(value_type = Option<String>, format = Password, required = false)]
    password: Password,
    /// The code, in the place of `mfa_code`.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6}$", required = false)]
    code: Option<SecretString>,
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6}$", required = false)]
    mfa_code: Option<SecretString>,
    /// `cookie`: the tokens come in cookies and not in the body, for a page that may have them.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for LoginBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        let (code, mfa_code) = if fields.has("code") {
            (fields.code("code").map(Some), Ok(None))
        } else {
            (Ok(None), fields.code("mfa_code").map(Some))
        };
        let session = fields.session();
        Ok(Self { email: email?, password: password?, code: code?, mfa_code: mfa_code?, session: session? })
    }
}

/// A sentence, or tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = SmsVerified)]
#[serde(untagged)]
enum VerifiedView {
    Number(SmsView),
    Login(Box<TokenView>),
}

pub(super) fn verify() -> Operation {
    Operation::post("/api/sms-mfa/verify", handle_verify)
        .tag("mfa")
        .summary("Proves a number with the code that was sent there")
        .description(
            "With an address and a password instead of a token it signs in as `/api/auth/login` does.",
        )
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::General)
        .answers::<VerifiedView>(200, "`Phone number verified successfully`, or the tokens of a new session")
        .refuses(400, "Text messages are off, no code waits, or it is another: `detail` says which")
        .refuses(403, refusal::UNVERIFIED)
        .refuses(423, refusal::LOCKED)
}

async fn handle_verify(
    request: SignedOr<CodeBody, LoginBody>,
    engine: Data<Engine>,
) -> Result<Reply<VerifiedView>, Problem> {
    match request {
        SignedOr::Signed(request) => {
            let proved = prove(*request, &engine).await?;
            Ok(VerifiedView::Number(proved).into())
        }
        SignedOr::Credentials(request) => {
            Ok(sign_in(*request, &engine).await?.map(|tokens| VerifiedView::Login(Box::new(tokens))))
        }
    }
}

async fn prove(request: Signed<CodeBody>, engine: &Engine) -> Result<SmsView, Problem> {
    let Signed { context, caller, body } = request;
    let change = FactorChange { proof: ChangeProof::None, end_other_sessions: false, client: context.client };
    let proved = engine.factors.verify_sms(&caller, &body.mfa_code, &change).await;
    proved.map_err(|error| Problem::of_factor(Sms, error))?;
    Ok(SmsView::new("Phone number verified successfully", None))
}

async fn sign_in(request: Open<LoginBody>, engine: &Engine) -> Result<Reply<TokenView>, Problem> {
    let Open { context, body } = request;
    let login = PasswordLogin {
        tenant: context.tenant,
        email: body.email,
        password: body.password,
        code: body.code.or(body.mfa_code),
        device: context.device,
        device_token: context.device_token,
        client: context.client,
    };
    let signed_in = engine.login.with_password(&login).await?;
    TokenView::reply(&signed_in, engine, body.session, context.now)
}
