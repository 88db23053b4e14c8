//! Where a call came from: the network of an address, and its place where a database tells.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What an operator's database tells of an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// ISO 3166 code of the country: `DE`.
    pub country: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// How far the address may be from there, in kilometres. Of a country its radius.
    pub radius_km: f64,
}

/// Tells where addresses are. Without a database nothing is known, and rules go by networks.
pub trait Locate: Sync {
    /// Where an address is.
    fn locate(&self, address: IpAddr) -> Option<Location>;
}

/// No database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Locate for Nowhere {
    fn locate(&self, _: IpAddr) -> Option<Location> {
        None
    }
}

/// The network of an address: its /24, or of IPv6 its /48. Other texts, such as the name of a calling service,
/// are their own network.
pub fn network(address: &str) -> String {
    match parse(address) {
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        None => address.to_owned(),
    }
}

/// An address with or without a port; IPv4 in IPv6 is IPv4.
pub fn parse(address: &str) -> Option<IpAddr> {
    let text = address.trim();
    let parsed =
        text.parse::<IpAddr>().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(parsed.to_canonical())
}

/// Kilometres between two places along the earth's surface (haversine, radius 6371 km).
pub fn distance_km(from: &Location, to: &Location) -> f64 {
    let (lat1, lat2) = (from.latitude.to_radians(), to.latitude.to_radians());
    let half_lat = (lat2 - lat1) / 2.0;
    let half_lon = (to.longitude - from.longitude).to_radians() / 2.0;
    let chord = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
    2.0 * 6371.0 * chord.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_share_it() {
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.0/24");
        assert_eq!(network("192.0.2.1:4711"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:bad:4a::1a5"), "2001:db8:bad::/48");
        assert_eq!(network("cloudtrail.amazonaws.com"), "cloudtrail.amazonaws.com");
    }

    #[test]
    fn distances_are_those_of_the_earth() {
        let place = |latitude, longitude| Location { country: String::new(), latitude, longitude, radius_km: 0.0 };
        let berlin_tokyo = distance_km(&place(52.52, 13.40), &place(35.68, 139.69));
        assert!((8_900.0..8_950.0).contains(&berlin_tokyo), "{berlin_tokyo}");
    }
}
