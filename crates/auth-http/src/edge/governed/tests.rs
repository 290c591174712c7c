//! What the gate keeps in memory.

use std::{net::Ipv4Addr, sync::Arc};

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
use auth_testkit::{
    builder,
    fake::{ExactLimiter, FakeClock, SeededEntropy},
};

use super::*;
use crate::{
    Drain, Health, HttpSettings, Metrics, Probe, admission::Admission, api_key::ApiKeys, bearer::Bearer,
    csrf::Csrf, metrics::BacklogSource,
};

/// Nobody is asked here.
struct Nobody;

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
impl BacklogSource for Nobody {
    async fn backlog(&self) -> Result<Backlog, Fault> {
        std::future::pending().await
    }
}

#[async_trait]
impl Probe for Nobody {
    async fn is_up(&self) -> bool {
        true
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

fn edge(per_second: u32, burst: u32) -> Edge {
    let quota = |number| NonZeroU32::new(number).unwrap();
    let edge = EdgeQuota { per_second: quota(per_second), burst: quota(burst) };
    let clock = Arc::new(FakeClock::at(builder::noon()));
    Edge::new(&Data::new(Gate {
        settings: HttpSettings { edge: Some(edge), ..HttpSettings::default() },
        bearer: Arc::new(Nobody),
        api_keys: Arc::new(Nobody),
        admission: Arc::new(Nobody),
        csrf: Arc::new(Nobody),
        limiter: Arc::new(ExactLimiter::default()),
        health: Health::new(Arc::new(Nobody), None, clock.clone()),
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::default()),
        drain: Drain::default(),
        metrics: Arc::new(Metrics::new(Arc::new(Nobody), clock, "1.2.3")),
        tracer: None,
    }))
}

/// A flood from very many addresses leaves nothing behind, and whoever floods from one is not forgotten by it.
#[tokio::test]
async fn quiet_addresses_are_forgotten_and_busy_ones_are_not() {
    let edge = edge(100, 300);
    let limiter = edge.config.limiter();
    let busy = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    // More than it may: seconds pass before this address is as if it had never called.
    while limiter.check_key(&busy).is_ok() {}
    for host in 0..200_000 {
        limiter.check_key(&Some(IpAddr::V4(host.into()))).unwrap();
    }
    assert_eq!(limiter.len(), 200_001);
    tokio::time::sleep(Duration::from_millis(20)).await;
    edge.forget();
    assert_eq!(limiter.len(), 1);
    let forgetting = tokio::time::timeout(Duration::from_secs(20), async {
        // The background task forgets it as well, once it is quiet.
        tokio::select! {
            () = edge.forget_the_quiet() => {}
            () = async { while !limiter.is_empty() { tokio::time::sleep(Duration::from_millis(50)).await } } => {}
        }
    });
    forgetting.await.expect("nothing is left");
}
