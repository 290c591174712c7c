//! What stands behind the router where nobody asks for it.

use async_trait::async_trait;
use auth_domain::{
    api_key::{ApiKey, Scope},
    client::Client,
    id::SessionId,
    session::Session,
    tenant::TenantId,
    usecase::{AdminError, ApiKeyRefused, Backlog, BearerError, Caller, CsrfDenial, Fault, Identity, Power},
    user::User,
};
use auth_http::{
    Probe, admission::Admission, api_key::ApiKeys, bearer::Bearer, csrf::Csrf, metrics::BacklogSource,
};
use chrono::TimeDelta;

/// Knows nobody, and has nothing to do.
pub(crate) struct Nobody;

#[async_trait]
impl Bearer for Nobody {
    async fn authenticate(&self, _: &str, _: &TenantId) -> Result<Caller, BearerError> {
        Err(BearerError::UserNotFound)
    }

    async fn identify(&self, _: &str, _: &TenantId) -> Result<Identity, BearerError> {
        Err(BearerError::UserNotFound)
    }
}

#[async_trait]
impl ApiKeys for Nobody {
    async fn person(&self, _: &str, _: &TenantId, _: Scope) -> Result<(ApiKey, User), ApiKeyRefused> {
        Err(ApiKeyRefused::Unknown)
    }

    async fn service(&self, _: &str, _: &TenantId, _: Scope) -> Result<ApiKey, ApiKeyRefused> {
        Err(ApiKeyRefused::Unknown)
    }
}

#[async_trait]
impl Admission for Nobody {
    fn check(&self, _: &Caller, _: Power) -> Result<(), AdminError> {
        Err(AdminError::NotAllowed)
    }

    async fn turned_away(&self, _: &Caller, _: &AdminError, _: &str, _: &Client) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Csrf for Nobody {
    fn admits(&self, _: &str, _: SessionId) -> bool {
        false
    }

    async fn session_of(&self, _: &TenantId, _: &str) -> Result<Option<Session>, Fault> {
        Ok(None)
    }

    async fn live_session_of(&self, _: &TenantId, _: &str) -> Result<Option<Session>, Fault> {
        Ok(None)
    }

    async fn denied(&self, _: &CsrfDenial) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Probe for Nobody {
    async fn is_up(&self) -> bool {
        true
    }
}

#[async_trait]
impl BacklogSource for Nobody {
    async fn backlog(&self) -> Result<Backlog, Fault> {
        let never = TimeDelta::zero();
        Ok(Backlog { waiting: 0, dead: 0, oldest_age: never, oldest_due_for: never })
    }
}
