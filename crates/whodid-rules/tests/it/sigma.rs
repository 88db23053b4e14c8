//! Sigma rules where the specification leaves it to us, and where the library has traps.

use crate::world::{compiled, documents, hits, matches, problems, rules, told};
use whodid_rules::{Build, Gravity, Problem, RuleSet, Values, Variables};

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
fn a_name_counts_in_any_case_where_the_event_has_none_that_is_written_so() {
    let rules = rules(
        "title: T\nid: flat\nlogsource: {product: okta}\ndetection: {sel: {eventtype: a.b}, condition: sel}\n---\n\
         title: T\nid: deep\nlogsource: {product: okta}\ndetection: {sel: {ACTOR.alternateid: bob}, condition: sel}\n---\n\
         title: T\nid: listed\nlogsource: {product: okta}\ndetection: {sel: {target.displayname: x}, condition: sel}\n---\n\
         title: T\nid: none\nlogsource: {product: okta}\ndetection: {sel: {id: '*', eventtype: null}, condition: sel}\n",
    );
    let events = concat!(
        "{\"id\":\"1\",\"eventType\":\"a.b\",\"actor\":{\"alternateId\":\"bob\"}}\n",
        // The very name comes first, wherever it stands; else the first listed.
        "{\"id\":\"2\",\"eventType\":\"a.b\",\"eventtype\":\"c\"}\n",
        "{\"id\":\"3\",\"EventType\":\"c\",\"eventType\":\"a.b\"}\n",
        "{\"id\":\"4\",\"EVENTTYPE\":\"a.b\",\"Target\":[{\"displayName\":\"y\"},{\"DisplayName\":\"x\"}]}\n",
        "{\"id\":\"5\",\"Actor.AlternateId\":\"bob\"}\n",
        "{\"id\":\"6\",\"eventTypes\":\"a.b\",\"actor\":{\"alternate\":\"bob\"}}\n",
    );
    assert_eq!(matches(&rules, events), ["flat: 0 3", "deep: 0 4", "listed: 3", "none: 4 5"]);
}

#[test]
fn a_name_of_ours_comes_before_the_sources_name_in_another_case() {
    let text = "title: T\nid: json\nlogsource: {product: x}\ndetection: {sel: {source: json}, condition: sel}\n---\n\
         title: T\nid: other\nlogsource: {product: x}\ndetection: {sel: {source: other}, condition: sel}\n";
    let rules = rules(text);
    let events = "{\"action\":\"a\",\"Source\":\"other\"}\n{\"action\":\"a\",\"source\":\"other\"}\n";
    assert_eq!(matches(&rules, events), ["json: 0", "other: 1"]);
}

#[test]
fn the_forms_that_rules_of_a_source_use_are_found_in_its_events() {
    let rules = rules(
        "title: T\nid: column\nlogsource: {product: azure, service: signinlogs}\ndetection: {sel: {ResultType: 50126, AutonomousSystemNumber: 64500, DeviceDetail.deviceId: ''}, condition: sel}\n---\n\
         title: T\nid: ecs\nlogsource: {product: gcp, service: gcp.audit}\ndetection: {sel: {gcp.audit.method_name|endswith: .insert, gcp.audit.request.source_ranges: 0.0.0.0/0}, condition: sel}\n---\n\
         title: T\nid: message\nlogsource: {product: gcp, service: gcp.audit}\ndetection: {sel: {data.protoPayload.serviceName: compute.googleapis.com, data.protoPayload.resource.type: gce_firewall_rule}, condition: sel}\n",
    );
    let sign_in = r#"{"time":"2026-06-01T10:00:00Z","resourceId":"/tenants/t/providers/Microsoft.aadiam","operationName":"Sign-in activity","category":"SignInLogs","tenantId":"t","resultType":"50126","callerIpAddress":"192.0.2.1","correlationId":"c","properties":{"id":"i","createdDateTime":"2026-06-01T10:00:00Z","userPrincipalName":"bob@example.com","autonomousSystemNumber":64500,"deviceDetail":{"deviceId":""}}}"#;
    let inserted = r#"{"insertId":"a","timestamp":"2026-06-01T10:00:00Z","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","resource":{"type":"gce_firewall_rule","labels":{"project_id":"p"}},"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"bob@example.com"},"serviceName":"compute.googleapis.com","methodName":"v1.compute.firewalls.insert","resourceName":"r","request":{"sourceRanges":["0.0.0.0/0"]}}}"#;
    assert_eq!(matches(&rules, &format!("{sign_in}\n{inserted}\n")), ["column: 0", "ecs: 1", "message: 1"]);
    // Of other sources nothing is looked for there.
    let other = r#"{"action":"a","properties":{"ResultType":50126,"AutonomousSystemNumber":64500,"DeviceDetail":{"deviceId":""}}}"#;
    assert_eq!(matches(&rules, other), Vec::<String>::new());
}

