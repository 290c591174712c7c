//! What counts as one client, for everything that is counted by address.

use std::net::{IpAddr, Ipv6Addr};

/// The network that one client has to itself: an IPv4 address, or the /64 of an IPv6 one. An IPv4
/// address written as an IPv6 one is the IPv4 address.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The same in words, for the names of counters.
pub(crate) fn name(client: Option<IpAddr>) -> String {
    match client.map(network) {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{ip}/64"),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        let table = [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ];
        for (address, expected) in table {
            assert_eq!(name(Some(address.parse().unwrap())), expected);
        }
        assert_eq!(name(None), "unknown");
    }

    #[test]
    fn forty_addresses_of_one_network_are_one_client() {
        let host = |n: u32| format!("2001:db8:0:7:{n:x}::{n:x}").parse::<IpAddr>().unwrap();
        let networks: std::collections::HashSet<IpAddr> = (1..=40).map(|n| network(host(n))).collect();
        assert_eq!(networks.len(), 1);
    }
}
