//! Changes of rules: what the audit log tells of them, and which may not be made.
//!
//! A change tells the rule as it was in force before and as it is after, tuning laid over what its text says; and which
//! text that was: the very [version](Document::version) that findings carry, so that both can be joined.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use whodid_api::{Code, RuleUpdate};
use whodid_audit::Told;
use whodid_model::AccountName;
use whodid_model::access::Permission;
use whodid_rules::{Body, Document, Level, OURSELVES, Tuning, is_guard};

use super::auth::Caller;
use super::catalog::is_filter;
use super::failure::Failure;

/// Rules whose versions, and filters whose ids, are told of one change; where there are more, how many.
const VERSIONS_MAX: usize = 200;

/// Versions of rules and filters, by their ids.
pub type Versions = BTreeMap<String, String>;

/// The versions of documents.
pub fn versions<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Versions {
    documents.into_iter().map(|document| (document.meta().id.clone(), document.version.clone())).collect()
}

/// Tells versions under a name: of [`VERSIONS_MAX`] rules, and where there are more, how many under `{name}Total`. Where
/// there are none, nothing.
pub fn with_versions(told: Told, name: &str, versions: &Versions) -> Told {
    if versions.is_empty() {
        return told;
    }
    let first = versions.iter().take(VERSIONS_MAX);
    let shown: Map<String, Value> = first.map(|(id, version)| (id.clone(), json!(version))).collect();
    let told = told.asked(name, shown);
    if versions.len() > VERSIONS_MAX { told.asked(&format!("{name}Total"), versions.len()) } else { told }
}

/// The ids of the filters among documents.
pub fn filters<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Vec<String> {
    let filters = documents.into_iter().filter(|document| is_filter(document));
    filters.map(|document| document.meta().id.clone()).collect()
}

/// Tells filters as `filters`: they leave events out of rules that stand elsewhere, and a text does not show that by its
/// form. [`VERSIONS_MAX`] of them, and where there are more, how many as `filtersTotal`. Where there are none, nothing.
pub fn with_filters(told: Told, filters: &[String]) -> Told {
    if filters.is_empty() {
        return told;
    }
    let told = told.asked("filters", json!(&filters[..filters.len().min(VERSIONS_MAX)]));
    if filters.len() > VERSIONS_MAX { told.asked("filtersTotal", filters.len()) } else { told }
}

/// Tells which rules came, went and changed, of a package that came, was upgraded or went.
pub fn with_difference(told: Told, before: &Versions, after: &Versions) -> Told {
    let only = |one: &Versions, other: &Versions| -> Versions {
        one.iter()
            .filter(|(id, _)| !other.contains_key(*id))
            .map(|(id, version)| (id.clone(), version.clone()))
            .collect()
    };
    let changed = |one: &Versions, other: &Versions| -> Versions {
        let changed = one.iter().filter(|(id, version)| other.get(*id).is_some_and(|other| other != *version));
        changed.map(|(id, version)| (id.clone(), version.clone())).collect()
    };
    let told = with_versions(told, "rulesAdded", &only(after, before));
    let told = with_versions(told, "rulesRemoved", &only(before, after));
    let told = with_versions(told, "rulesChangedBefore", &changed(before, after));
    with_versions(told, "rulesChanged", &changed(after, before))
}

/// A rule as it is in force with a tuning, for the audit log. Of a filter, which finds nothing itself, whether it is
/// laid over rules.
pub fn in_force(document: &Document, is_enabled: bool, tuning: &Tuning, without_audit: bool) -> Value {
    if is_filter(document) {
        return json!({"is_enabled": is_enabled});
    }
    let meta = document.meta();
    let mut rule = json!({
        "is_enabled": is_enabled,
        "level": tuning.level.unwrap_or(meta.level),
        "policy": tuning.policy.as_ref().unwrap_or(&meta.extension.policy),
        "without_audit": without_audit,
    });
    if let Some(threshold) = tuning.threshold.or_else(|| whodid_rules::threshold_of(document)) {
        rule["threshold"] = json!(threshold);
    }
    rule
}

/// Whether some of these documents, which stand in one text or package, look at what whodid tells of itself.
pub fn look_at_audit(documents: &[&Document]) -> bool {
    documents.iter().any(|document| match &document.body {
        Body::Detection(detection) => {
            detection.logsource().product.as_deref().is_none_or(|product| product == OURSELVES)
        }
        Body::Advisor(_) => true,
        // It sees what its rules see; those that stand elsewhere may see anything.
        Body::Correlation(correlation) => {
            !correlation.rules.iter().all(|name| documents.iter().any(|other| other.is_called(name)))
        }
        Body::Filter(_) => false,
    })
}

/// The answer to who may not read the audit log, and would make `what`, which looks at it, blind to it.
pub fn would_blind(what: &str) -> Failure {
    let detail = format!(
        "{what} looks at the audit log, which you may not read: changed by you it would see nothing of it any more, so \
         nothing was changed. Ask somebody who has `audit.read` to make the change, or make a rule of your own, which \
         looks at the other events"
    );
    Failure::new(Code::Forbidden, detail)
}

