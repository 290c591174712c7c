//! Devices that proved a second factor a moment ago and need not prove it again at once.
//!
//! Front ends exist that sign in a second time right after the code. What tells devices apart is no
//! secret, so the time is short, the password is asked for all the same, and it must be the same network.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::{
    client::{Client, UserAgent},
    id::{DeviceId, UserId},
    secret::Digest,
    session::network,
    token::AuthMethod,
};

/// What a request shows of the device it came from, beside its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceTraits {
    /// `User-Agent`, whole.
    pub user_agent: String,
    /// `Accept`.
    pub accept: String,
    /// `Accept-Language`.
    pub accept_language: String,
    /// `Accept-Encoding`.
    pub accept_encoding: String,
    /// `X-Forwarded-For`, where a trusted proxy wrote it.
    pub forwarded_for: String,
    /// `X-Platform`, lower case.
    pub platform: Option<String>,
}

/// A device of one user, recognised by what its requests look like and by the network they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// The fingerprint of a request.
    pub fn of(user: UserId, traits: &DeviceTraits, client: &Client) -> Self {
        let network = client.ip.map(|ip| network(ip).to_string()).unwrap_or_default();
        let parts = [
            user.to_string(),
            traits.user_agent.clone(),
            traits.accept.clone(),
            traits.accept_language.clone(),
            traits.accept_encoding.clone(),
            network,
            traits.forwarded_for.clone(),
        ];
        Self(Digest::of(parts.join("|").as_bytes()))
    }

    /// Wraps what a store handed back.
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The form that is stored.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

/// A device that proved a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedDevice {
    /// Identifies the entry.
    pub id: DeviceId,
    /// Whose device it is.
    pub user: UserId,
    /// How it is recognised; one entry for each.
    pub fingerprint: Fingerprint,
    /// What it proved.
    pub method: AuthMethod,
    /// Where it was.
    pub ip: Option<IpAddr>,
    /// What it called itself.
    pub user_agent: Option<UserAgent>,
    /// What kind of application it named.
    pub platform: Option<String>,
    /// When it proved the factor.
    pub verified_at: DateTime<Utc>,
    /// From when on it must prove it again.
    pub expires_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(ip: &str) -> Client {
        Client { ip: Some(ip.parse().unwrap()), ..Client::default() }
    }

    fn of(user: i64, traits: &DeviceTraits, ip: &str) -> Fingerprint {
        Fingerprint::of(UserId::from_i64(user), traits, &client(ip))
    }

    #[test]
    fn a_device_keeps_its_fingerprint_within_its_network() {
        let traits = DeviceTraits { user_agent: "A".to_owned(), ..DeviceTraits::default() };
        assert_eq!(of(1, &traits, "192.0.2.7"), of(1, &traits, "192.0.2.200"));
        assert_ne!(of(1, &traits, "192.0.2.7"), of(1, &traits, "192.0.3.7"));
        assert_ne!(of(1, &traits, "192.0.2.7"), of(2, &traits, "192.0.2.7"));
        for other in [
            DeviceTraits { user_agent: "B".to_owned(), ..traits.clone() },
            DeviceTraits { accept: "text/html".to_owned(), ..traits.clone() },
            DeviceTraits { accept_language: "de".to_owned(), ..traits.clone() },
            DeviceTraits { accept_encoding: "br".to_owned(), ..traits.clone() },
            DeviceTraits { forwarded_for: "192.0.2.9".to_owned(), ..traits.clone() },
        ] {
            assert_ne!(of(1, &traits, "192.0.2.7"), of(1, &other, "192.0.2.7"), "{other:?}");
        }
    }
}
