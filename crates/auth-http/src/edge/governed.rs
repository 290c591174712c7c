//! The gate, made of `actix-governor`.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use actix_governor::{
    Governor, GovernorConfig, GovernorConfigBuilder, KeyExtractor, PeerIpKeyExtractor,
    governor::{
        NotUntil,
        clock::{Clock as _, DefaultClock, QuantaInstant},
        middleware::NoOpMiddleware,
    },
};
use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError as _, dev::ServiceRequest, middleware::Condition,
    web::Data,
};
use auth_domain::port::Quota;

use crate::{app::Gate, context::client_address, origin, problem::Problem, settings::EdgeQuota};

/// How often quiet addresses are forgotten. One that sent a single request is quiet after a fraction of a
/// second, so there are never many more than requests in this time.
const FORGETTING: Duration = Duration::from_secs(1);

/// What asks often and costs nothing: probes, figures and keys. Orchestrators, scrapers and resource servers
/// all come from few addresses.
const EXEMPT: [&str; 5] =
    ["/health/live", "/health/ready", "/api/health", "/metrics", "/.well-known/jwks.json"];

/// The gate that all workers share.
#[derive(Clone)]
pub(crate) struct Edge {
    config: GovernorConfig<ByNetwork, NoOpMiddleware>,
    is_on: bool,
}

impl Edge {
    pub(crate) fn new(gate: &Data<Gate>) -> Self {
        let is_on = gate.settings.edge.is_some();
        // A gate that is off counts nothing, whatever it would admit.
        let one = NonZeroU32::MIN;
        let quota = gate.settings.edge.unwrap_or(EdgeQuota { per_second: one, burst: one });
        let by_network = ByNetwork { gate: gate.clone(), per_second: quota.per_second };
        let config = GovernorConfigBuilder::<PeerIpKeyExtractor, NoOpMiddleware>::const_default()
            .key_extractor(by_network)
            .requests_per_second(quota.per_second.get().into())
            .burst_size(quota.burst.get())
            .finish()
            .expect("neither number is zero");
        Self { config, is_on }
    }

    /// The layer of one worker.
    pub(crate) fn layer(&self) -> Condition<Governor<ByNetwork, NoOpMiddleware>> {
        Condition::new(self.is_on, Governor::new(&self.config))
    }

    /// Forgets quiet addresses for as long as it is polled: `actix-governor` itself never does.
    pub(crate) async fn forget_the_quiet(&self) {
        loop {
            tokio::time::sleep(FORGETTING).await;
            self.forget();
        }
    }

    fn forget(&self) {
        let limiter = self.config.limiter();
        limiter.retain_recent();
        limiter.shrink_to_fit();
    }
}

/// Counts by the network that one client has to itself.
#[derive(Clone)]
pub(crate) struct ByNetwork {
    gate: Data<Gate>,
    per_second: NonZeroU32,
}

impl KeyExtractor for ByNetwork {
    /// `None` for what is not counted.
    type Key = Option<IpAddr>;
    type KeyExtractionError = Problem;

    fn extract(&self, request: &ServiceRequest) -> Result<Self::Key, Problem> {
        if EXEMPT.contains(&request.path()) {
            return Ok(None);
        }
        // Never the framework's own idea of the address, which believes every forwarding header.
        Ok(client_address(request.head(), &self.gate.settings).map(origin::network))
    }

    fn whitelisted_keys(&self) -> Vec<Self::Key> {
        vec![None]
    }

    /// In place of the crate's own answer, whose form and headers are not ours. The shell renders it.
    fn exceed_rate_limit_response(
        &self,
        refusal: &NotUntil<QuantaInstant>,
        _: HttpResponseBuilder,
    ) -> HttpResponse {
        let wait = refusal.wait_time_from(DefaultClock::default().now());
        let quota = Quota { limit: self.per_second.get(), window: Duration::from_secs(1) };
        self.gate.metrics.limits.refused_at_the_edge();
        let problem = Problem::rate_limited(quota, wait);
        let mut response = problem.error_response();
        response.extensions_mut().insert(problem);
        response
    }
}

#[cfg(test)]
mod tests;