/// Refuses everybody but administrators to switch off what tells when somebody makes whodid blind. `what`: the rule, or
/// the package that holds such rules.
pub fn refuse_guard_off(caller: &Caller, account: &AccountName, what: &str) -> Result<(), Failure> {
    if caller.needs(Permission::SettingsManage, Some(account.as_str())).is_ok() {
        return Ok(());
    }
    let detail = format!(
        "{what} tells when somebody makes whodid blind, so `rules.manage` does not suffice to switch it off: ask an \
         administrator, who has `settings.manage`"
    );
    Err(Failure::new(Code::Forbidden, detail))
}

/// Refuses everybody a tuning by which a rule that tells when somebody makes whodid blind would tell less. `tuning` is
/// what the request would make of it.
pub fn refuse_lowered_guard(document: &Document, request: &RuleUpdate, tuning: &Tuning) -> Result<(), Failure> {
    let meta = document.meta();
    let is_tuned = request.level.is_some() || request.threshold.is_some() || request.policy.is_some();
    if !is_guard(&meta.id) || !is_tuned {
        return Ok(());
    }
    let stated = &meta.extension.policy;
    let policy = tuning.policy.as_ref().unwrap_or(stated);
    let fault = if tuning.level.is_some_and(|level| level < Level::Medium) {
        "`level` is medium or above"
    } else if tuning.threshold.is_some() || policy.threshold > stated.threshold {
        "it has no other `threshold` than its own"
    } else if policy.dedup_window_micros > stated.dedup_window_micros {
        "`policy.dedup_window` is no longer than its own, so that no deed hides behind another"
    } else if policy.daily_cap.is_some() {
        "it has no `policy.daily_cap`"
    } else {
        return Ok(());
    };
    let detail =
        format!("`{}` tells when somebody makes whodid blind, and cannot be made to tell less: {fault}", meta.id);
    Err(Failure::new(Code::Conflict, detail))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use whodid_audit::Deed;

    use super::*;

    fn of(ids: &[(&str, &str)]) -> Versions {
        ids.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn an_upgrade_tells_which_rules_came_went_and_changed() {
        let (before, after) =
            (of(&[("gone", "1"), ("same", "2"), ("other", "3")]), of(&[("same", "2"), ("other", "4"), ("new", "5")]));
        let told = with_difference(Told::success(Deed::PackageUpdate, "p", "P"), &before, &after);
        let expected = json!({
            "rulesAdded": {"new": "5"}, "rulesRemoved": {"gone": "1"},
            "rulesChangedBefore": {"other": "3"}, "rulesChanged": {"other": "4"},
        });
        assert_eq!(Value::Object(told.request), expected);
    }

    #[test]
    fn of_very_many_rules_some_are_told_and_how_many_there_are() {
        let many: Versions = (0..VERSIONS_MAX + 5).map(|number| (format!("r{number:04}"), "v".to_owned())).collect();
        let told = with_versions(Told::success(Deed::PackageCreate, "p", "P"), "rulesAdded", &many);
        assert_eq!(told.request["rulesAdded"].as_object().unwrap().len(), VERSIONS_MAX);
        assert_eq!(told.request["rulesAddedTotal"], VERSIONS_MAX + 5);
    }

    #[test]
    fn filters_are_told_by_their_ids_and_rules_are_none() {
        let filter = "title: F\nid: f\nlogsource: {category: activity}\n\
            filter: {rules: any, sel: {action: a}, condition: not sel}\n";
        let rule = "title: R\nid: r\nlogsource: {category: activity}\n\
            detection: {filter: {action: a}, condition: filter}\n";
        let told = |text: &str| {
            let loaded = whodid_rules::load("t.yml", text);
            assert!(!loaded.has_errors(), "{:?}", loaded.problems);
            let told = with_filters(Told::success(Deed::RuleCreate, "r", "R"), &filters(&loaded.documents));
            Value::Object(told.request)
        };
        assert_eq!(told(&format!("{rule}---\n{filter}")), json!({"filters": ["f"]}));
        assert_eq!(told(rule), json!({}), "a part of its detection has that name");
        let many: Vec<String> = (0..VERSIONS_MAX + 5).map(|number| format!("f{number}")).collect();
        let told = with_filters(Told::success(Deed::RuleCreate, "r", "R"), &many);
        assert_eq!(told.request["filters"].as_array().unwrap().len(), VERSIONS_MAX);
        assert_eq!(told.request["filtersTotal"], VERSIONS_MAX + 5);
    }

    #[test]
    fn what_looks_at_the_audit_log_is_known_by_its_log_source() {
        let detection = |id: &str, source: &str| {
            format!("title: {id}\nid: {id}\nlogsource: {source}\ndetection: {{sel: {{action: a}}, condition: sel}}\n")
        };
        let counted = |of: &str| {
            format!(
                "title: N\nid: n\ncorrelation: {{type: event_count, rules: [{of}], timespan: 1m, condition: {{gte: 2}}}}\n"
            )
        };
        let looks = |text: &str| {
            let loaded = whodid_rules::load("t.yml", text);
            assert!(!loaded.has_errors(), "{:?}", loaded.problems);
            look_at_audit(&loaded.documents.iter().collect::<Vec<_>>())
        };
        let elsewhere = detection("a", "{product: aws, service: cloudtrail}");
        assert!(looks(&detection("a", "{category: activity}")));
        assert!(looks(&detection("a", "{category: activity, product: whodid}")));
        assert!(!looks(&elsewhere));
        assert!(!looks(&format!("{elsewhere}---\n{}", counted("a"))));
        assert!(looks(&counted("b")), "nobody knows what it counts");
    }
}
