//! `POST /api/sms-mfa/setup` and `disable`

use actix_web::web::{Data, Json};
use auth_domain::{
    factor::FactorKind::Sms,
    guard::pumping::SmsRefused,
    usecase::{Engine, FactorError},
    user::PhoneNumber,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{Proof, refusal};
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Signed,
    problem::FieldError,
};

const NUMBER: &str = "phone_number";

/// A sentence, and what the provider calls the message that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SmsMessage)]
pub(super) struct SmsView {
    message: &'static str,
    /// `null` where the answer is not about a message alone.
    message_id: Option<String>,
}

impl SmsView {
    pub(super) const fn new(message: &'static str, message_id: Option<String>) -> Self {
        Self { message, message_id }
    }
}

#[derive(Debug, ToSchema)]
#[schema(as = SetUpSmsRequest)]
struct SetUpBody {
    /// International with a `+`, or national of the country the server is set to.
    #[schema(value_type = String, example = "+12125550123")]
    phone_number: PhoneNumber,
    #[schema(inline)]
    #[serde(flatten)]
    proof: Proof,
}

impl FromBody for SetUpBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let phone_number = fields.phone(NUMBER);
        let proof = <Proof as FromBody>::read(fields);
        Ok(Self { phone_number: phone_number?, proof: proof? })
    }
}

pub(super) fn setup() -> Operation {
    Operation::post("/api/sms-mfa/setup", handle_setup)
        .tag("mfa")
        .summary("Asks for text messages to a number and sends the code that proves it")
        .description("Logins ask for such codes once the number is proved; one at work goes on until then.")
        .limit(Limit::General)
        .answers::<SmsView>(200, "`SMS MFA enabled and verification code sent to your phone`")
        .refuses(400, "A wrong password or code, or a number that the provider refuses")
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_setup(request: Signed<SetUpBody>, engine: Data<Engine>) -> Result<Json<SmsView>, Problem> {
    let Signed { context, caller, body } = request;
    let change = body.proof.into_change(context.client);
    let receipt = engine.factors.set_up_sms(&caller, &body.phone_number, &change).await;
    receipt.map_err(|error| match error {
        FactorError::Refused(SmsRefused::Number(why)) => {
            Problem::invalid(vec![FieldError::refused_number(NUMBER, why)])
        }
        error => Problem::of_factor(Sms, error),
    })?;
    Ok(Json(SmsView::new("SMS MFA enabled and verification code sent to your phone", None)))
}

pub(super) fn disable() -> Operation {
    Operation::post("/api/sms-mfa/disable", handle_disable)
        .tag("mfa")
        .summary("Switches text messages off; the number is kept")
        .limit(Limit::General)
        .answers::<SmsView>(200, "`SMS MFA disabled successfully`")
        .refuses(400, refusal::LAST_FACTOR)
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_disable(request: Signed<Proof>, engine: Data<Engine>) -> Result<Json<SmsView>, Problem> {
    let Signed { context, caller, body } = request;
    let disabled = engine.factors.disable_sms(&caller, &body.into_change(context.client)).await;
    disabled.map_err(|error| Problem::of_factor(Sms, error))?;
    Ok(Json(SmsView::new("SMS MFA disabled successfully", None)))
}
