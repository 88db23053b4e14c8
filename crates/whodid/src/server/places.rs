//! Places for connections: so many in all, so many for one peer, a few kept for the machine itself.
//!
//! Connections that send nothing lose theirs after the listener's time for a head, also between two requests,
//! so a full house empties by itself; what these bounds see to is that no single peer can fill it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attempts::bucket;

/// Connections at once; further ones wait.
pub const CONNECTIONS_MAX: usize = 1024;
/// Of those, only for peers on this machine: health checks, metrics and the operator get through.
const FOR_LOOPBACK: usize = 16;
/// Connections of one peer address (IPv6: one /64). The machine itself and trusted proxies have no such bound.
const FOR_A_PEER: usize = 256;

/// Connections by peer.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places there are.
#[derive(Debug)]
pub struct Places {
    shared: Arc<Semaphore>,
    for_loopback: Arc<Semaphore>,
    by_peer: Counts,
    trusted: Vec<IpNet>,
}

/// A peer that may connect; dropped when its connection ends.
#[derive(Debug)]
pub struct Admitted {
    shared: Arc<Semaphore>,
    for_loopback: Arc<Semaphore>,
    is_loopback: bool,
    counted: Option<(IpAddr, Counts)>,
}

impl Places {
    /// All places, none taken.
    pub fn new(trusted_proxies: &[IpNet]) -> Self {
        Self {
            shared: Arc::new(Semaphore::new(CONNECTIONS_MAX - FOR_LOOPBACK)),
            for_loopback: Arc::new(Semaphore::new(FOR_LOOPBACK)),
            by_peer: Arc::default(),
            trusted: trusted_proxies.to_vec(),
        }
    }

    /// Lets a peer in, unless it has all the connections that one peer may have.
    pub fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let peer = peer.to_canonical();
        let is_loopback = peer.is_loopback();
        let is_trusted = self.trusted.iter().any(|network| network.contains(&peer));
        let counted = if is_loopback || is_trusted {
            None
        } else {
            let peer = bucket(peer);
            let mut by_peer = self.by_peer.lock();
            let count = by_peer.entry(peer).or_default();
            if *count >= FOR_A_PEER {
                return None;
            }
            *count += 1;
            Some((peer, Arc::clone(&self.by_peer)))
        };
        let (shared, for_loopback) = (Arc::clone(&self.shared), Arc::clone(&self.for_loopback));
        Some(Admitted { shared, for_loopback, is_loopback, counted })
    }
}

impl Admitted {
    /// A place that is free now.
    pub fn take(&self) -> Option<OwnedSemaphorePermit> {
        let shared = Arc::clone(&self.shared).try_acquire_owned().ok();
        shared.or_else(|| self.is_loopback.then(|| Arc::clone(&self.for_loopback).try_acquire_owned().ok())?)
    }

    /// Waits for a place.
    pub async fn wait(&self) -> OwnedSemaphorePermit {
        let wait = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).acquire_owned();
        let place = if self.is_loopback {
            tokio::select! {
                place = wait(&self.shared) => place,
                place = wait(&self.for_loopback) => place,
            }
        } else {
            wait(&self.shared).await
        };
        place.expect("the semaphores are never closed")
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some((peer, by_peer)) = &self.counted else { return };
        let mut by_peer = by_peer.lock();
        if let Some(count) = by_peer.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_peer_cannot_take_every_connection() {
        let places = Places::new(&["192.0.2.9/32".parse().unwrap()]);
        let mut taken: Vec<_> = (0..FOR_A_PEER).map(|_| places.admit(address("198.51.100.1")).unwrap()).collect();
        assert!(places.admit(address("198.51.100.1")).is_none());
        assert!(places.admit(address("198.51.100.2")).is_some());
        taken.pop();
        assert!(places.admit(address("::ffff:198.51.100.1")).is_some());
        let network: Vec<_> =
            (0..FOR_A_PEER).map(|host| places.admit(address(&format!("2001:db8::{host:x}"))).unwrap()).collect();
        assert!(places.admit(address("2001:db8::ffff")).is_none());
        for unbounded in ["127.0.0.1", "::1", "192.0.2.9"] {
            let many: Vec<_> = (0..=FOR_A_PEER).map(|_| places.admit(address(unbounded))).collect();
            assert!(many.iter().all(Option::is_some), "{unbounded}");
        }
        drop((taken, network));
        assert!(places.by_peer.lock().is_empty());
    }

    #[test]
    fn a_few_places_are_kept_for_the_machine_itself() {
        let places = Places::new(&[]);
        let strangers: Vec<_> = (0..CONNECTIONS_MAX)
            .map_while(|peer| places.admit(IpAddr::V4((0xc633_0000 + peer as u32).into())).unwrap().take())
            .collect();
        assert_eq!(strangers.len(), CONNECTIONS_MAX - FOR_LOOPBACK);
        assert!(places.admit(address("127.0.0.1")).unwrap().take().is_some());
    }
}
