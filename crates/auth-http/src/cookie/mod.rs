//! Session cookies: what they are called, reading them, setting them, taking them back.
//!
//! A browser can keep its tokens where scripts cannot read them. Whoever asks for that with `"session":
//! "cookie"` gets them in cookies only; [`csrf`](crate::csrf) then guards every call.

mod reply;

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};
use auth_domain::guard::known_device::{DeviceToken, KnownDevicePolicy};
use chrono::TimeDelta;
use utoipa::ToSchema;

pub(crate) use reply::Reply;

use crate::{problem::Problem, settings::HttpSettings};

/// Where a client wants its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum SessionMode {
    /// In the body of the answer.
    Bearer,
    /// In cookies.
    Cookie,
}

impl SessionMode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "bearer" => Some(Self::Bearer),
            "cookie" => Some(Self::Cookie),
            _ => None,
        }
    }
}

/// Where the tokens of an answer go.
///
/// Only [`Fields::session`](crate::body::Fields::session) makes the second one, and only for a request that
/// came from a page that may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// Into its body.
    Body,
    /// Into cookies.
    Cookies(CookieStyle),
}

/// How cookies are named and marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieStyle {
    /// `__Host-…` and `Secure`: a browser takes them over TLS only, and gives them to this host only. No
    /// neighbour below the same domain can set them.
    Host,
    /// Plain names: for plain http in development. Nobody reads them in production.
    Plain,
}

/// The cookies there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Holds the access token.
    Access,
    /// Holds the refresh token.
    Refresh,
    /// Holds the token of a known device.
    Device,
}

impl CookieStyle {
    /// The style of an installation.
    pub fn of(settings: &HttpSettings) -> Self {
        if settings.is_secure() { Self::Host } else { Self::Plain }
    }

    pub(crate) const fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Host, Kind::Access) => "__Host-access",
            (Self::Host, Kind::Refresh) => "__Host-refresh",
            (Self::Host, Kind::Device) => "__Host-device",
            (Self::Plain, Kind::Access) => "access",
            (Self::Plain, Kind::Refresh) => "refresh",
            (Self::Plain, Kind::Device) => "device",
        }
    }

    /// A cookie. Scripts do not see it, and a foreign page's form or fetch does not carry it.
    fn set(self, kind: Kind, value: &str, life: TimeDelta) -> Result<HeaderValue, Problem> {
        let seconds = life.num_seconds().max(0);
        let secure = if self == Self::Host { "; Secure" } else { "" };
        let text =
            format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.name(kind));
        let mut header = HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The cookie of a device that is known from now on.
    pub(crate) fn device(self, token: &DeviceToken) -> Result<HeaderValue, Problem> {
        self.set(Kind::Device, token.expose_secret(), KnownDevicePolicy::LIFE)
    }

    /// What makes a browser forget its session: the same cookies with the same attributes, empty. The
    /// device cookie stays: the device is known whoever is signed in.
    pub(crate) fn expired(self) -> Result<Vec<HeaderValue>, Problem> {
        [Kind::Access, Kind::Refresh].map(|kind| self.set(kind, "", TimeDelta::zero())).into_iter().collect()
    }
}

/// What goes into cookies, and for how long.
pub struct SessionCookies<'a> {
    /// The access token.
    pub access: &'a str,
    /// How long that is good.
    pub access_life: TimeDelta,
    /// The refresh token.
    pub refresh: &'a str,
    /// How long that is good.
    pub refresh_life: TimeDelta,
    /// The token of a device that is known from now on.
    pub device: Option<&'a str>,
}

impl SessionCookies<'_> {
    /// The cookies.
    ///
    /// # Errors
    /// 500 never in practice: tokens are made of letters that a cookie can hold.
    pub fn written(&self, style: CookieStyle) -> Result<Vec<HeaderValue>, Problem> {
        let mut cookies = vec![
            style.set(Kind::Access, self.access, self.access_life)?,
            style.set(Kind::Refresh, self.refresh, self.refresh_life)?,
        ];
        if let Some(device) = self.device {
            cookies.push(style.set(Kind::Device, device, KnownDevicePolicy::LIFE)?);
        }
        Ok(cookies)
    }
}