#[test]
fn operators_of_conditions_may_stand_in_capitals() {
    let one = |id: &str, item: &str| {
        format!(
            "title: T\nid: {id}\nlogsource: {{product: x}}\ndetection: {{sel: {{{item}}}, OR: {{u: eve}}, condition: sel AND NOT OR}}\n---\n"
        )
    };
    let both = "title: T\nid: both\ncorrelation: {type: temporal, rules: [a, b], generate: true, timespan: 1h, condition: a AND b}\n";
    let rules = rules(&(one("a", "n: 1") + &one("b", "n: 2") + both));
    let events = "{\"n\":1,\"u\":\"bob\"}\n{\"n\":1,\"u\":\"eve\"}\n{\"n\":2,\"u\":\"bob\"}\n";
    assert_eq!(matches(&rules, events), ["a: 0", "b: 2"]);
    assert!(told(&rules, &hits(&rules, events)).iter().any(|hit| hit.starts_with("both ")));
}

#[test]
fn what_is_probably_meant_otherwise_is_a_warning() {
    for (text, code, part) in [
        ("title: T\ndetection: {sel: {a: 1}, condition: sel}\n", "logsource", "every source"),
        (
            "title: T\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel and not 1 of filter_*}\n",
            "condition",
            "'filter_*'",
        ),
        ("title: T\nlogsource: {}\ndetection: {sel: {a: 1}, condition: all of filter_*}\n", "condition", "every event"),
        ("title: T\nlogsource: {}\ntag: [x]\ndetection: {sel: {a: 1}, condition: sel}\n", "key", "'tags'"),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].gravity, found[0].code), (Gravity::Warning, code), "{text}: {}", found[0]);
        assert!(found[0].message.contains(part), "{text}: {}", found[0]);
    }
}

#[test]
fn of_the_built_in_rules_there_is_nothing_to_say() {
    for package in whodid_rules::builtin() {
        let mut values = Values::default();
        values.add(package, &Variables::new(), true);
        let linted = whodid_rules::lint(&package.documents(), &values);
        let waits = |problem: &&Problem| problem.code == "needs_configuration" && problem.gravity == Gravity::Warning;
        let said: Vec<String> =
            linted.problems.iter().filter(|problem| !waits(problem)).map(ToString::to_string).collect();
        assert_eq!((linted.left_out, said), (0, Vec::new()));
    }
}

#[test]
fn null_means_absent_or_null() {
    let rules = rules(
        "title: T\nid: none\nlogsource: {product: x}\ndetection: {sel: {action: a, err: null}, condition: sel}\n",
    );
    let events = "{\"action\":\"a\"}\n{\"action\":\"a\",\"err\":null}\n{\"action\":\"a\",\"err\":\"x\"}\n{\"action\":\"a\",\"err\":\"\"}\n";
    assert_eq!(matches(&rules, events), ["none: 0 1"]);
}

