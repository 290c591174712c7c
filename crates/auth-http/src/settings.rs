//! What the operator decides about the HTTP side.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use auth_domain::{port::Quota, secret::Digest, tenant::TenantId, user::password::PasswordPolicy};
use ipnet::IpNet;

/// Settings of the HTTP side. Plain data: whoever fills it in has checked it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The tenants that exist (`TENANTS`). Any other name is refused.
    pub tenants: BTreeSet<TenantId>,
    /// Host names this server answers to (`ALLOWED_HOSTS`), lower case and without a port.
    /// `*.example.com` stands for every name below `example.com`; an empty list allows any host.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call (`CORS_ORIGINS`), exactly as browsers send them;
    /// [`ANY_ORIGIN`](Self::ANY_ORIGIN) stands for all, which only development should allow.
    pub cors_origins: Vec<String>,
    /// How clients reach this server (`PUBLIC_URL`): with `https://`, cookies are bound to the host.
    pub public_url: String,
    /// Proxies whose forwarding header is believed (`TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<IpNet>,
    /// The one header in which those proxies name the client (`FORWARDED_HEADER`).
    pub forwarded_header: ForwardedHeader,
    /// How often one address may call one route.
    pub quotas: Quotas,
    /// How fast one address may send requests, whatever they ask for (`EDGE_REQUESTS_PER_SECOND`). `None`
    /// for no such gate; without the feature `edge-limit` there is none in any case.
    pub edge: Option<EdgeQuota>,
    /// Whether this is a production installation: sends HSTS.
    pub production: bool,
    /// The name shown to people (`BRANDING_NAME`): title of the API document and of the pages.
    pub branding: String,
    /// The country (ISO 3166 alpha-2) of telephone numbers without a calling code
    /// (`SMS_DEFAULT_REGION`).
    pub phone_region: String,
    /// Whether `/docs` and `/openapi.json` are served.
    pub expose_docs: bool,
    /// Whether the development mailbox is served. Never in production.
    pub expose_mailbox: bool,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// Whether the pages that mailed links lead to are served: where no front end has its own. The one that
    /// opens a locked account always is.
    pub serve_link_pages: bool,
    /// Who keeps the passwords (`AUTH_PROVIDER`).
    pub providers: Providers,
    /// The rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// The header of keys to be validated (`API_KEY_HEADER`).
    pub api_key_header: String,
    /// Longest body accepted, in bytes.
    pub body_limit: usize,
    /// How long a client may take to send its body.
    pub body_deadline: Duration,
    /// How long an operation may take altogether.
    pub request_deadline: Duration,
}

/// The header in which proxies name the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// How fast one address may send requests to one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeQuota {
    /// Requests in a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

/// Who may read the figures at `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Anybody: in development only.
    Open,
    /// Whoever sends the token of this digest (`METRICS_TOKEN`).
    Token(Digest),
    /// Nobody: there is no such page.
    Closed,
}

/// Who keeps the passwords: the operations of a provider that is off answer 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Providers {
    /// This server.
    Native,
    /// AWS Cognito.
    Cognito,
    /// Some of them each.
    Both,
}

impl Providers {
    /// Whether passwords of this server open anything.
    pub const fn has_native(self) -> bool {
        matches!(self, Self::Native | Self::Both)
    }

    /// Whether those at Cognito do.
    pub const fn has_cognito(self) -> bool {
        matches!(self, Self::Cognito | Self::Both)
    }
}

/// How often one address may call one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Routes that make accounts or send messages (`RATE_LIMIT_PER_MINUTE`).
    pub general: Quota,
    /// Login (`RATE_LIMIT_LOGIN_PER_MINUTE`).
    pub login: Quota,
    /// Asking for a reset link (`RATE_LIMIT_PASSWORD_RESET_PER_MINUTE`).
    pub password_reset: Quota,
    /// Every other route: six times [`general`](Self::general).
    pub default: Quota,
    /// All calls with one API key (`RATE_LIMIT_API_KEY_PER_MINUTE`), from wherever they come.
    pub api_key: Quota,
}

impl Quotas {
    /// Quotas from the three settings.
    pub const fn new(general: Quota, login: Quota, password_reset: Quota) -> Self {
        let default = Quota { limit: general.limit.saturating_mul(6), window: general.window };
        Self { general, login, password_reset, default, api_key: Quota::per_minute(Self::API_KEY) }
    }

    /// Calls with one API key in a minute where nobody chose a number: a service asks about each token of
    /// its users every few seconds.
    pub const API_KEY: u32 = 600;

    /// The same with another quota for API keys.
    #[must_use]
    pub const fn with_api_key(self, api_key: Quota) -> Self {
        Self { api_key, ..self }
    }

