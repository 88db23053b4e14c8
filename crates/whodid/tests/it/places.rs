//! Databases of where addresses are, as small as they can be: for unit tests and for those of the command line.
#![allow(clippy::unwrap_used, dead_code, reason = "a test fails by panicking, and each of the two uses some of it")]

pub fn text(value: &str) -> Vec<u8> {
    [&[0x40 | u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

pub fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0xe0 | u8::try_from(members.len()).unwrap()];
    members.iter().for_each(|(name, value)| out.extend([text(name), value.clone()].concat()));
    out
}

pub fn double(value: f64) -> Vec<u8> {
    [&[0x68], value.to_be_bytes().as_slice()].concat()
}

/// A database of the network 203.0.113.0/24 (MaxMind DB file format 2.0): a tree with a path of 24 nodes, a
/// separator of 16 zeros, the one entry, and what the file says of itself.
pub fn database(entry: &[u8]) -> Vec<u8> {
    let nodes = 24_u32;
    let network = u32::from_be_bytes([203, 0, 113, 0]);
    let record = |value: u32| value.to_be_bytes()[1..].to_vec();
    let mut file = Vec::new();
    for depth in 0..nodes {
        let next = record(if depth + 1 == nodes { nodes + 16 } else { depth + 1 });
        let pair = if network >> (31 - depth) & 1 == 0 { [next, record(nodes)] } else { [record(nodes), next] };
        file.extend(pair.concat());
    }
    file.extend([0; 16]);
    file.extend(entry);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let number = |value: u8| vec![0xa1, value];
    file.extend(map(&[
        ("node_count", vec![0xc1, 24]),
        ("record_size", number(24)),
        ("ip_version", number(4)),
        ("database_type", text("test")),
        ("languages", vec![0x00, 0x04]),
        ("binary_format_major_version", number(2)),
        ("binary_format_minor_version", number(0)),
        ("build_epoch", vec![0x01, 0x02, 1]),
        ("description", map(&[])),
    ]));
    file
}

/// What a database of countries says of an address.
pub fn country(code: &str) -> Vec<u8> {
    map(&[("country_code", text(code))])
}