/// Of an event without the member, with null, with an empty text, with a text, with a list.
#[test]
fn what_is_absent_null_or_empty_is_three_things() {
    let asked = [
        ("none", "err: null"),
        ("empty", "err: ''"),
        ("is", "'err|exists': true"),
        ("is-not", "'err|exists': false"),
        ("other", "'err|neq': x"),
        ("no-part", "'err|contains|neq': x"),
        ("some", "'err|neq': null"),
    ];
    let mut text = String::new();
    for (id, item) in asked {
        text += &format!(
            "title: T\nid: {id}\nlogsource: {{product: x}}\ndetection: {{sel: {{{item}}}, condition: sel}}\n---\n"
        );
    }
    text += "title: T\nid: not\nlogsource: {product: x}\ndetection: {sel: {err: x}, condition: not sel}\n";
    let events = "{\"action\":\"a\"}\n{\"action\":\"a\",\"err\":null}\n{\"action\":\"a\",\"err\":\"\"}\n\
                  {\"action\":\"a\",\"err\":\"xy\"}\n{\"action\":\"a\",\"err\":[\"x\",\"y\"]}\n";
    assert_eq!(
        matches(&rules(&text), events),
        [
            "none: 0 1",
            "empty: 2",
            "is: 1 2 3 4",
            "is-not: 0",
            "other: 2 3",
            "no-part: 2",
            "some: 2 3 4",
            "not: 0 1 2 3",
        ]
    );
}

