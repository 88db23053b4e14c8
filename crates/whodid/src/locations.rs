//! Where addresses are, by a database that the operator gives: a file in MaxMind's format (MMDB).
//!
//! Read once, into memory. Without one nothing is known, and rules go by networks.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use maxminddb::Reader;
use serde::Deserialize;
use whodid_rules::{Locate, Location};

/// Largest file that is read: more than the largest city databases have.
const BYTES_MAX: u64 = 1 << 30;
/// How far an address may be from where a database of cities says, when it does not say how far.
const CITY_KM: f64 = 50.0;
/// The same of a database of countries, which gives no place: nothing is too far from anything.
const ANYWHERE_KM: f64 = 20_100.0;

/// A database.
#[derive(Debug)]
pub struct Locations {
    reader: Reader<Vec<u8>>,
}

/// What databases call the country: a member in those of MaxMind and DB-IP, a code in those made of registries.
#[derive(Deserialize)]
struct Entry {
    country: Option<Country>,
    registered_country: Option<Country>,
    country_code: Option<String>,
    location: Option<Place>,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

#[derive(Deserialize)]
struct Country {
    iso_code: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    latitude: Option<f64>,
    longitude: Option<f64>,
    accuracy_radius: Option<u16>,
}

impl Locations {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is larger than 1 GiB, or is no database of this form.
    pub fn open(path: &Path) -> anyhow::Result<Arc<Self>> {
        let what = || format!("the database of locations {} (`locations.file`)", path.display());
        let bytes = std::fs::metadata(path).with_context(|| format!("reading {}", what()))?.len();
        if bytes > BYTES_MAX {
            anyhow::bail!("{} has {bytes} bytes, more than the {BYTES_MAX} that are read", what());
        }
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", what()))?;
        let reader = Reader::from_source(bytes).with_context(|| {
            format!("{} is no MMDB file; give a country or city database in MaxMind's format", what())
        })?;
        let about = reader.metadata();
        let description = about.description.get("en").map(String::as_str).unwrap_or_default();
        tracing::info!(
            kind = about.database_type,
            description,
            built = about.build_epoch,
            "addresses are looked up in a database of locations"
        );
        Ok(Arc::new(Self { reader }))
    }
}

impl Locate for Locations {
    fn locate(&self, address: IpAddr) -> Option<Location> {
        let entry: Entry = self.reader.lookup(address).ok()?.decode().ok()??;
        let code = entry.country.and_then(|country| country.iso_code).or(entry.country_code);
        let country = code.or_else(|| entry.registered_country.and_then(|country| country.iso_code))?;
        let radius = entry.location.as_ref().and_then(|place| place.accuracy_radius).map_or(CITY_KM, f64::from);
        let place = entry.location.and_then(|place| place.latitude.zip(place.longitude));
        let (latitude, longitude, radius_km) = match place.or(entry.latitude.zip(entry.longitude)) {
            Some((latitude, longitude)) => (latitude, longitude, radius),
            None => (0.0, 0.0, ANYWHERE_KM),
        };
        Some(Location { country, latitude, longitude, radius_km })
    }
}

/// The same database for many sets of rules.
#[derive(Debug, Clone)]
pub struct Shared(pub Arc<Locations>);

impl Locate for Shared {
    fn locate(&self, address: IpAddr) -> Option<Location> {
        self.0.locate(address)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(value: &str) -> Vec<u8> {
        [&[0x40 | u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    }

    fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![0xe0 | u8::try_from(members.len()).unwrap()];
        members.iter().for_each(|(name, value)| out.extend([text(name), value.clone()].concat()));
        out
    }

    fn double(value: f64) -> Vec<u8> {
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

    fn located(entry: &[u8], address: &str) -> Option<Location> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("places.mmdb");
        std::fs::write(&path, database(entry)).unwrap();
        Locations::open(&path).unwrap().locate(address.parse().unwrap())
    }

    #[test]
    fn a_city_database_tells_the_country_and_the_place() {
        let entry = map(&[
            ("country", map(&[("iso_code", text("DE"))])),
            (
                "location",
                map(&[("latitude", double(52.5)), ("longitude", double(13.4)), ("accuracy_radius", vec![0xa1, 20])]),
            ),
        ]);
        let found = located(&entry, "203.0.113.9").unwrap();
        assert_eq!(
            (found.country.as_str(), found.latitude, found.longitude, found.radius_km),
            ("DE", 52.5, 13.4, 20.0)
        );
        assert_eq!(located(&entry, "198.51.100.1"), None);
    }

    #[test]
    fn a_country_database_tells_no_place_so_that_nothing_is_too_far() {
        let found = located(&map(&[("country_code", text("FR"))]), "203.0.113.9").unwrap();
        assert_eq!((found.country.as_str(), found.radius_km), ("FR", ANYWHERE_KM));
    }

    #[test]
    fn what_is_no_database_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("places.mmdb");
        assert!(format!("{:#}", Locations::open(&path).unwrap_err()).contains("places.mmdb"));
        std::fs::write(&path, "country,DE").unwrap();
        assert!(format!("{:#}", Locations::open(&path).unwrap_err()).contains("no MMDB file"));
    }
}
