//! `POST /api/auth/mfa/verify`, and what leads there.

use actix_web::web::Data;
use auth_domain::usecase::{ChallengeLogin, Engine};
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{
    Operation, Problem,
    api::tokens::{DEVICE_TOKEN, TokenView},
    body::{Fields, FromBody, Refused},
    cookie::{Reply, SessionMode, TokenPlace},
    extract::Open,
};

/// What a refusal adds that asks for a second factor.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the problem of this name writes")]
pub(in crate::api) struct MfaRequired {
    /// The text that asks for the factor.
    #[schema(example = "MFA code required - choose your preferred method")]
    detail: String,
    /// `mfa_required`.
    #[schema(example = "mfa_required")]
    code: String,
    /// To quote when asking for help.
    request_id: String,
    /// For `POST /api/auth/mfa/verify`: good for five minutes and five codes. Left out while it cannot
    /// be kept.
    #[schema(required = false)]
    mfa_token: Option<String>,
    /// What the account has of `TOTP`, `SMS` and `Email`.
    mfa_methods: Vec<String>,
}

/// The headers of such a refusal.
pub(in crate::api) const CHALLENGE_HEADERS: &[(&str, &str)] = &[
    ("X-MFA-Type", "`TOTP`, `SMS`, `Email`, or `MULTIPLE`"),
    ("X-MFA-Methods", "What the account has, as in `TOTP,SMS,Email`"),
    ("X-Phone-Masked", "Where a text message was just sent"),
    ("X-Email-Masked", "Where a code can be mailed"),
];

#[derive(Debug, ToSchema)]
#[schema(as = VerifyMfaRequest)]
struct VerifyBody {
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// A code of any second factor, or a recovery code.
    #[schema(value_type = String)]
    code: SecretString,
    /// Which factor the code is of; for people, since any of them is tried.
    #[schema(required = false, example = "TOTP")]
    #[expect(dead_code, reason = "documented and ignored")]
    method: Option<String>,
    /// `cookie`: the tokens come in cookies and not in the body, for a page that may have them.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for VerifyBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let mfa_token = fields.secret("mfa_token");
        let code = fields.secret("code");
        let method = fields.optional_text("method");
        let session = fields.session();
        Ok(Self { mfa_token: mfa_token?, code: code?, method: method?, session: session? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/mfa/verify", handle)
        .tag("session")
        .summary("Completes a login with the code of a second factor")
        .header("X-Platform", "`android`, `ios`, …: what kind of application calls")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .answers::<TokenView>(200, "The tokens of a new session")
        .refuses(400, "`Invalid MFA code`: try again, five times in all")
        .refuses(401, "`Invalid or expired MFA session`: sign in again")
        .refuses(403, "`csrf_failed`: a foreign page asked for cookies")
        .refuses(423, "`account_locked`: too many wrong codes; `Retry-After` says how long")
}

async fn handle(request: Open<VerifyBody>, engine: Data<Engine>) -> Result<Reply<TokenView>, Problem> {
    let Open { context, body } = request;
    let signed_in = engine
        .login
        .with_challenge(&ChallengeLogin {
            tenant: context.tenant,
            token: body.mfa_token,
            code: body.code,
            device: context.device,
            device_token: context.device_token,
            client: context.client,
        })
        .await?;
    TokenView::reply(&signed_in, &engine, body.session, context.now)
}