/// The token of a known device, from its cookie. It is no credential: one that is sent twice is none.
pub fn device_token<'a>(headers: &'a HeaderMap, settings: &HttpSettings) -> Option<&'a str> {
    read(headers, CookieStyle::of(settings), Kind::Device).ok().flatten()
}

/// The content of a cookie; an empty one counts as none.
///
/// # Errors
/// 400 for two of the name: which one counts must not depend on who looks.
pub(crate) fn read(headers: &HeaderMap, style: CookieStyle, kind: Kind) -> Result<Option<&str>, Problem> {
    let texts = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == style.name(kind)).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => {
            Err(Problem::bad_request("ambiguous_credentials", "More than one cookie of the same name"))
        }
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    fn settings(public_url: &str, production: bool) -> HttpSettings {
        HttpSettings { public_url: public_url.to_owned(), production, ..HttpSettings::default() }
    }

    const COOKIES: SessionCookies<'static> = SessionCookies {
        access: "a.b.c",
        access_life: TimeDelta::minutes(30),
        refresh: "rt_x",
        refresh_life: TimeDelta::days(7),
        device: Some("dt_y"),
    };

    #[test]
    fn cookies_are_bound_to_the_host_wherever_there_is_tls() {
        let table = [
            (settings("https://auth.example.com", false), CookieStyle::Host),
            (settings("http://localhost:8000", false), CookieStyle::Plain),
            // Whatever the address says: production reads and sets no plain names.
            (settings("http://localhost:8000", true), CookieStyle::Host),
        ];
        for (settings, style) in table {
            assert_eq!(CookieStyle::of(&settings), style, "{}", settings.public_url);
        }
        let written = COOKIES.written(CookieStyle::Host).unwrap();
        let written: Vec<_> = written.iter().map(|value| value.to_str().unwrap()).collect();
        let tail = "; HttpOnly; SameSite=Lax; Secure";
        let expected = [
            format!("__Host-access=a.b.c; Path=/; Max-Age=1800{tail}"),
            format!("__Host-refresh=rt_x; Path=/; Max-Age=604800{tail}"),
            format!("__Host-device=dt_y; Path=/; Max-Age=7776000{tail}"),
        ];
        assert_eq!(written, expected);
        let expired = CookieStyle::Host.expired().unwrap();
        assert_eq!(expired[1], format!("__Host-refresh=; Path=/; Max-Age=0{tail}"));
        assert_eq!(expired.len(), 2, "the device stays known");
        let plain = COOKIES.written(CookieStyle::Plain).unwrap();
        assert_eq!(plain[0], "access=a.b.c; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_only_once() {
        let style = CookieStyle::Host;
        let found = |lines: &[&'static str]| match read(&headers(lines), style, Kind::Access) {
            Ok(value) => value.unwrap_or("none").to_owned(),
            Err(problem) => problem.code().to_owned(),
        };
        let table: [(&[&'static str], &str); 9] = [
            (&["__Host-access=abc"], "abc"),
            (&["x=1; __Host-access=abc;y=2"], "abc"),
            (&["x=1", "__Host-access=a=b"], "a=b"),
            (&["__Host-access="], "none"),
            (&["access=abc"], "none"),
            (&["x__Host-access=abc; __host-access=abc"], "none"),
            (&[], "none"),
            (&["__Host-access=abc; __Host-access=abc"], "ambiguous_credentials"),
            (&["__Host-access=abc", "__Host-access="], "ambiguous_credentials"),
        ];
        for (lines, expected) in table {
            assert_eq!(found(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_token_of_a_device_is_read_under_the_name_of_the_installation() {
        let both = headers(&["__Host-device=one; device=two"]);
        assert_eq!(device_token(&both, &settings("https://auth.example.com", true)), Some("one"));
        assert_eq!(device_token(&both, &settings("http://localhost:8000", false)), Some("two"));
        let twice = headers(&["device=one; device=two"]);
        assert_eq!(device_token(&twice, &settings("http://localhost:8000", false)), None);
    }
}
