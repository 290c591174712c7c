//! `GET /api/auth/mfa`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, FactorStatus},
    user::PhoneNumber,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Operation, Problem, body::NoBody, extract::Signed, problem::factor_name};

/// One's own second factors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MfaStatus)]
struct StatusView {
    /// Whether a login needs a second factor.
    mfa_enabled: bool,
    /// Those that a login can be completed with: `TOTP`, `SMS`, `Email`.
    methods: Vec<&'static str>,
    /// Where text messages go; `null` unless they are among the methods.
    phone_masked: Option<String>,
    recovery_codes_left: u32,
}

impl From<FactorStatus> for StatusView {
    fn from(status: FactorStatus) -> Self {
        let methods: Vec<_> = status.factors.active().into_iter().map(factor_name).collect();
        Self {
            mfa_enabled: !methods.is_empty(),
            methods,
            phone_masked: status.factors.sms.active_number().map(PhoneNumber::masked),
            recovery_codes_left: status.recovery_codes_left,
        }
    }
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/auth/mfa", handle)
        .tag("mfa")
        .summary("Shows one's own second factors")
        .answers::<StatusView>(200, "The factors, and how many recovery codes are left")
}

async fn handle(request: Signed<NoBody>, engine: Data<Engine>) -> Result<Json<StatusView>, Problem> {
    Ok(Json(engine.factors.status(&request.caller).await?.into()))
}

#[cfg(test)]
mod tests {
    use auth_domain::factor::{Enrolment, SmsFactor};
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_works_is_shown() {
        let number = PhoneNumber::parse("+12125550123").unwrap();
        let waiting = SmsFactor { enabled: true, number: None, pending: Some(number.clone()) };
        let view = |sms| {
            let factors = Enrolment { totp: true, sms, email: false };
            json!(StatusView::from(FactorStatus { factors, recovery_codes_left: 9 }))
        };
        let shown = view(waiting);
        assert_eq!((&shown["mfa_enabled"], &shown["methods"]), (&json!(true), &json!(["TOTP"])));
        assert_eq!((&shown["phone_masked"], &shown["recovery_codes_left"]), (&json!(null), &json!(9)));
        let proved = view(SmsFactor { enabled: true, number: Some(number), pending: None });
        assert_eq!(
            (&proved["methods"], &proved["phone_masked"]),
            (&json!(["TOTP", "SMS"]), &json!("***-***-0123"))
        );
    }
}
