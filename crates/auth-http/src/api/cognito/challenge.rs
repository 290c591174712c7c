//! `POST /api/cognito/challenge`

use actix_web::web::Data;
use auth_domain::{
    port::ProviderCode,
    usecase::{Engine, ProviderChallengeLogin},
    user::Password,
};
use secrecy::SecretString;
use utoipa::ToSchema;

use super::login::ChallengeRequired;
use crate::{
    Limit, Operation, Problem,
    api::{
        mfa::CHALLENGE_HEADERS,
        tokens::{DEVICE_TOKEN, TokenView},
    },
    body::{Fields, FromBody, Refused},
    cookie::{Reply, SessionMode, TokenPlace},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = CognitoChallengeRequest)]
struct ChallengeBody {
    #[schema(value_type = String)]
    mfa_token: SecretString,
    /// The answer to `SMS_MFA` and `SOFTWARE_TOKEN_MFA`.
    #[schema(value_type = Option<String>, required = false)]
    code: Option<ProviderCode>,
    /// The answer to `NEW_PASSWORD_REQUIRED`.
    #[schema(value_type = Option<String>, format = Password, required = false)]
    new_password: Option<Password>,
    /// `cookie`: the tokens come in cookies and not in the body, for a page that may have them.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for ChallengeBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let mfa_token = fields.secret("mfa_token");
        let code = fields.optional_provider_code("code");
        let new_password = fields.optional_password("new_password");
        let session = fields.session();
        Ok(Self { mfa_token: mfa_token?, code: code?, new_password: new_password?, session: session? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/cognito/challenge", handle)
        .tag("cognito")
        .summary("Answers what Cognito asked for at a login")
        .header("X-Platform", "`android`, `ios`, …: what kind of application calls")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::Login)
        .answers::<TokenView>(200, "The tokens of a new session")
        .challenges::<ChallengeRequired>(
            400,
            "`Invalid MFA code`: try again, five times in all. `mfa_required`: there is more to answer",
            CHALLENGE_HEADERS,
        )
        .refuses(401, "`Invalid or expired MFA session`: sign in again")
        .refuses(403, "`email_not_verified`. `csrf_failed`: a foreign page asked for cookies")
        .refuses(423, "`account_locked`: too many wrong codes; `Retry-After` says how long")
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle(request: Open<ChallengeBody>, engine: Data<Engine>) -> Result<Reply<TokenView>, Problem> {
    let Open { context, body } = request;
    let signed_in = engine
        .login
        .with_provider_challenge(&ProviderChallengeLogin {
            tenant: context.tenant,
            token: body.mfa_token,
            code: body.code,
            new_password: body.new_password,
            device: context.device,
            device_token: context.device_token,
            client: context.client,
        })
        .await?;
    TokenView::reply(&signed_in, &engine, body.session, context.now)
}
