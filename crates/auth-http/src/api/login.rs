//! `POST /api/auth/login`

use actix_web::web::Data;
use auth_domain::{
    usecase::{Engine, PasswordLogin},
    user::{Email, Password},
};
use secrecy::SecretString;
use utoipa::ToSchema;

use super::{
    mfa::{CHALLENGE_HEADERS, MfaRequired},
    tokens::{DEVICE_TOKEN, TokenView},
};
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    cookie::{Reply, SessionMode, TokenPlace},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = LoginRequest)]
struct LoginBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// A code of any second factor, or a recovery code; empty counts as left out.
    #[schema(value_type = Option<String>, required = false)]
    totp_code: Option<SecretString>,
    /// `cookie`: the tokens come in cookies and not in the body, for a page that may have them.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for LoginBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        let totp_code = fields.filled_secret("totp_code");
        let session = fields.session();
        Ok(Self { email: email?, password: password?, totp_code: totp_code?, session: session? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/login", handle)
        .tag("session")
        .summary("Signs in with a password, and with a second factor where the account demands one")
        .description(
            "Without a code, an account with a second factor gets a 400 that names its factors; a text \
             message is sent at once if that is one of them. Go on with the same call and `totp_code`, or \
             with `POST /api/auth/mfa/verify` and the `mfa_token` of that answer. For some minutes after \
             that the same device needs no code.",
        )
        .header("X-Platform", "`android`, `ios`, …: what kind of application calls")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::Login)
        .answers::<TokenView>(200, "The tokens of a new session")
        .challenges::<MfaRequired>(
            400,
            "`mfa_required`: a code of a second factor is needed. `invalid_mfa_code`: it is wrong",
            CHALLENGE_HEADERS,
        )
        .refuses(401, "`Incorrect email or password`, the same for every reason")
        .refuses(403, "`email_not_verified`, only after the right password. `csrf_failed`: a foreign page asked for cookies")
        .refuses(423, "`account_locked`: too many failures; `Retry-After` says how long")
}

async fn handle(request: Open<LoginBody>, engine: Data<Engine>) -> Result<Reply<TokenView>, Problem> {
    let Open { context, body } = request;
    let signed_in = engine
        .login
        .with_password(&PasswordLogin {
            tenant: context.tenant,
            email: body.email,
            password: body.password,
            code: body.totp_code,
            device: context.device,
            device_token: context.device_token,
            client: context.client,
        })
        .await?;
    TokenView::reply(&signed_in, &engine, body.session, context.now)
}
