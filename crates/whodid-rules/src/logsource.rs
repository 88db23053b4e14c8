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
/// The product of insights. Only rules that state it are asked about them: a rule on what people do would count them twice.
pub const INSIGHTS: &str = "insights";

/// What formats tell, as logsources made once.
#[derive(Debug, Default)]
pub(crate) struct Known {
    by_source: HashMap<&'static str, LogSource>,
    by_service: HashMap<(&'static str, &'static str), LogSource>,
    ourselves: LogSource,
    insights: LogSource,
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
            insights: logsource(INSIGHTS, None),
        }
    }

    /// What an event's format tells; `None` when it tells nothing.
    pub fn of(&self, subject: &Subject<'_>) -> Option<&LogSource> {
        if subject.place.stream == StreamName::audit() {
            return Some(&self.ourselves);
        }
        if subject.place.stream == StreamName::insights() {
            return Some(&self.insights);
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

/// What to know of a rule for a source that no format is of: rules are shared between products that read other logs than
/// whodid does.
pub(crate) fn note(rule: &LogSource) -> Option<String> {
    let stated = [("product", &rule.product), ("service", &rule.service), ("category", &rule.category)];
    let stated = stated.into_iter().filter_map(|(name, text)| Some(format!("{name} '{}'", text.as_ref()?)));
    let stated = stated.collect::<Vec<String>>().join(", ");
    if others(rule).len() == SOURCES.len() && !is_for_ourselves(rule) && !is_for_insights(rule) {
        return Some(format!(
            "no format that whodid reads tells of {stated}; the rule is asked only about JSON of no known form"
        ));
    }
    let is_of_category = rule.product.is_none() && rule.service.is_none();
    let category =
        rule.category.as_ref().filter(|category| is_of_category && !category.eq_ignore_ascii_case(ACTIVITY))?;
    Some(format!("no format tells of the category '{category}'; the rule is asked about every event of every source"))
}

/// Whether a rule is asked about what whodid tells of itself.
pub(crate) fn is_for_ourselves(rule: &LogSource) -> bool {
    !contradicts(rule, &Known::new().ourselves)
}

/// Whether a rule is asked about insights.
pub(crate) fn is_for_insights(rule: &LogSource) -> bool {
    rule.product.as_deref().is_some_and(|product| product.eq_ignore_ascii_case(INSIGHTS))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(product: Option<&str>, service: Option<&str>, category: Option<&str>) -> String {
        let [product, service, category] = [product, service, category].map(|text| text.map(str::to_owned));
        note(&LogSource { product, service, category, ..LogSource::default() }).unwrap_or_default()
    }

    #[test]
    fn a_rule_for_what_no_format_tells_of_is_noted() {
        assert_eq!(
            noted(Some("windows"), None, Some("process_creation")),
            "no format that whodid reads tells of product 'windows', category 'process_creation'; the rule is asked only \
             about JSON of no known form"
        );
        assert!(noted(Some("aws"), Some("waf"), None).contains("product 'aws', service 'waf'"));
        assert!(noted(None, None, Some("proxy")).starts_with("no format tells of the category 'proxy'"));
        for (product, service, category) in [
            (Some("aws"), Some("cloudtrail"), None),
            (Some("Azure"), Some("signinlogs"), None),
            (Some("gcp"), Some("google_workspace.admin"), None),
            (Some("linux"), None, Some("file_event")),
            (Some("whodid"), None, None),
            (None, None, Some("activity")),
            (None, None, None),
        ] {
            assert_eq!(noted(product, service, category), "", "{product:?} {service:?} {category:?}");
        }
    }
}
