//! `POST /api/cognito/login`

use actix_web::web::Data;
use auth_domain::{
    usecase::{Engine, PasswordLogin},
    user::{Email, Password},
};
use utoipa::ToSchema;

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
#[schema(as = CognitoLoginRequest)]
struct LoginBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    /// The password at Cognito.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// `cookie`: the tokens come in cookies and not in the body, for a page that may have them.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for LoginBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        let session = fields.session();
        Ok(Self { email: email?, password: password?, session: session? })
    }
}

/// What a refusal adds that asks for more: by Cognito, or by the account here.
#[derive(ToSchema)]
#[schema(as = CognitoMfaRequired)]
#[expect(dead_code, reason = "describes what the problem of this name writes")]
pub(super) struct ChallengeRequired {
    /// What is asked for.
    #[schema(example = "TOTP code required")]
    detail: String,
    /// `mfa_required`.
    #[schema(example = "mfa_required")]
    code: String,
    /// To quote when asking for help.
    request_id: String,
    /// Good for five minutes and five tries: for `POST /api/cognito/challenge` where `challenge` is there,
    /// else for `POST /api/auth/mfa/verify`.
    mfa_token: String,
    /// What Cognito asks for: `SMS_MFA`, `SOFTWARE_TOKEN_MFA` or `NEW_PASSWORD_REQUIRED`.
    #[schema(required = false, example = "SOFTWARE_TOKEN_MFA")]
    challenge: Option<String>,
    /// Where Cognito sent a code, masked.
    #[schema(required = false)]
    destination: Option<String>,
    /// What the account here has of `TOTP`, `SMS` and `Email`.
    #[schema(required = false)]
    mfa_methods: Option<Vec<String>>,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/cognito/login", handle)
        .tag("cognito")
        .summary("Signs in with a password that Cognito keeps")
        .description(
            "The session and its tokens are those of this server; `amr` says `cognito`. The first login makes \
             an account here, or links the one of the same address, if Cognito says that the address is \
             verified. Second factors of the account here are demanded after those of Cognito.",
        )
        .header("X-Platform", "`android`, `ios`, …: what kind of application calls")
        .header(DEVICE_TOKEN.0, DEVICE_TOKEN.1)
        .limit(Limit::Login)
        .answers::<TokenView>(200, "The tokens of a new session")
        .challenges::<ChallengeRequired>(
            400,
            "`mfa_required`: Cognito asks for more (`challenge`), or the account here does (`mfa_methods`)",
            CHALLENGE_HEADERS,
        )
        .refuses(401, "`Incorrect email or password`, the same for every reason")
        .refuses(403, "`email_not_verified`: the account at Cognito waits for its confirmation. `csrf_failed`: a foreign page asked for cookies")
        .refuses(423, "`account_locked`: too many failures; `Retry-After` says how long")
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle(request: Open<LoginBody>, engine: Data<Engine>) -> Result<Reply<TokenView>, Problem> {
    let Open { context, body } = request;
    let signed_in = engine
        .login
        .with_provider(&PasswordLogin {
            tenant: context.tenant,
            email: body.email,
            password: body.password,
            code: None,
            device: context.device,
            device_token: context.device_token,
            client: context.client,
        })
        .await?;
    TokenView::reply(&signed_in, &engine, body.session, context.now)
}
