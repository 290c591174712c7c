//! What stands behind calls by cookie, and the store that the server's own operations do not reach.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_domain::{
    client::Client,
    id::SessionId,
    port::{Repos, Store, StoreError, Tx},
    session::{EndReason, Session},
    tenant::TenantId,
    usecase::{AdminError, Caller, CsrfDenial, CsrfFlaw, Fault, Power},
};
use auth_http::{admission::Admission, csrf::Csrf};
use auth_testkit::builder;

/// Knows a few refresh tokens by name, and remembers what was refused.
#[derive(Clone, Default)]
pub(crate) struct ToyCsrf(Arc<Mutex<Vec<CsrfDenial>>>);

impl ToyCsrf {
    /// A token of a session that the toy knows.
    pub(crate) fn token(session: i64) -> String {
        format!("token-of-{session}")
    }

    /// What was refused since the last call: the flaw, the session and the route.
    pub(crate) fn denials(&self) -> Vec<(CsrfFlaw, Option<i64>, String)> {
        let denied = std::mem::take(&mut *self.0.lock().unwrap());
        let session = |denial: &CsrfDenial| denial.session.as_ref().map(|session| session.id.as_i64());
        denied.into_iter().map(|denial| (denial.flaw, session(&denial), denial.route)).collect()
    }
}

#[async_trait]
impl Csrf for ToyCsrf {
    fn admits(&self, token: &str, session: SessionId) -> bool {
        token == Self::token(session.as_i64())
    }

    async fn session_of(&self, _: &TenantId, refresh_token: &str) -> Result<Option<Session>, Fault> {
        let user = builder::user(7, builder::noon());
        match refresh_token {
            "rt_good" => Ok(Some(builder::session(1, &user, builder::noon()))),
            "rt_other" => Ok(Some(builder::session(2, &user, builder::noon()))),
            "rt_ended" => Ok(Some(Session {
                ended: Some(builder::ended(EndReason::Logout, builder::noon())),
                ..builder::session(3, &user, builder::noon())
            })),
            "rt_down" => Err(StoreError::Unavailable("down".into()).into()),
            _ => Ok(None),
        }
    }

    async fn live_session_of(
        &self,
        tenant: &TenantId,
        refresh_token: &str,
    ) -> Result<Option<Session>, Fault> {
        let found = self.session_of(tenant, refresh_token).await?;
        Ok(found.filter(|session| session.is_live(builder::noon())))
    }

    async fn denied(&self, denial: &CsrfDenial) -> Result<(), Fault> {
        self.0.lock().unwrap().push(denial.clone());
        Ok(())
    }
}

/// Judges by the roles alone, and remembers whom it turned away from where.
#[derive(Clone, Default)]
pub(crate) struct ToyAdmission(Arc<Mutex<Vec<String>>>);

impl ToyAdmission {
    /// The routes from which somebody was turned away since the last call.
    pub(crate) fn refusals(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Admission for ToyAdmission {
    fn check(&self, caller: &Caller, power: Power) -> Result<(), AdminError> {
        if Power::of(&caller.user) >= Some(power) { Ok(()) } else { Err(AdminError::NotAllowed) }
    }

    async fn turned_away(&self, _: &Caller, _: &AdminError, route: &str, _: &Client) -> Result<(), Fault> {
        self.0.lock().unwrap().push(route.to_owned());
        Ok(())
    }
}

/// A store that nobody reaches.
pub(super) struct StoreIsDown;

#[async_trait]
impl Store for StoreIsDown {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        Err(StoreError::Unavailable("down".into()))
    }

    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        Err(StoreError::Unavailable("down".into()))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Unavailable("down".into()))
    }
}
