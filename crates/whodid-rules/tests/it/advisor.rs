//! The JSON packages of Security Advisor, as published and as people wrote their own.

use crate::world::{matches, rules, told};
use whodid_rules::{Body, Build, RuleSet};

fn event(time: &str, action: &str, name: &str, code: &str) -> String {
    format!(
        r#"{{"eventTime":"2026-06-01T{time}+0000","action":"{action}","outcome":"success","message":"m","severity":"normal","initiator":{{"id":"IBMid-{name}","name":"{name}","typeURI":"service/security/account/user","credential":{{"type":"token"}},"host":{{"address":"192.0.2.1"}}}},"target":{{"id":"crn:v1:x","name":"t","typeURI":"kms/secrets"}},"observer":{{"name":"ActivityTracker"}},"reason":{{"reasonCode":{code},"reasonType":"x"}},"logSourceCRN":"crn:v1:x","saveServiceCopy":true}}"#
    )
}

fn lines(events: &[String]) -> String {
    events.join("\n")
}

const DELETED: &str = r#"[{"comment":"c","conditions":{"all":[{"fact":"action","operator":"equal","value":"kms.secrets.delete"}]},"event":{"type":"key deleted","params":{"findingType":"kms-key-deleted"}}}]"#;

#[test]
fn a_boolean_rule_matches_single_events() {
    let events = lines(&[
        event("10:00:00", "kms.secrets.delete", "a", "200"),
        event("10:00:01", "kms.secrets.read", "a", "200"),
    ]);
    let rules = rules(DELETED);
    assert_eq!(matches(&rules, &events), ["key-deleted: 0"]);
    assert_eq!(rules.rules()[0].meta.extension.finding_type.as_deref(), Some("ata-kms-key-deleted"));
    assert_eq!(rules.rules()[0].provider, "security-advisor");
}

#[test]
fn equality_is_strict_about_types() {
    let rule = |value: &str| {
        format!(
            r#"[{{"conditions":{{"all":[{{"fact":"reason","operator":"equal","value":{value},"path":".reasonCode"}}]}},"event":{{"type":"r","params":{{"findingType":"f"}}}}}}]"#
        )
    };
    let events = lines(&[event("10:00:00", "a.b.read", "a", "400"), event("10:00:01", "a.b.read", "a", "\"400\"")]);
    assert_eq!(matches(&rules(&rule("400")), &events), ["r: 0"]);
    assert_eq!(matches(&rules(&rule("\"400\"")), &events), ["r: 1"]);
}

#[test]
fn the_time_of_day_wraps_midnight_and_both_spellings_agree() {
    let of = |cond: &str| {
        format!(
            r#"[{{"conditions":{{"all":[{{"fact":"action","operator":"equal","value":"kms.secrets.unwrap"}},{cond}]}},"event":{{"type":"ccw","params":{{"findingType":"f"}}}}}}]"#
        )
    };
    let params =
        r#"{"fact":"timeOfDay","operator":"equal","value":true,"params":{"dayStartTime":"1700","dayEndTime":"0800"}}"#;
    let compared = r#"{"any":[{"fact":"event_time","operator":"lessThan","value":"0800"},{"fact":"event_time","operator":"greaterThan","value":"1659"}]}"#;
    let events = lines(
        &["07:59:59", "08:00:00", "16:59:59", "17:00:00", "23:30:00"]
            .map(|time| event(time, "kms.secrets.unwrap", "a", "200")),
    );
    for cond in [params, compared] {
        assert_eq!(matches(&rules(&of(cond)), &events), ["ccw: 0 3 4"], "{cond}");
    }
}

#[test]
fn lists_and_absent_members_are_as_the_engine_has_them() {
    let of = |operator: &str, fact: &str| {
        format!(
            r#"[{{"conditions":{{"all":[{{"fact":"{fact}","operator":"{operator}","value":["a","b"],"path":".name"}}]}},"event":{{"type":"r","params":{{"findingType":"f"}}}}}}]"#
        )
    };
    let events = lines(&[event("10:00:00", "x.y.read", "a", "200"), event("10:00:01", "x.y.read", "eve", "200")]);
    assert_eq!(matches(&rules(&of("in", "initiator")), &events), ["r: 0"]);
    assert_eq!(matches(&rules(&of("notIn", "initiator")), &events), ["r: 1"]);
    assert_eq!(matches(&rules(&of("notIn", "nothing")), &events), ["r: 0 1"]);
    assert!(matches(&rules(&of("in", "nothing")), &events).is_empty());
}

const MANY: &str = r#"[{"conditions":{"all":[{"fact":"action","operator":"equal","value":"iam-identity.user-apikey.login"},{"fact":"reason","operator":"equal","value":400,"path":".reasonCode"},{"fact":"occurrences","operator":"greaterThan","value":2},{"fact":"withInLast","operator":"equal","value":"30 minutes"}]},"event":{"type":"many","params":{"findingType":"f"}},"type":"aggregate"GROUP}]"#;

