//! Which rules are for which sources: a rule's logsource against what an event's format tells.
//!
//! A rule is left out only where both state something and it differs. What a format does not tell rules nothing out:
//! generic JSON may come from anywhere, so every rule is asked.

use std::collections::HashMap;

use rsigma_parser::LogSource;
use whodid_model::{Field, StreamName};

use crate::subject::Subject;

/// The category of rules that use our names and hold for every source.
pub const ACTIVITY: &str = "activity";
/// The product of what whodid tells of itself.
pub const OURSELVES: &str = "whodid";

/// What formats tell, as logsources made once.
#[derive(Debug, Default)]
pub(crate) struct Known {
    by_source: HashMap<&'static str, LogSource>,
    by_service: HashMap<(&'static str, &'static str), LogSource>,
    ourselves: LogSource,
}

/// Formats with the product and service that Sigma rules name; no service where rules name several.
const SOURCES: [(&str, &str, Option<&str>); 10] = [
    ("cloudtrail", "aws", Some("cloudtrail")),
    ("actiontrail", "alibaba", Some("actiontrail")),
    ("kubernetes", "kubernetes", Some("audit")),
    ("okta", "okta", Some("okta")),
    ("gcp", "gcp", Some("gcp.audit")),
    ("azure", "azure", None),
    ("github", "github", Some("audit")),
    ("ibm-at", "ibm", None),
    ("cadf", "cadf", None),
    ("linux-auth", "linux", None),
];

/// Services that a format carries besides, by the service the event names.
const SERVICES: [(&str, &str, &str, &str); 3] = [
    ("gcp", "admin.googleapis.com", "gcp", "google_workspace.admin"),
    ("gcp", "login.googleapis.com", "gcp", "google_workspace.login"),
    ("gcp", "cloudidentity.googleapis.com", "gcp", "google_workspace.admin"),
];

impl Known {
    pub fn new() -> Self {
        let logsource = |product: &str, service: Option<&str>| LogSource {
            product: Some(product.to_owned()),
            service: service.map(str::to_owned),
            ..LogSource::default()
        };
        Self {
            by_source: SOURCES
                .iter()
                .map(|(source, product, service)| (*source, logsource(product, *service)))
                .collect(),
            by_service: SERVICES
                .iter()
                .map(|(source, platform, product, service)| ((*source, *platform), logsource(product, Some(service))))
                .collect(),
            ourselves: logsource(OURSELVES, None),
        }
    }

    /// What an event's format tells; `None` when it tells nothing.
    pub fn of(&self, subject: &Subject<'_>) -> Option<&LogSource> {
        if subject.place.stream == StreamName::audit() {
            return Some(&self.ourselves);
        }
        if let Some(platform) = subject.texts.text(Field::Service) {
            let special = SERVICES.iter().find(|(source, known, ..)| *source == subject.source && *known == platform);
            if let Some((source, known, ..)) = special {
                return self.by_service.get(&(*source, *known));
            }
        }
        self.by_source.get(subject.source)
    }
}

/// Whether both state something and it differs: then a rule is for others.
pub(crate) fn contradicts(rule: &LogSource, event: &LogSource) -> bool {
    let differ = |one: &Option<String>, other: &Option<String>| {
        one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| !one.eq_ignore_ascii_case(other))
    };
    differ(&rule.product, &event.product)
        || differ(&rule.service, &event.service)
        || differ(&rule.category, &event.category)
}

/// The formats whose events a rule is never asked about, in whatever service they are.
pub(crate) fn others(rule: &LogSource) -> Vec<&'static str> {
    let known = Known::new();
    let is_other = |source: &str| {
        let by_service = known.by_service.iter().filter(|((of, _), _)| *of == source).map(|(_, logsource)| logsource);
        known.by_source.get(source).into_iter().chain(by_service).all(|logsource| contradicts(rule, logsource))
    };
    SOURCES.iter().map(|(source, ..)| *source).filter(|source| is_other(source)).collect()
}

/// Whether a rule is asked about what whodid tells of itself.
pub(crate) fn is_for_ourselves(rule: &LogSource) -> bool {
    !contradicts(rule, &Known::new().ourselves)
}

/// Whether a filter's logsource takes a rule in: everything that it states, the rule states too.
pub(crate) fn contains(filter: Option<&LogSource>, rule: &LogSource) -> bool {
    let Some(filter) = filter else { return true };
    let agrees = |theirs: &Option<String>, own: &Option<String>| match (theirs, own) {
        (None, _) => true,
        (Some(theirs), Some(own)) => theirs.eq_ignore_ascii_case(own),
        (Some(_), None) => false,
    };
    agrees(&filter.category, &rule.category)
        && agrees(&filter.product, &rule.product)
        && agrees(&filter.service, &rule.service)
}