    /// What the most generous route admits in its window. Keys of programs do not count here: whoever
    /// calls that often spreads the calls over the minute.
    pub fn largest(&self) -> u32 {
        let Self { general, login, password_reset, default, api_key: _ } = self;
        [general, login, password_reset, default].map(|quota| quota.limit).into_iter().max().unwrap_or(0)
    }

    /// The same from numbers per minute.
    pub const fn per_minute(general: u32, login: u32, password_reset: u32) -> Self {
        Self::new(Quota::per_minute(general), Quota::per_minute(login), Quota::per_minute(password_reset))
    }
}

impl EdgeQuota {
    /// The gate stops floods and nothing else: it admits at least so many requests in a second.
    pub const LEAST_DEFAULT: u32 = 50;

    /// A gate of that speed, `None` for 0. Seconds of it may come at once, and never fewer requests than
    /// one route admits in a whole minute, so that no client meets this gate before it meets `quotas`.
    pub fn of(per_second: u32, quotas: &Quotas) -> Option<Self> {
        let burst = per_second.saturating_mul(4).max(quotas.largest());
        Some(Self { per_second: NonZeroU32::new(per_second)?, burst: NonZeroU32::new(burst)? })
    }

    /// The least speed that hides none of `quotas`.
    pub fn least(quotas: &Quotas) -> u32 {
        quotas.largest().div_ceil(60)
    }

    /// The speed where nobody chose one: enough for a program that calls with a key as often as it may, too.
    pub fn usual(quotas: &Quotas) -> u32 {
        Self::least(quotas).max(quotas.api_key.limit.div_ceil(60)).max(Self::LEAST_DEFAULT)
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self::per_minute(10, 5, 3)
    }
}

impl HttpSettings {
    /// How the header of keys to be validated is called where nobody says otherwise.
    pub const API_KEY_HEADER: &str = "X-elevAIte-apikey";
    /// Stands for every origin.
    pub const ANY_ORIGIN: &str = "*";

    /// Whether browsers reach this server through TLS. Production never goes without.
    pub fn is_secure(&self) -> bool {
        self.production || self.public_url.starts_with("https://")
    }

    /// The origin of this server's own pages, as browsers write it.
    pub(crate) fn origin(&self) -> String {
        let url = self.public_url.to_ascii_lowercase();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
        let authority = rest.split('/').next().unwrap_or_default();
        let port = if scheme == "https" { ":443" } else { ":80" };
        format!("{scheme}://{}", authority.strip_suffix(port).unwrap_or(authority))
    }
}

impl Default for HttpSettings {
    /// A development installation: one tenant, any host, no other origin, no proxy.
    fn default() -> Self {
        Self {
            tenants: BTreeSet::from([TenantId::default()]),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            public_url: "http://localhost:8000".to_owned(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            quotas: Quotas::default(),
            edge: None,
            production: false,
            branding: "ElevAIte".to_owned(),
            phone_region: "US".to_owned(),
            expose_docs: true,
            expose_mailbox: false,
            metrics: MetricsAccess::Open,
            serve_link_pages: true,
            providers: Providers::Native,
            password_policy: PasswordPolicy::default(),
            api_key_header: Self::API_KEY_HEADER.to_owned(),
            body_limit: 64 * 1024,
            body_deadline: Duration::from_secs(5),
            request_deadline: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_what_browsers_write() {
        for (public_url, origin) in [
            ("https://Auth.Example.com", "https://auth.example.com"),
            ("https://auth.example.com:443/base", "https://auth.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            let settings = HttpSettings { public_url: public_url.to_owned(), ..HttpSettings::default() };
            assert_eq!(settings.origin(), origin, "{public_url}");
        }
    }

    /// Whoever keeps to the limit of a route never meets the gate in front of it.
    #[test]
    fn the_gate_hides_no_limit() {
        for quotas in [Quotas::default(), Quotas::per_minute(100_000, 5, 3), Quotas::per_minute(1, 9_999, 3)]
        {
            let usual = EdgeQuota::of(EdgeQuota::usual(&quotas), &quotas).unwrap();
            let least = EdgeQuota::of(EdgeQuota::least(&quotas), &quotas).unwrap();
            for gate in [usual, least] {
                assert!(gate.burst.get() >= quotas.largest(), "{gate:?}");
                assert!(u64::from(gate.per_second.get()) * 60 >= u64::from(quotas.largest()), "{gate:?}");
            }
        }
        let usual = EdgeQuota::of(EdgeQuota::usual(&Quotas::default()), &Quotas::default()).unwrap();
        assert_eq!((usual.per_second.get(), usual.burst.get()), (50, 200));
        let busy = Quotas::default().with_api_key(Quota::per_minute(6_000));
        assert_eq!((EdgeQuota::usual(&busy), EdgeQuota::least(&busy)), (100, 1));
        assert_eq!(EdgeQuota::of(0, &Quotas::default()), None);
    }
}
