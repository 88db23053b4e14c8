//! Where addresses are, by a database that the operator gives: a file in MaxMind's format (MMDB).
//!
//! Read once, into memory. Without one nothing is known, and rules go by networks.

pub mod installed;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use maxminddb::Reader;
use serde::Deserialize;
use whodid_api::LocationsInUse;
use whodid_model::Timestamp;
use whodid_rules::{Locate, Location};

use crate::config::Config;

/// Largest file that is read: more than the largest city databases have.
const BYTES_MAX: u64 = 1 << 30;
/// How far an address may be from where a database of cities says, when it does not say how far.
const CITY_KM: f64 = 50.0;
/// The same of a country that has no middle here: nothing is too far from anything.
const ANYWHERE_KM: f64 = 20_100.0;

/// A database.
#[derive(Debug)]
pub struct Locations {
    reader: Reader<Vec<u8>>,
    /// What is told of it.
    pub about: LocationsInUse,
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
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("the database of locations {}", path.display());
        let bytes = std::fs::metadata(path).with_context(|| format!("reading {}", what()))?.len();
        if bytes > BYTES_MAX {
            anyhow::bail!("{} has {bytes} bytes, more than the {BYTES_MAX} that are read", what());
        }
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", what()))?;
        Self::of(bytes, &what())
    }

    /// The database that the configuration names, or else the one that is installed in the data folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_config(config: &Config) -> anyhow::Result<Option<Arc<Self>>> {
        if let Some(file) = &config.locations {
            return Ok(Some(Arc::new(Self::open(file).context("`locations.file`")?)));
        }
        let Some(file) = installed::path(&config.data) else { return Ok(None) };
        let again = "`whodid locations install` puts another in its place; without the file rules go by networks";
        let mut found = Self::open(&file).context(again)?;
        if let Some(about) = installed::about(&config.data) {
            found.about.source = Some(about.source);
            found.about.licence = about.licence;
            found.about.notices = about.notices.into_iter().map(|notice| notice.text).collect();
        }
        Ok(Some(Arc::new(found)))
    }

    /// Whether bytes are a database; `what` is what they are called in errors.
    ///
    /// # Errors
    /// They are none of this form.
    pub fn check(bytes: &[u8], what: &str) -> anyhow::Result<()> {
        Reader::from_source(bytes).map(|_| ()).with_context(|| no_database(what))
    }

    /// Reads bytes; `what` is what they are called in errors.
    ///
    /// # Errors
    /// They are no database of this form.
    pub fn of(bytes: Vec<u8>, what: &str) -> anyhow::Result<Self> {
        let reader = Reader::from_source(bytes).with_context(|| no_database(what))?;
        let about = reader.metadata();
        let description = about.description.get("en").map(String::as_str).unwrap_or_default();
        tracing::info!(
            kind = about.database_type,
            description,
            built = about.build_epoch,
            "addresses are looked up in a database of locations"
        );
        let built_at = i64::try_from(reader.metadata().build_epoch).unwrap_or_default().saturating_mul(1000);
        let about = LocationsInUse {
            kind: reader.metadata().database_type.clone(),
            built_at: Timestamp::from_millis(built_at).to_string(),
            source: None,
            licence: None,
            notices: Vec::new(),
        };
        Ok(Self { reader, about })
    }
}

fn no_database(what: &str) -> String {
    format!("{what} is no MMDB file; give a country or city database in MaxMind's format")
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
            // A database of countries gives no place.
            None => crate::countries::circle(&country).unwrap_or((0.0, 0.0, ANYWHERE_KM)),
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

impl whodid_insights::Places for Shared {
    fn country(&self, address: IpAddr) -> Option<String> {
        self.0.locate(address).map(|location| location.country)
    }
}

#[cfg(test)]
#[path = "../tests/it/places.rs"]
mod places;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::places::{country, database, double, map, text};
    use super::*;

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
    fn of_a_country_database_the_middle_of_the_country_is_taken() {
        let found = located(&country("FR"), "203.0.113.9").unwrap();
        let place = (found.country.as_str(), found.latitude, found.longitude, found.radius_km);
        assert_eq!(place, ("FR", 47.0, 2.0, 650.0));
        let found = located(&country("ZZ"), "203.0.113.9").unwrap();
        assert_eq!((found.country.as_str(), found.radius_km), ("ZZ", ANYWHERE_KM), "nothing is too far from there");
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
