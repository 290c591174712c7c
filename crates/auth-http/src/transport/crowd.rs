//! How many connections one address has.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::rt::net::TcpStream;
use ipnet::IpNet;

use crate::origin;

/// Counts connections by the network of the peer. Clones share the counts.
///
/// It sees no request yet, so what a forwarding header says counts for nothing: proxies that are trusted are
/// not counted, and have to count for themselves.
#[derive(Clone)]
pub(super) struct Crowd(Option<Arc<Counts>>);

struct Counts {
    most: usize,
    trusted: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection among those of its network. Dropping it gives the place back.
pub(super) struct Place(Option<(Arc<Counts>, IpAddr)>);

impl Crowd {
    pub(super) fn new(most: Option<NonZeroUsize>, trusted: &[IpNet]) -> Self {
        let counts = |most: NonZeroUsize| {
            Arc::new(Counts { most: most.get(), trusted: trusted.to_vec(), open: Mutex::default() })
        };
        Self(most.map(counts))
    }

    /// A place for a connection; `None` when its network has as many as it may.
    pub(super) fn place(&self, connection: &TcpStream) -> Option<Place> {
        self.place_of(connection.peer_addr().ok()?.ip())
    }

    fn place_of(&self, peer: IpAddr) -> Option<Place> {
        let Some(counts) = &self.0 else { return Some(Place(None)) };
        let peer = peer.to_canonical();
        if counts.trusted.iter().any(|network| network.contains(&peer)) {
            return Some(Place(None));
        }
        let network = origin::network(peer);
        let mut open = counts.lock();
        let count = open.entry(network).or_default();
        if *count >= counts.most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(counts), network))))
    }
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing that can panic runs under this lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((counts, network)) = &self.0 else { return };
        if let Entry::Occupied(mut count) = counts.lock().entry(*network) {
            if *count.get() > 1 {
                *count.get_mut() -= 1;
            } else {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_as_many_places_as_it_may_and_gets_them_back() {
        let crowd = Crowd::new(NonZeroUsize::new(2), &["10.0.0.0/8".parse().unwrap()]);
        let first = crowd.place_of(ip("192.0.2.1")).unwrap();
        let _second = crowd.place_of(ip("::ffff:192.0.2.1")).unwrap();
        assert!(crowd.place_of(ip("192.0.2.1")).is_none());
        let _other = crowd.place_of(ip("192.0.2.2")).unwrap();
        drop(first);
        assert!(crowd.place_of(ip("192.0.2.1")).is_some());

        let _network =
            [crowd.place_of(ip("2001:db8::1")).unwrap(), crowd.place_of(ip("2001:db8::2")).unwrap()];
        assert!(crowd.place_of(ip("2001:db8::3")).is_none(), "one IPv6 client owns a /64");
        let proxied: Vec<_> = (0..9).filter_map(|_| crowd.place_of(ip("10.0.0.1"))).collect();
        assert_eq!(proxied.len(), 9, "a proxy speaks for many");
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let crowd = Crowd::new(NonZeroUsize::new(2), &[]);
        for host in 0..1000 {
            drop(crowd.place_of(IpAddr::V4(host.into())));
        }
        assert!(crowd.0.unwrap().lock().is_empty());
    }

    #[test]
    fn without_a_limit_there_is_a_place_for_everybody() {
        let crowd = Crowd::new(None, &[]);
        let places: Vec<_> = (0..1000).filter_map(|_| crowd.place_of(ip("192.0.2.1"))).collect();
        assert_eq!(places.len(), 1000);
    }
}
