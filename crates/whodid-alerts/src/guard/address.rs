//! Which addresses are public, by IANA's registries of special-purpose addresses (as of 2026).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reachable {
    /// The Internet.
    Public,
    /// This machine or a private network: a host's name can be allowed to lead there.
    Inner,
    /// Nothing that a receiver has: link-local and cloud metadata, multicast, reserved.
    Never,
}

/// A network: its first address, its prefix.
type Net4 = (Ipv4Addr, u32);
type Net6 = (Ipv6Addr, u32);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Net4 {
    (Ipv4Addr::new(a, b, c, d), prefix)
}

const INNER_V4: [Net4; 5] = [
    v4(10, 0, 0, 0, 8),     // RFC 1918
    v4(172, 16, 0, 0, 12),  // RFC 1918
    v4(192, 168, 0, 0, 16), // RFC 1918
    v4(127, 0, 0, 0, 8),    // loopback
    v4(100, 64, 0, 0, 10),  // carriers' NAT, RFC 6598
];

/// Told apart from the carriers' network that holds it.
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// A public address that Azure answers inside: wire server and DNS.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

const NEVER_V4: [Net4; 11] = [
    v4(0, 0, 0, 0, 8),       // "this network"
    v4(169, 254, 0, 0, 16),  // link-local, metadata of clouds
    v4(192, 0, 0, 0, 24),    // protocol assignments, metadata of Oracle
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, broadcast
    v4(192, 31, 196, 0, 24), // AS112
];

const fn v6(a: u16, b: u16, c: u16, prefix: u32) -> Net6 {
    (Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Unique local addresses, and the site-local ones of old.
const INNER_V6: [Net6; 2] = [v6(0xfc00, 0, 0, 7), v6(0xfec0, 0, 0, 10)];
/// AWS's metadata lies among unique local addresses.
const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Google's too.
const GOOGLE_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);

/// All that is given to the Internet so far; what lies outside is not public.
const GLOBAL_V6: Net6 = v6(0x2000, 0, 0, 3);
const NEVER_V6: [Net6; 4] = [
    v6(0x2001, 0, 0, 23),         // protocol assignments: Teredo, ORCHID, benchmarks
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x3fff, 0, 0, 20),         // documentation
    v6(0x2620, 0x4f, 0x8000, 48), // AS112
];

/// What an address belongs to, IPv4 inside IPv6 seen through.
pub(super) fn reachable(address: IpAddr) -> Reachable {
    match meant(address) {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

/// The address that is reached in the end: of mapped, NAT64 and 6to4 addresses the IPv4 one inside.
pub(super) fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        // ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated (RFC 2765)
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => embedded(high, low),
        // 64:ff9b::/96 NAT64 (RFC 6052)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 2002::/16 6to4 (RFC 3056)
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

fn of_v4(address: Ipv4Addr) -> Reachable {
    let within = |(net, prefix): &Net4| {
        let shift = 32 - prefix;
        u32::from(address) >> shift == u32::from(*net) >> shift
    };
    if address == ALIBABA_METADATA || address == AZURE_METADATA || NEVER_V4.iter().any(within) {
        return Reachable::Never;
    }
    if INNER_V4.iter().any(within) { Reachable::Inner } else { Reachable::Public }
}

fn of_v6(address: Ipv6Addr) -> Reachable {
    let within = |(net, prefix): &Net6| {
        let shift = 128 - prefix;
        u128::from(address) >> shift == u128::from(*net) >> shift
    };
    if address == AWS_METADATA || address == GOOGLE_METADATA {
        return Reachable::Never;
    }
    if address.is_loopback() || INNER_V6.iter().any(within) {
        return Reachable::Inner;
    }
    let is_public = within(&GLOBAL_V6) && !NEVER_V6.iter().any(within);
    if is_public { Reachable::Public } else { Reachable::Never }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: Reachable, addresses: &[&str]) {
        for text in addresses {
            assert_eq!(reachable(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_reached_also_through_a_translator() {
        check(
            Reachable::Public,
            &[
                "8.8.8.8",
                "1.1.1.1",
                "172.15.255.255",
                "172.32.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.1",
                "192.0.1.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2606:4700::1111",
                "2a00::1",
                "::ffff:8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
            ],
        );
    }

    #[test]
    fn networks_inside_are_not_in_whatever_form() {
        check(
            Reachable::Inner,
            &[
                "127.0.0.1",
                "127.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.1",
                "100.64.0.0",
                "100.127.255.255",
                "::1",
                "fc00::",
                "fdff::1",
                "fec0::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::ffff:0:10.0.0.1",
                "64:ff9b::10.0.0.1",
                "64:ff9b::7f00:1",
                "2002:7f00:1::",
                "2002:c0a8:101::1",
            ],
        );
    }

    #[test]
    fn what_no_receiver_has_is_never_reached() {
        check(
            Reachable::Never,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "169.254.0.0",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.0.192",
                "192.0.2.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.7",
                "203.0.113.9",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::127.0.0.1",
                "::a9fe:a9fe",
                "fe80::1",
                "febf::1",
                "ff02::1",
                "2001:db8::1",
                "3fff::1",
                "2001::1",
                "2001:2::1",
                "100::1",
                "5f00::1",
                "64:ff9b:1::a00:1",
                "fd00:ec2::254",
                "fd20:ce::254",
                "::ffff:169.254.169.254",
                "2002:a9fe:a9fe::",
                "64:ff9b::a9fe:a9fe",
            ],
        );
    }
}