#[test]
fn an_aggregate_counts_over_the_account_and_with_group_by_over_each() {
    let failed = |time: &str, name: &str| event(time, "iam-identity.user-apikey.login", name, "400");
    let events = lines(&[
        failed("10:00:00", "a"),
        failed("10:10:00", "b"),
        failed("10:20:00", "a"),
        failed("10:55:00", "a"),
        failed("10:56:00", "a"),
        failed("10:57:00", "a"),
    ]);
    let all = rules(&MANY.replace("GROUP", ""));
    assert_eq!(told(&all, &crate::world::hits(&all, &events)), ["many  10:20:00", "many  10:57:00"]);
    let each = rules(&MANY.replace("GROUP", r#","groupBy":["initiator.name"]"#));
    assert_eq!(told(&each, &crate::world::hits(&each, &events)), ["many a 10:57:00"]);
}

#[test]
fn things_that_coincide_are_read_in_both_spellings() {
    let manual = r#"[{"conditions":{"all":[{"fact":"actions","operator":"contains","value":"iam-groups.rule.read"},{"fact":"actions","operator":"contains","value":"iam-groups.rule.delete"},{"fact":"withInLast","operator":"equal","value":"10 minutes"}]},"event":{"type":"both","params":{"findingType":"f"}},"type":"coincident"}]"#;
    let packages = r#"[{"dormant":true,"conditions":{"all":[{"all":[{"fact":"action","operator":"equal","value":"iam-groups.rule.read"},{"fact":"occurrences","operator":"equal","value":1}]},{"all":[{"fact":"action","operator":"equal","value":"iam-groups.rule.delete"},{"fact":"occurrences","operator":"equal","value":1}]},{"fact":"withInLast","operator":"equal","value":"10 minutes"}]},"event":{"type":"both","params":{"findingType":"f"}},"type":"coincident"}]"#;
    let events = lines(&[
        event("10:00:00", "iam-groups.rule.delete", "a", "200"),
        event("10:09:59", "iam-groups.rule.read", "b", "200"),
        event("11:00:00", "iam-groups.rule.delete", "a", "200"),
        event("11:10:01", "iam-groups.rule.read", "b", "200"),
    ]);
    for text in [manual, packages] {
        let rules = rules(text);
        assert_eq!(told(&rules, &crate::world::hits(&rules, &events)), ["both  10:09:59"], "{text}");
    }
    let loaded = whodid_rules::load("p.json", packages);
    let (sleeping, _) = RuleSet::compile(&Build { documents: loaded.documents.iter().collect(), ..Build::default() });
    assert!(sleeping.rules()[0].is_dormant);
    assert!(crate::world::hits(&sleeping, &events).is_empty(), "a dormant rule is silent");
}

#[test]
fn nearly_json_is_read_and_its_repairs_told() {
    let loaded = whodid_rules::load("p.json", &DELETED.replace("}]}", "},]}"));
    assert_eq!(loaded.documents.len(), 1);
    assert!(matches!(loaded.documents[0].body, Body::Advisor(_)));
    assert_eq!(loaded.problems[0].code, "repaired");
}

#[test]
fn a_broken_rule_leaves_its_neighbours() {
    let text = DELETED.replace("[{\"comment\"", r#"[{"conditions":{"all":[{"fact":"action","operator":"resembles","value":"x"}]},"event":{"type":"broken","params":{"findingType":"f"}}},{"comment""#);
    let loaded = whodid_rules::load("p.json", &text);
    assert_eq!(loaded.documents.len(), 1);
    assert!(loaded.problems[0].message.contains("resembles"), "{}", loaded.problems[0]);
}

#[test]
fn names_that_differ_only_in_signs_are_two_rules_with_ids_that_stay() {
    let rule = |name: &str, action: &str| {
        format!(
            r#"{{"conditions": {{"all": [{{"fact": "action", "operator": "equal", "value": "{action}"}}]}}, "event": {{"type": "{name}", "params": {{"findingType": "f"}}}}}}"#
        )
    };
    let both = |first: &str, second: &str| {
        let package = whodid_rules::advisor::read(&format!("[{first}, {second}]")).unwrap();
        assert_eq!(package.problems, [], "neither is left out");
        package.rules.iter().map(|rule| (rule.meta.title.clone(), rule.meta.id.clone())).collect::<Vec<_>>()
    };
    let (plus, minus) = (rule("quota +1", "a.b.raise"), rule("quota -1", "a.b.lower"));
    let ids = both(&plus, &minus);
    assert_eq!(ids[0].1, "quota-1");
    assert!(ids[1].1.starts_with("quota-1-") && ids[1].1.len() == "quota-1-".len() + 8, "{ids:?}");
    let mut turned = both(&minus, &plus);
    turned.reverse();
    assert_eq!(turned, ids, "their order in the file does not matter");
}
