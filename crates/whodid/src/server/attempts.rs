//! Failed tries by address: ten in fifteen minutes, then the address waits.
//!
//! Keys and tokens are random enough that nobody finds one by trying, so a valid one always works, from
//! wherever; what waits is the answer to further failures. Otherwise ten wrong tries by a stranger behind
//! the same address, or by a page that sends a browser here, would keep everybody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failed tries an address has in [`WINDOW`].
pub const TRIES_MAX: usize = 10;
/// The time in which tries are counted.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Addresses remembered at once; beyond it the one that failed longest ago is forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Failed tries by address. IPv6 addresses count by their /64, which one household or host has.
#[derive(Debug)]
pub struct Attempts {
    failed: Mutex<HashMap<IpAddr, Vec<Instant>>>,
    tries_max: usize,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::of(TRIES_MAX)
    }
}

impl Attempts {
    /// So many tries in [`WINDOW`].
    pub fn of(tries_max: usize) -> Self {
        Self { failed: Mutex::default(), tries_max }
    }

    /// How long the address must wait; `None` when it may try.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let failed = self.failed.lock();
        let tries = failed.get(&bucket(address))?;
        let recent = tries.iter().filter(|at| now.duration_since(**at) < WINDOW);
        if recent.clone().count() < self.tries_max {
            return None;
        }
        let oldest = recent.min()?;
        Some(WINDOW.saturating_sub(now.duration_since(*oldest)))
    }

    /// Counts a failed try.
    pub fn fail(&self, address: IpAddr, now: Instant) {
        let mut failed = self.failed.lock();
        let key = bucket(address);
        if failed.len() >= ADDRESSES_MAX && !failed.contains_key(&key) {
            failed.retain(|_, tries| tries.last().is_some_and(|at| now.duration_since(*at) < WINDOW));
            let oldest = failed.iter().min_by_key(|(_, tries)| tries.last().copied()).map(|(address, _)| *address);
            if let (true, Some(oldest)) = (failed.len() >= ADDRESSES_MAX, oldest) {
                failed.remove(&oldest);
            }
        }
        let tries = failed.entry(key).or_default();
        tries.retain(|at| now.duration_since(*at) < WINDOW);
        if tries.len() >= self.tries_max {
            tries.remove(0);
        }
        tries.push(now);
    }
}

/// What counts as one address: of IPv6 the /64.
pub fn bucket(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
            IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())
        }
        other => other.to_canonical(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_eleventh_try_in_fifteen_minutes_waits() {
        let attempts = Attempts::default();
        let (address, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let start = Instant::now();
        for second in 0..10 {
            assert_eq!(attempts.wait(address, start + Duration::from_secs(second)), None);
            attempts.fail(address, start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(attempts.wait(address, now), Some(WINDOW - Duration::from_secs(10)));
        assert_eq!(attempts.wait(other, now), None);
        assert_eq!(attempts.wait(address, start + WINDOW), None);
    }

    #[test]
    fn hosts_of_one_ipv6_network_count_together_and_the_map_is_bounded() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for host in 0..10_u32 {
            attempts.fail(format!("2001:db8::{host:x}").parse().unwrap(), now);
        }
        assert!(attempts.wait("2001:db8::ffff".parse().unwrap(), now).is_some());
        for host in 0..20_000_u32 {
            attempts.fail(IpAddr::V4((0xc633_0000 + host).into()), now);
        }
        assert_eq!(attempts.failed.lock().len(), ADDRESSES_MAX);
    }
}
