//! `POST /api/cognito/register`

use actix_web::{
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::{
    port::{Delivery, DeliveryMedium, ProviderSignUp, ProviderSignedUp},
    usecase::Engine,
    user::{Email, FullName, Password, PhoneNumber},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = CognitoRegisterRequest)]
struct RegisterBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    /// Measured by the policy of the pool.
    #[schema(value_type = String, format = Password)]
    password: Password,
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    full_name: Option<FullName>,
    #[schema(value_type = Option<String>, required = false)]
    phone_number: Option<PhoneNumber>,
}

impl FromBody for RegisterBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password_with_content("password");
        let full_name = fields.full_name("full_name");
        let phone_number = fields.optional_phone("phone_number");
        Ok(Self { email: email?, password: password?, full_name: full_name?, phone_number: phone_number? })
    }
}

/// Where Cognito sent the code.
#[derive(Serialize, ToSchema)]
#[schema(as = CognitoDelivery)]
struct DeliveryView {
    /// `EMAIL` or `SMS`.
    #[schema(example = "EMAIL")]
    medium: &'static str,
    #[schema(example = "a***@e***")]
    destination: String,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let medium = match delivery.medium {
            DeliveryMedium::Email => "EMAIL",
            DeliveryMedium::Sms => "SMS",
        };
        Self { medium, destination: delivery.destination }
    }
}

/// An account at Cognito.
#[derive(Serialize, ToSchema)]
#[schema(as = CognitoRegistered)]
struct RegisteredView {
    /// Cognito's own name for the account.
    user_sub: String,
    /// Whether it can be used at once.
    confirmed: bool,
    delivery: Option<DeliveryView>,
}

impl From<ProviderSignedUp> for RegisteredView {
    fn from(signed_up: ProviderSignedUp) -> Self {
        Self {
            user_sub: signed_up.key.subject().to_owned(),
            confirmed: signed_up.confirmed,
            delivery: signed_up.delivery.map(Into::into),
        }
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/cognito/register", handle)
        .tag("cognito")
        .summary("Opens an account at Cognito, which sends a code")
        .description("An account of this server comes with the first login.")
        .limit(Limit::General)
        .answers::<RegisteredView>(201, "The account")
        .refuses(400, "`Email already registered`, unless existing accounts are hidden")
        .refuses(429, "Cognito takes no more of these now")
}

async fn handle(
    request: Open<RegisterBody>,
    engine: Data<Engine>,
) -> Result<(Json<RegisteredView>, StatusCode), Problem> {
    let RegisterBody { email, password, full_name, phone_number } = request.body;
    let account = ProviderSignUp { email, password, full_name, phone: phone_number };
    let signed_up = engine.federation.sign_up(&account).await?;
    Ok((Json(signed_up.into()), StatusCode::CREATED))
}
