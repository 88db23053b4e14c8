//! The packages that come with whodid, in the binary.
//!
//! They are files beside this crate's source (`packages/`), written as anybody writes packages and held to more: each
//! rule says what it is for and what to do, and has a test that it meets and one that it does not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::package::Package;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/packages");

static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let mut packages: Vec<Package> = FILES.dirs().filter_map(read).collect();
    packages.sort_by(|one, other| one.manifest.id.cmp(&other.manifest.id));
    packages
});

/// All of them, by id.
pub fn builtin() -> &'static [Package] {
    &PACKAGES
}

/// A package that cannot be read is left out; the tests below see to it that none is.
fn read(folder: &Dir<'_>) -> Option<Package> {
    let text = |file: &include_dir::File<'_>| {
        let name = file.path().file_name()?.to_str()?.to_owned();
        Some((name, file.contents_utf8()?.to_owned()))
    };
    let files: BTreeMap<String, String> = folder.files().filter_map(text).collect();
    Package::from_files(files).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use whodid_decode::Format;
    use whodid_model::Timestamp;

    use super::*;
    use crate::document::{Body, Document};
    use crate::network::{Locate, Location};
    use crate::ruleset::{Build, RuleSet};
    use crate::run::Run;
    use crate::sigma::Variables;
    use crate::testing::Expect;

    fn documents(package: &Package) -> Vec<Document> {
        package.documents().documents
    }

    #[test]
    fn every_folder_is_a_package_of_its_name() {
        let folders: Vec<&str> = FILES.dirs().map(|folder| folder.path().to_str().unwrap()).collect();
        let mut ids: Vec<&str> = builtin().iter().map(|package| package.manifest.id.as_str()).collect();
        ids.sort_unstable();
        let mut expected = folders.clone();
        expected.sort_unstable();
        assert_eq!(ids, expected);
    }

    #[test]
    fn every_package_can_be_used_and_passes_its_tests() {
        let now = Timestamp::parse("2026-03-02T10:00:00Z").unwrap().at;
        let mut wrong = Vec::new();
        for package in builtin() {
            let check = package.check(&Variables::new(), now);
            wrong.extend(check.problems.iter().map(ToString::to_string));
            for test in check.tests.iter().filter(|test| !test.passed) {
                wrong.push(format!("{}, '{}': {}", test.rule_id, test.name, test.detail.clone().unwrap_or_default()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_rule_says_what_it_is_for_and_shows_it() {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for package in builtin() {
            let (manifest, documents) = (&package.manifest, documents(package));
            if manifest.author != "whodid" || manifest.licence != "Apache-2.0" || manifest.description.is_empty() {
                wrong.push(format!("{}: author, licence or description", manifest.id));
            }
            let build = Build { documents: documents.iter().collect(), with_dormant: true, ..Build::default() };
            let (rules, _) = RuleSet::compile(&build);
            let is_part = |id: &str| rules.rules().iter().any(|rule| rule.meta.id == id && !rule.is_reported);
            for document in &documents {
                let meta = document.meta();
                let mut tell = |what: &str| wrong.push(format!("{}: {what}", meta.id));
                if !seen.insert(meta.id.clone()) {
                    tell("the id is not unique");
                }
                if !meta.id.starts_with(&format!("{}-", manifest.id)) {
                    tell("the id does not begin with the package's");
                }
                if meta.author != "whodid" || meta.license.as_deref() != Some("Apache-2.0") {
                    tell("author or licence");
                }
                if meta.title.is_empty() || meta.description.len() < 20 {
                    tell("title or description");
                }
                if meta.extension.next_steps.is_empty() && !is_part(&meta.id) {
                    tell("no next step");
                }
                let has = |wanted: fn(Expect) -> bool| document.tests.iter().any(|test| wanted(test.expect));
                // Tests beside rules know no places; the test below does.
                let is_shown_elsewhere = meta.id == "account-sign-in-impossible-travel";
                if !has(|expect| matches!(expect, Expect::Match | Expect::Count(1..))) && !is_shown_elsewhere {
                    tell("no test that it meets");
                }
                if !has(|expect| matches!(expect, Expect::NoMatch | Expect::Count(0))) {
                    tell("no test that it does not meet");
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_finding_type_of_security_advisor_is_here() {
        let all = builtin().iter().flat_map(documents);
        let found: BTreeSet<String> =
            all.filter_map(|document| document.meta().extension.finding_type.clone()).collect();
        let expected = [
            "account-failed-login-attempts",
            "account-iam-reads-threshold",
            "app-failed-login-attempts",
            "appid-delete-users",
            "appid-sec-conf",
            "appid-service",
            "cert-ccw",
            "cert-download-whitelist",
            "cert-notification-conf",
            "cert-notification-fail",
            "cert-reimport",
            "cert-service",
            "classic-compute-high-risk",
            "cloudshell-high-risk",
            "cos-bucket-create-delete-threshold",
            "cos-sec-conf",
            "cos-service",
            "iam-coincident-read-delete",
            "iam-delete-account-threshold",
            "iam-delete-ccw",
            "iam-delete-whitelist",
            "iam-identity-service",
            "iam-sec-conf",
            "icd-high-risk",
            "iks-coincident-update-reboot",
            "iks-high-risk",
            "iks-indicative-api-ccw",
            "iks-indicative-api-threshold",
            "iks-indicative-api-whitelist",
            "iks-logging-change",
            "iks-service",
            "kms-key-deleted",
            "kms-key-unwrap-ccw",
            "kms-key-unwrap-whitelist",
            "kms-service",
        ];
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rules_that_need_a_list_are_off_until_somebody_wakes_them() {
        for package in builtin() {
            let all = documents(package);
            let build = Build {
                documents: all.iter().collect(),
                variables: package.variables(&Variables::new()).into(),
                ..Build::default()
            };
            let (_, problems) = RuleSet::compile(&build);
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(texts.is_empty(), "{}", texts.join("\n"));
        }
        let dormant = builtin().iter().flat_map(documents).filter(|document| match &document.body {
            Body::Filter(_) => false,
            _ => document.meta().extension.dormant,
        });
        let mut ids: Vec<String> =
            dormant.filter(|one| one.meta().id.starts_with("ibm-")).map(|one| one.meta().id.clone()).collect();
        ids.sort();
        let expected = [
            "ibm-cert-download-not-allowed",
            "ibm-iam-deletes-not-allowed",
            "ibm-iam-read-then-delete",
            "ibm-iks-update-and-reboot",
            "ibm-iks-workers-not-allowed",
            "ibm-kms-unwrap-not-allowed",
        ];
        assert_eq!(ids, expected);
    }

    #[derive(Debug)]
    struct TwoCities;

    impl Locate for TwoCities {
        fn locate(&self, address: IpAddr) -> Option<Location> {
            let place = |country: &str, latitude, longitude| {
                Some(Location { country: country.to_owned(), latitude, longitude, radius_km: 50.0 })
            };
            match address.to_string().as_str() {
                "192.0.2.1" => place("JP", 35.68, 139.69),
                "203.0.113.1" => place("BR", -23.55, -46.63),
                _ => None,
            }
        }
    }

    /// The rules of the package that find something in sign-ins with one browser, each at a time and from an address.
    fn found(sign_ins: &[(&str, &str)]) -> BTreeSet<String> {
        let package = builtin().iter().find(|package| package.manifest.id == "account-sign-in").unwrap();
        let all = documents(package);
        let (rules, _) = RuleSet::compile(&Build { documents: all.iter().collect(), ..Build::default() });
        let rules = rules.with_locations(Box::new(TwoCities));
        let sign_in = |(time, address): &(&str, &str)| {
            format!(
                r#"{{"published": "{time}", "eventType": "user.session.start", "displayMessage": "in",
                "actor": {{"id": "00u1", "alternateId": "yuki"}}, "outcome": {{"result": "SUCCESS"}},
                "client": {{"ipAddress": "{address}", "userAgent": {{"rawUserAgent": "curl/8.9.1"}}}}}}"#
            )
        };
        let body: Vec<String> = sign_ins.iter().map(sign_in).collect();
        let mut hits = Vec::new();
        let received = Timestamp::parse("2026-03-08T00:00:00Z").unwrap().at;
        Run::new(&rules).step(Format::Okta, body.join("\n").as_bytes(), received, &mut hits);
        hits.iter().map(|hit| rules.rules()[hit.rule].meta.id.clone()).collect()
    }

    #[test]
    fn a_sign_in_at_two_ends_of_the_world_is_impossible_travel() {
        let is_found = |second: &str| {
            let rules = found(&[("2026-03-02T01:00:00Z", "192.0.2.1"), (second, "203.0.113.1")]);
            rules.contains("account-sign-in-impossible-travel")
        };
        assert!(is_found("2026-03-02T01:25:00Z"), "25 minutes from Tokyo to São Paulo");
        assert!(!is_found("2026-03-03T00:30:00Z"), "most of a day");
    }

    #[test]
    fn a_known_device_excuses_another_network_and_no_other_country() {
        let at_home = [
            ("2026-03-02T01:00:00Z", "192.0.2.1"),
            ("2026-03-03T01:00:00Z", "192.0.2.1"),
            ("2026-03-04T01:00:00Z", "192.0.2.1"),
        ];
        let is_found = |address: &str| {
            let sign_ins: Vec<(&str, &str)> =
                at_home.iter().copied().chain([("2026-03-06T01:00:00Z", address)]).collect();
            found(&sign_ins).contains("account-sign-in-unusual-location")
        };
        assert!(is_found("203.0.113.1"), "Brazil");
        assert!(!is_found("198.51.100.1"), "a network of which nobody knows where it is");
    }
}
