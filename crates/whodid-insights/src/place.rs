//! Addresses as networks, and agents as families: what stays when an address or a version changes.

use std::net::{IpAddr, SocketAddr};

/// Bits of an address that tell its network: a household or a small office.
const NETWORK_BITS: (u8, u8) = (24, 48);
/// Letters of a family that count.
const FAMILY_BYTES_MAX: usize = 40;

/// The address in a text, also with a port behind it; `None` for what is no address, such as the name of a service.
pub fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// The network of an address: `203.0.113.0/24`, `2001:db8:7::/48`.
pub fn network_of(address: IpAddr) -> String {
    let bits = if address.is_ipv4() { NETWORK_BITS.0 } else { NETWORK_BITS.1 };
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/{bits}")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/{bits}", std::net::Ipv6Addr::from([a, b, c, 0, 0, 0, 0, 0]))
        }
    }
}

/// Browsers by the word that tells them, the more special first: all say that they are Safari.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("Firefox/", "firefox"),
    ("FxiOS/", "firefox"),
    ("Chrome/", "chrome"),
    ("CriOS/", "chrome"),
    ("Safari/", "safari"),
];
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "windows"),
    ("Android", "android"),
    ("iPhone", "ios"),
    ("iPad", "ios"),
    ("Mac OS X", "macos"),
    ("Macintosh", "macos"),
    ("CrOS", "chromeos"),
    ("Linux", "linux"),
];

/// The family of a user agent, without versions: `chrome windows`, `aws-cli`. A newer version is the same family.
pub fn family_of(agent: &str) -> String {
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
    if agent.starts_with("Mozilla/") {
        let (browser, system) = (named(&BROWSERS).unwrap_or("browser"), named(&SYSTEMS).unwrap_or("other"));
        return format!("{browser} {system}");
    }
    let product = agent.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let end = product.find(['/', ' ', ',', ';', '(', ']']).unwrap_or(product.len());
    let product = &product[..end];
    // A version that no slash tells apart. The 3 of `boto3` is none.
    let is_version = |letter: char| letter.is_ascii_digit() || letter == '.';
    let product = if product.contains('.') { product.trim_end_matches(is_version) } else { product };
    let product = &product[..product.floor_char_boundary(FAMILY_BYTES_MAX)];
    if product.is_empty() { "other".to_owned() } else { product.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for (text, network) in [
            ("203.0.113.77", Some("203.0.113.0/24")),
            ("203.0.113.77:443", Some("203.0.113.0/24")),
            ("::ffff:203.0.113.77", Some("203.0.113.0/24")),
            ("2001:db8:7:1::9", Some("2001:db8:7::/48")),
            ("[2001:db8:7:1::9]:443", Some("2001:db8:7::/48")),
            ("cloudformation.amazonaws.com", None),
            ("", None),
        ] {
            assert_eq!(address_of(text).map(network_of).as_deref(), network, "{text}");
        }
    }

    #[test]
    fn a_newer_version_is_the_same_family() {
        let chrome = |version: &str| {
            format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
            )
        };
        for (agent, family) in [
            (chrome("120.0.0.0").as_str(), "chrome windows"),
            (chrome("131.0.0.0").as_str(), "chrome windows"),
            (&format!("{} Edg/131.0", chrome("131.0.0.0")), "edge windows"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/605.1 Version/17.2 Safari/605.1",
                "safari macos",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "firefox linux"),
            ("aws-cli/2.13.5 Python/3.11.4 Linux/5.10", "aws-cli"),
            ("Boto3/1.26.1", "boto3"),
            ("[S3Console/0.4, aws-internal/3]", "s3console"),
            ("kubectl1.31 (linux/amd64)", "kubectl"),
            ("curl", "curl"),
            ("", "other"),
            ("//", "other"),
        ] {
            assert_eq!(family_of(agent), family, "{agent}");
        }
    }
}
