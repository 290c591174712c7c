//! What is known about a request before anybody looks at its body.

mod client;
mod traits;

use actix_web::{HttpMessage as _, HttpRequest};
use auth_domain::{
    client::{Client, UserAgent},
    factor::DeviceTraits,
    guard::known_device::DeviceToken,
    tenant::TenantId,
};
use chrono::{DateTime, Utc};

pub(crate) use client::client_address;

use crate::{
    app::Gate,
    cookie::{self, CookieStyle},
    csrf,
    problem::Problem,
    settings::HttpSettings,
    shell::RequestId,
};

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
    /// What the device was given at an earlier login.
    pub device_token: Option<DeviceToken>,
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
        let device_token = device_token(request, &gate.settings);
        Ok(Self {
            tenant: tenant(request, gate)?,
            client,
            device,
            device_token,
            by_cookie: None,
            now: gate.clock.now(),
        })
    }
}

/// The token of a known device, from its header or else its cookie. Anything that is not exactly one of the
/// right shape is as good as none: it chooses no more than how attempts are counted.
fn device_token(request: &HttpRequest, settings: &HttpSettings) -> Option<DeviceToken> {
    let mut presented = request.headers().get_all("x-device-token");
    match (presented.next(), presented.next()) {
        (Some(token), None) => DeviceToken::parse(token.to_str().ok()?),
        // From a page that may not ask it is none: failing on purpose would make the browser a stranger.
        (None, _) if !csrf::may_ask(request.headers(), settings) => None,
        (None, _) => cookie::device_token(request.headers(), settings).and_then(DeviceToken::parse),
        (Some(_), Some(_)) => None,
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_device_token_is_one_header_of_the_right_shape() {
        let token = format!("dt_{}", "A".repeat(43));
        let read = |values: &[&str]| {
            let request = values.iter().fold(TestRequest::default(), |request, value| {
                request.append_header(("x-device-token", *value))
            });
            device_token(&request.to_http_request(), &HttpSettings::default())
                .map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(read(&[&token]).as_deref(), Some(token.as_str()));
        let long = format!("{token}A");
        let other = token.replace("dt_", "rt_");
        let refused: [&[&str]; 6] = [&[], &[""], &["dt_"], &[&long], &[&other], &[&token, &token]];
        for values in refused {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_header_beats_the_cookie_of_a_device_and_foreign_pages_have_none() {
        let (one, two) = (format!("dt_{}", "A".repeat(43)), format!("dt_{}", "Q".repeat(43)));
        let read = |headers: &[(&'static str, &str)]| {
            let request = headers.iter().fold(TestRequest::default(), |request, (name, value)| {
                request.append_header((*name, *value))
            });
            let token = device_token(&request.to_http_request(), &HttpSettings::default());
            token.map(|token| token.expose_secret().to_owned())
        };
        let cookie = ("cookie", &*format!("device={one}"));
        assert_eq!(read(&[cookie, ("sec-fetch-site", "same-origin")]).as_ref(), Some(&one));
        assert_eq!(read(&[cookie, ("x-device-token", &two)]).as_ref(), Some(&two));
        assert_eq!(read(&[cookie, ("sec-fetch-site", "same-site")]), None);
        assert_eq!(read(&[cookie]), None);
    }

    #[test]
    fn a_device_token_does_not_show() {
        let token = DeviceToken::parse(&format!("dt_{}", "A".repeat(43)));
        assert_eq!(format!("{token:?}"), "Some(DeviceToken)");
    }
}
