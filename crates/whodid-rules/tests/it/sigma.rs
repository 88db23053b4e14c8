//! Sigma rules where the specification leaves it to us, and where the library has traps.

use crate::world::{compiled, documents, matches, problems, rules};
use whodid_rules::Build;

#[test]
fn a_rule_may_use_the_sources_own_names_or_ours() {
    let rules = rules(
        "title: Theirs\nid: theirs\nlogsource: {product: aws, service: cloudtrail}\ndetection: {sel: {eventName: DeleteTrail, 'userIdentity.userName|startswith': ali}, condition: sel}\n---\n\
         title: Ours\nid: ours\nlogsource: {category: activity}\ndetection: {sel: {action: DeleteTrail, initiator.name: alice, cadf.action: delete, result: denied}, condition: sel}\n",
    );
    let event = r#"{"eventVersion":"1.08","eventTime":"2026-06-01T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"x","errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::1:user/alice"},"eventID":"e1","readOnly":false,"eventType":"AwsApiCall"}"#;
    assert_eq!(matches(&rules, event), ["theirs: 0", "ours: 0"]);
}

#[test]
fn an_object_is_matched_as_its_compact_text_and_a_list_by_any_of_its_elements() {
    let rules = rules(
        "title: O\nid: object\nlogsource: {product: x}\ndetection: {sel: {'parameters|contains': '\"role\":\"admin\"'}, condition: sel}\n---\n\
         title: L\nid: list\nlogsource: {product: x}\ndetection: {sel: {tags: red}, condition: sel}\n---\n\
         title: E\nid: element\nlogsource: {product: x}\ndetection: {sel: {'items.name': b}, condition: sel}\n---\n\
         title: I\nid: index\nsigma-version: 3\nlogsource: {product: x}\ndetection: {sel: {'items[1].name': b}, condition: sel}\n",
    );
    let events = concat!(
        "{\"action\":\"a\",\"parameters\": { \"role\" : \"admin\" }, \"tags\":[\"blue\",\"red\"]}\n",
        "{\"action\":\"a\",\"parameters\":{\"role\":\"user\"},\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n",
        "{\"action\":\"a\",\"items\":[{\"name\":\"b\"}]}\n",
    );
    assert_eq!(matches(&rules, events), ["object: 0", "list: 0", "element: 1 2", "index: 1"]);
}

#[test]
fn names_with_dots_in_them_are_found() {
    let rules = rules(
        "title: T\nid: dots\nlogsource: {product: kubernetes}\ndetection: {sel: {'annotations.authorization.k8s.io/decision': forbid}, condition: sel}\n",
    );
    let events = r#"{"action":"a","annotations":{"authorization.k8s.io/decision":"forbid"}}"#;
    assert_eq!(matches(&rules, events), ["dots: 0"]);
}

#[test]
fn null_means_absent_or_null() {
    let rules = rules(
        "title: T\nid: none\nlogsource: {product: x}\ndetection: {sel: {action: a, err: null}, condition: sel}\n",
    );
    let events = "{\"action\":\"a\"}\n{\"action\":\"a\",\"err\":null}\n{\"action\":\"a\",\"err\":\"x\"}\n{\"action\":\"a\",\"err\":\"\"}\n";
    assert_eq!(matches(&rules, events), ["none: 0 1"]);
}

#[test]
fn keywords_are_looked_for_in_values_and_never_in_names() {
    let rules = rules(
        "title: T\nid: key\nlogsource: {product: x}\ndetection: {keywords: [secret, 4625], condition: keywords}\n",
    );
    let events = "{\"action\":\"a\",\"secret\":\"x\"}\n{\"action\":\"a\",\"x\":{\"y\":[\"my Secret\"]}}\n{\"action\":\"a\",\"code\":4625}\n";
    assert_eq!(matches(&rules, events), ["key: 1 2"]);
}

#[test]
fn elements_of_a_list_can_be_asked_as_wholes() {
    let rules = rules(
        "title: T\nid: any\nsigma-version: 3\nlogsource: {product: x}\ndetection: {sel: {'items[any]': {name: b, size: 2}}, condition: sel}\n",
    );
    let events = "{\"action\":\"a\",\"items\":[{\"name\":\"a\",\"size\":2},{\"name\":\"b\",\"size\":1}]}\n{\"action\":\"a\",\"items\":[{\"name\":\"b\",\"size\":2}]}\n";
    assert_eq!(matches(&rules, events), ["any: 1"]);
}