#[test]
fn not_equal_means_other_than_each_of_the_values() {
    let rules = rules(
        "title: T\nid: several\nlogsource: {product: x}\ndetection: {sel: {'user|neq': [bob, eve]}, condition: sel}\n---\n\
         title: T\nid: number\nlogsource: {product: x}\ndetection: {sel: {'size|neq': 5}, condition: sel}\n---\n\
         title: T\nid: field\nlogsource: {product: x}\ndetection: {sel: {'user|fieldref|neq': owner}, condition: sel}\n---\n\
         title: T\nid: element\nsigma-version: 3\nlogsource: {product: x}\n\
         detection: {sel: {'list[any]': {kind: a, 'user|neq': bob}}, condition: sel}\n---\n\
         title: T\nid: itself\nsigma-version: 3\nlogsource: {product: x}\n\
         detection: {sel: {'names[any]|neq': bob}, condition: sel}\n",
    );
    let events = r#"{"action":"a","user":"Bob","size":5}
{"action":"a","user":"mara","size":"6","owner":"bob"}
{"action":"a","user":"mara","size":null,"owner":"MARA"}
{"action":"a","user":"mara","owner":null,"list":[{"kind":"a","user":"bob"},{"kind":"b","user":"eve"},{"kind":"a"}]}
{"action":"a","list":[{"kind":"a","user":null},{"kind":"a","user":"eve"}]}
{"action":"a","names":[null,"bob"]}
{"action":"a","names":[null,"eve"]}
"#;
    assert_eq!(matches(&rules, events), ["several: 1 2 3", "number: 1", "field: 1", "element: 4", "itself: 6"]);
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
fn names_within_elements_are_looked_for_as_names_of_events_are() {
    let rule = |id: &str, body: &str| {
        format!(
            "title: T\nid: {id}\nsigma-version: 3\nlogsource: {{product: x}}\ndetection: {{sel: {{{body}}}, condition: sel}}\n---\n"
        )
    };
    let text = rule("case", "'Items[any]': {NAME: b, 'Size|gte': 2}")
        + &rule("path", "'items[any]': {Of.Kind: x, 'of|contains': '\"kind\":\"x\"'}")
        + &rule("both", "'items[any]': {name: b, 'name|exists': true, 'size|exists': false}")
        + &rule("below", "'items[any]': {'TAGS[any]': {Key: k, value: v}}")
        + &rule("named", "'items[any]': {one: {NAME: b}, two: {Size: 1}, condition: one and not two}")
        + &rule("itself", "'items[any]|startswith': pla");
    let events = r#"{"action":"a","items":[{"name":"b","size":1},{"Name":"b","SIZE":3}]}
{"action":"a","ITEMS":[{"name":"a","Name":"b","size":2}]}
{"action":"a","items":[{"OF":[{"kind":"y"},{"kind":"x"}]},{"of":{"kind":"x"}}]}
{"action":"a","items":[{"name":"b"},{"tags":[{"key":"k","value":"w"},{"key":"l","value":"v"}]}]}
{"action":"a","items":[{"Tags":[{"KEY":"k","value":"v"}]},"plain"]}
"#;
    assert_eq!(
        matches(&rules(&text), events),
        ["case: 0", "path: 2", "both: 3", "below: 4", "named: 0 3", "itself: 4"],
        "of two names that differ in case the very name counts"
    );
}

#[test]
fn names_below_columns_that_hold_json_count_whatever_their_case() {
    let rules = rules(
        "title: T\nid: ours\nlogsource: {category: activity}\ndetection: {sel: {requestData.BUCKETNAME: b}, condition: sel}\n---\n\
         title: T\nid: theirs\nlogsource: {product: aws}\ndetection: {sel: {requestData.bucketname: b}, condition: sel}\n---\n\
         title: T\nid: very\nlogsource: {category: activity}\ndetection: {sel: {requestData.bucketName: b}, condition: sel}\n---\n\
         title: T\nid: elements\nsigma-version: 3\nlogsource: {category: activity}\n\
         detection: {sel: {'requestData.rules[any]': {FromPort: 22, 'Sources|contains': 0.0.0.0/0}}, condition: sel}\n",
    );
    let event = |parameters: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2026-06-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-west-1","userIdentity":{{"type":"Root"}},"eventID":"e1","requestParameters":{parameters}}}"#
        ) + "\n"
    };
    let events = event(r#"{"bucketName":"b"}"#)
        + &event(r#"{"bucketname":"b"}"#)
        + &event(r#"{"bucketname":"a","bucketName":"b"}"#)
        + &event(r#"{"b\u0075cketName":"b"}"#)
        + &event(r#"{"rules":[{"fromPort":22,"sources":["10.0.0.0/8"]},{"fromPort":80,"sources":["0.0.0.0/0"]}]}"#)
        + &event(r#"{"rules":[{"fromPort":22,"sources":["10.0.0.0/8","0.0.0.0/0"]}]}"#);
    assert_eq!(matches(&rules, &events), ["ours: 0 1 3", "theirs: 0 1 3", "very: 0 1 2 3", "elements: 5"]);
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
    let variables = Variables::from(given).into();
    let build = Build { documents: documents.iter().collect(), variables, ..Build::default() };
    let events = "{\"action\":\"a\",\"user\":\"eve\"}\n{\"action\":\"a\",\"user\":\"Root\"}\n";
    assert_eq!(matches(&compiled(&build), events), ["var: 0"]);
    let missing = problems(text);
    assert_eq!(missing[0].code, "needs_configuration");
    assert!(missing[0].message.contains("admins"), "{}", missing[0]);
}

/// Once, it took every rule out that it was laid over.
#[test]
fn a_filter_without_values_narrows_nothing() {
    let documents = documents(
        "title: T\nid: t\nlogsource: {product: x}\ndetection: {sel: {action: a}, condition: sel}\n---\n\
         title: Robots\nid: robots\nlogsource: {product: x}\n\
         filter: {rules: any, sel: {'user|expand': '%robots%'}, condition: not sel}\n",
    );
    let (rules, problems) = RuleSet::compile(&Build { documents: documents.iter().collect(), ..Build::default() });
    assert_eq!(matches(&rules, "{\"action\":\"a\",\"user\":\"eve\"}\n"), ["t: 0"]);
    let told: Vec<_> = problems.iter().map(|problem| (problem.rule.as_deref(), problem.code)).collect();
    assert_eq!(told, [(Some("robots"), "needs_configuration")]);
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
        (
            "title: T\nlogsource: {}\ndetection: {sel: {a: 1}, condition: sel | count() by u > 5}\n",
            "sigma",
            "event_count",
        ),
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
