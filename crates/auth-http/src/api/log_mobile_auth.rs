//! `POST /api/auth/log-mobile-auth`

use actix_web::web::{Data, Json};
use auth_domain::usecase::{Engine, MobileAuthReport};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{BodyKind, Fields, FromBody, Refused},
    extract::Open,
};

/// Any object. These fields are kept, cut to a line; the address is masked.
#[derive(Debug, ToSchema)]
#[schema(as = MobileAuthReport)]
struct ReportBody {
    #[schema(required = false, example = "biometric")]
    auth_method: Option<String>,
    #[schema(required = false, example = "2.4.1")]
    app_version: Option<String>,
    #[schema(required = false)]
    user_email: Option<String>,
    #[schema(required = false)]
    timestamp: Option<String>,
}

impl FromBody for ReportBody {
    const KIND: BodyKind = BodyKind::Free;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let object = fields.take_object();
        Ok(Self {
            auth_method: word(&object, "auth_method"),
            app_version: word(&object, "app_version"),
            user_email: word(&object, "user_email"),
            timestamp: word(&object, "timestamp"),
        })
    }
}

/// A text or a number.
fn word(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MobileAuthLogged)]
struct LoggedView {
    status: &'static str,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/log-mobile-auth", handle)
        .tag("session")
        .summary("Takes a mobile application's report of how it signed somebody in")
        .limit(Limit::General)
        .answers::<LoggedView>(200, "`logged`")
}

async fn handle(request: Open<ReportBody>, engine: Data<Engine>) -> Result<Json<LoggedView>, Problem> {
    let Open { context, body } = request;
    let report = MobileAuthReport {
        tenant: context.tenant,
        method: body.auth_method,
        version: body.app_version,
        email: body.user_email,
        reported_at: body.timestamp,
        client: context.client,
    };
    engine.reports.mobile_auth(&report).await?;
    Ok(Json(LoggedView { status: "logged" }))
}
