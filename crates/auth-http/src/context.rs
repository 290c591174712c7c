//! What is known about a request before anybody looks at its body.

mod client;
mod traits;

use actix_web::{HttpMessage as _, HttpRequest};
use auth_domain::{
    client::{Client, UserAgent},
    factor::DeviceTraits,
    tenant::TenantId,
};
use chrono::{DateTime, Utc};

pub(crate) use client::client_address;

use crate::{app::Gate, cookie::CookieStyle, problem::Problem, shell::RequestId};

/// Where, when and from whom: handed to every use case.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The tenant the request speaks of.
    pub tenant: TenantId,
    /// Who calls, as the audit log keeps it.
    pub client: Client,
    /// What the request shows of the device it came from.
    pub device: DeviceTraits,
    /// Whether the caller's tokens came by cookie, and of which style those are.
    pub by_cookie: Option<CookieStyle>,
    /// When the request arrived. Use cases that are given the time get this one.
    pub now: DateTime<Utc>,
}

impl RequestContext {
    /// Reads the context of a request.
    ///
    /// # Errors
    /// 400 for a tenant that is unknown or no tenant's name.
    pub(crate) fn of(request: &HttpRequest, gate: &Gate) -> Result<Self, Problem> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let client = Client {
            ip: client_address(request.head(), &gate.settings),
            user_agent: header("user-agent").and_then(UserAgent::new),
            request_id: request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()),
        };
        let device = traits::of(request.head(), &gate.settings);
        Ok(Self { tenant: tenant(request, gate)?, client, device, by_cookie: None, now: gate.clock.now() })
    }
}

fn tenant(request: &HttpRequest, gate: &Gate) -> Result<TenantId, Problem> {
    let mut named = request.headers().get_all("x-tenant-id");
    let tenant = match (named.next(), named.next()) {
        (None, _) => TenantId::default(),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| Problem::unknown_tenant())?;
            TenantId::parse(text.trim()).map_err(|_| Problem::unknown_tenant())?
        }
        (Some(_), Some(_)) => return Err(Problem::unknown_tenant()),
    };
    if gate.settings.tenants.contains(&tenant) { Ok(tenant) } else { Err(Problem::unknown_tenant()) }
}
