//! What tells one device of a person from another: pure, and no more exact than a notice needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::TimeDelta;

use crate::client::{Client, UserAgent};

/// A device and the network it is in, as far as a request shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    family: Option<String>,
    network: Option<IpAddr>,
}

impl Device {
    /// How long a device is remembered.
    pub const REMEMBERED: TimeDelta = TimeDelta::days(90);

    /// The device behind an address and a user agent.
    pub fn new(ip: Option<IpAddr>, agent: Option<&UserAgent>) -> Self {
        Self { family: agent.map(family), network: ip.map(network) }
    }

    /// The device behind a request.
    pub fn of(client: &Client) -> Self {
        Self::new(client.ip, client.user_agent.as_ref())
    }

    /// Whether nothing is known about it, so that there is nothing to tell either.
    pub const fn is_unknown(&self) -> bool {
        self.family.is_none() && self.network.is_none()
    }
}

/// The user agent without its numbers: an update is not a new device.
fn family(agent: &UserAgent) -> String {
    let is_version = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    agent.as_str().chars().filter(|&c| !is_version(c)).collect()
}

/// The first address of the network: /24 of IPv4, /64 of IPv6. Within it, providers hand out addresses
/// as they like.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn device(ip: &str, agent: &str) -> Device {
        let ip = (!ip.is_empty()).then(|| ip.parse().expect("an address"));
        Device::new(ip, UserAgent::new(agent).as_ref())
    }

    #[test]
    fn an_update_or_a_new_lease_is_the_same_device() {
        for (ip, agent) in [
            ("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:141.0.2) Gecko/20100101 Firefox/141.0.2"),
            ("192.0.2.255", FIREFOX),
            ("::ffff:192.0.2.9", FIREFOX),
        ] {
            assert_eq!(device(ip, agent), device("192.0.2.1", FIREFOX), "{ip} {agent}");
        }
        assert_eq!(device("2001:db8:1:2::1", ""), device("2001:db8:1:2:ffff::", ""));
    }

    #[test]
    fn another_browser_or_network_is_another_device() {
        for (ip, agent) in [
            ("192.0.3.1", FIREFOX),
            ("192.0.2.1", "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("192.0.2.1", "curl/8.0"),
            ("192.0.2.1", ""),
            ("", FIREFOX),
        ] {
            assert_ne!(device(ip, agent), device("192.0.2.1", FIREFOX), "{ip} {agent}");
        }
        assert_ne!(device("2001:db8:1:2::1", ""), device("2001:db8:1:3::1", ""));
    }

    #[test]
    fn only_nothing_at_all_is_unknown() {
        assert!(device("", "").is_unknown());
        assert!(!device("192.0.2.1", "").is_unknown() && !device("", FIREFOX).is_unknown());
    }
}