#[test]
fn a_filter_is_laid_over_rules_by_id_name_or_title_and_takes_no_part_in_their_selectors() {
    let rules = rules(
        "title: Rule\nid: r1\nname: the_rule\nlogsource: {product: x}\ndetection: {selection_a: {action: a}, selection_b: {user: bob}, condition: 1 of selection_*}\n---\n\
         title: Other\nid: r2\nlogsource: {product: x}\ndetection: {selection: {action: a}, condition: all of them}\n---\n\
         title: Not the robot\nlogsource: {product: x}\nfilter: {rules: [the_rule], selection_robot: {user: robot}, condition: not 1 of selection_*}\n",
    );
    let events = "{\"action\":\"a\",\"user\":\"eve\"}\n{\"action\":\"a\",\"user\":\"robot\"}\n{\"action\":\"b\",\"user\":\"bob\"}\n";
    assert_eq!(matches(&rules, events), ["r1: 0 2", "r2: 0 1"]);
}

#[test]
fn placeholders_take_the_values_of_variables() {
    let text = "title: T\nid: var\nlogsource: {product: x}\ndetection: {sel: {action: a}, known: {'user|expand': '%admins%'}, condition: sel and not known}\n";
    let documents = documents(text);
    let given = [("admins".to_owned(), vec!["bob".to_owned(), "root".to_owned()])];
    let build = Build { documents: documents.iter().collect(), variables: given.into(), ..Build::default() };
    let events = "{\"action\":\"a\",\"user\":\"eve\"}\n{\"action\":\"a\",\"user\":\"Root\"}\n";
    assert_eq!(matches(&compiled(&build), events), ["var: 0"]);
    let missing = problems(text);
    assert_eq!(missing[0].code, "needs_configuration");
    assert!(missing[0].message.contains("admins"), "{}", missing[0]);
}

#[test]
fn a_source_rules_out_rules_for_others_only_when_routed() {
    let text = "title: W\nid: windows\nlogsource: {product: windows}\ndetection: {keywords: [DeleteTrail], condition: keywords}\n---\n\
                title: A\nid: aws\nlogsource: {product: aws}\ndetection: {sel: {eventName: DeleteTrail}, condition: sel}\n";
    let documents = documents(text);
    let event = r#"{"eventVersion":"1.08","eventTime":"2026-06-01T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail","awsRegion":"eu-west-1","userIdentity":{"type":"Root"},"eventID":"e1"}"#;
    let build = |routes| Build { documents: documents.iter().collect(), routes, ..Build::default() };
    assert_eq!(matches(&compiled(&build(false)), event), ["windows: 0", "aws: 0"]);
    assert_eq!(matches(&compiled(&build(true)), event), ["aws: 0"]);
}

#[test]
fn what_cannot_be_used_is_told_one_by_one_and_its_neighbours_work() {
    for (text, code, part) in [
        ("title: T\nlogsource: {}\ndetection: {sel: {'a|frobnicate': 1}, condition: sel}\n", "sigma", "frobnicate"),
        ("title: T\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel and}\n", "sigma", "condition"),
        ("title: T\nid: x\nlogsource: {}\ndetection: {sel: {'a|re': '('}, condition: sel}\n", "unsupported", "regex"),
        ("logsource: {}\ndetection: {sel: {a: 1}, condition: sel}\n", "sigma", "title"),
        (
            "title: T\ncorrelation: {type: event_count, rules: [nobody], timespan: 5m, condition: {gte: 2}}\n",
            "unknown_rule",
            "nobody",
        ),
        ("title: T\ncorrelation: {type: frequency, rules: [a], timespan: 5m}\n", "correlation", "event_count"),
        (
            "title: T\ncorrelation: {type: event_count, rules: [a], timespan: soon, condition: {gte: 2}}\n",
            "correlation",
            "timespan",
        ),
        (
            "title: T\nname: a\ncorrelation: {type: event_count, rules: [a], timespan: 5m, condition: {gte: 2}}\n",
            "cycle",
            "itself",
        ),
        (
            "title: T\nwhodid: {hours: {outside: \"8 to 5\"}}\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel}\n",
            "hours",
            "window",
        ),
        (
            "title: T\nwhodid: {policy: {dedup_window: forever}}\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel}\n",
            "policy",
            "60m",
        ),
    ] {
        let with_neighbour = format!(
            "{text}---\ntitle: Good\nid: good\nlogsource: {{}}\ndetection: {{sel: {{a: 1}}, condition: sel}}\n"
        );
        let found = problems(&with_neighbour);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].code, code, "{text}: {}", found[0]);
        assert!(found[0].message.to_lowercase().contains(part), "{text}: {}", found[0]);
    }
}

#[test]
fn two_rules_of_one_id_are_told() {
    let text = "title: A\nid: x\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel}\n---\ntitle: B\nid: x\nlogsource: {}\ndetection: {sel: {a: 2}, condition: sel}\n";
    assert_eq!(problems(text)[0].code, "duplicate");
}
