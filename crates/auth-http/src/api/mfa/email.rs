//! `/api/email-mfa/setup`, `send-code`, `verify`, `disable`, `status` and `grace-period`

use actix_web::web::{Data, Json};
use auth_domain::{
    factor::FactorKind::Email,
    usecase::{Caller, Engine, FactorError},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{CodeBody, Proof, refusal};
use crate::{Limit, Operation, Problem, api::tokens::GracePeriodView, body::NoBody, extract::Signed};

/// A sentence, and the address that codes go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmailMfaMessage)]
pub(super) struct EmailView {
    message: &'static str,
    /// `null` where no mail is sent.
    email: Option<String>,
}

impl EmailView {
    pub(super) const fn sent(message: &'static str, email: String) -> Self {
        Self { message, email: Some(email) }
    }

    const fn said(message: &'static str) -> Self {
        Self { message, email: None }
    }
}

fn address(caller: &Caller) -> String {
    caller.user.email.as_str().to_owned()
}

fn refused(error: FactorError) -> Problem {
    Problem::of_factor(Email, error)
}

pub(super) fn setup() -> Operation {
    Operation::post("/api/email-mfa/setup", handle_setup)
        .tag("mfa")
        .summary("Switches codes by mail on and mails one")
        .limit(Limit::General)
        .answers::<EmailView>(200, "`Email MFA enabled and verification code sent to your email`")
        .refuses(400, refusal::PROOF)
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_setup(request: Signed<Proof>, engine: Data<Engine>) -> Result<Json<EmailView>, Problem> {
    let Signed { context, caller, body } = request;
    engine.factors.enable_email(&caller, &body.into_change(context.client)).await.map_err(refused)?;
    let message = "Email MFA enabled and verification code sent to your email";
    Ok(Json(EmailView::sent(message, address(&caller))))
}

pub(super) fn send_code() -> Operation {
    Operation::post("/api/email-mfa/send-code", handle_send)
        .tag("mfa")
        .summary("Mails another code to somebody who is signed in")
        .limit(Limit::General)
        .answers::<EmailView>(200, "`MFA code sent successfully`")
        .refuses(400, "`Email MFA is not enabled for this user`")
}

async fn handle_send(request: Signed<NoBody>, engine: Data<Engine>) -> Result<Json<EmailView>, Problem> {
    let Signed { context, caller, .. } = request;
    engine.factors.send_email(&caller, &context.client).await.map_err(refused)?;
    Ok(Json(EmailView::sent("MFA code sent successfully", address(&caller))))
}

pub(super) fn verify() -> Operation {
    Operation::post("/api/email-mfa/verify", handle_verify)
        .tag("mfa")
        .summary("Proves that codes arrive by mail")
        .limit(Limit::General)
        .answers::<EmailView>(200, "`Email MFA verification successful`")
        .refuses(400, "Codes by mail are off, none waits, or it is another: `detail` says which")
        .refuses(423, refusal::LOCKED)
}

async fn handle_verify(request: Signed<CodeBody>, engine: Data<Engine>) -> Result<Json<EmailView>, Problem> {
    let Signed { context, caller, body } = request;
    engine.factors.verify_email(&caller, &body.mfa_code, &context.client).await.map_err(refused)?;
    Ok(Json(EmailView::said("Email MFA verification successful")))
}

pub(super) fn disable() -> Operation {
    Operation::post("/api/email-mfa/disable", handle_disable)
        .tag("mfa")
        .summary("Switches codes by mail off")
        .limit(Limit::General)
        .answers::<EmailView>(200, "`Email MFA disabled successfully`")
        .refuses(400, refusal::LAST_FACTOR)
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_disable(request: Signed<Proof>, engine: Data<Engine>) -> Result<Json<EmailView>, Problem> {
    let Signed { context, caller, body } = request;
    engine.factors.disable_email(&caller, &body.into_change(context.client)).await.map_err(refused)?;
    Ok(Json(EmailView::said("Email MFA disabled successfully")))
}

pub(super) fn status() -> Operation {
    Operation::get("/api/email-mfa/status", handle_status)
        .tag("mfa")
        .summary("Tells whether codes by mail are on")
        .answers::<EmailView>(200, "`Email MFA is enabled` or `Email MFA is disabled`")
}

async fn handle_status(request: Signed<NoBody>) -> Json<EmailView> {
    Json(if request.caller.user.factors.email {
        EmailView::sent("Email MFA is enabled", address(&request.caller))
    } else {
        EmailView::said("Email MFA is disabled")
    })
}

pub(super) fn grace_period() -> Operation {
    Operation::get("/api/email-mfa/grace-period", handle_grace)
        .tag("mfa")
        .summary("Tells how long one may do without a second factor")
        .limit(Limit::General)
        .answers::<GracePeriodView>(200, "The period; not in one where nothing is demanded")
}

async fn handle_grace(request: Signed<NoBody>, engine: Data<Engine>) -> Json<GracePeriodView> {
    Json(engine.factors.grace_period(&request.caller.user, request.context.now).into())
}
