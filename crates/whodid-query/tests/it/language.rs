//! The search language, form by form: what a text parses to, shown as canonical text, and what it matches.

use whodid_query::{Test, parse, render};

/// Parses `text` and compares the canonical text; parsing that gives the same tree.
fn check(text: &str, canonical: &str) {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}\n{}", render(text, &error)));
    assert_eq!(query.to_string(), canonical, "{text}");
    assert_eq!(parse(canonical).as_ref(), Ok(&query), "{text} -> {canonical}");
}

/// Parses a search of one test and asks it about each value.
fn check_values(text: &str, matching: &[&str], other: &[&str]) {
    let test = test_of(text);
    for value in matching {
        assert!(test.matches(value), "{text} should match {value:?}: {test:?}");
    }
    for value in other {
        assert!(!test.matches(value), "{text} should not match {value:?}: {test:?}");
    }
}

fn test_of(text: &str) -> Test {
    match parse(text).map(|query| query.expr) {
        Ok(whodid_query::Expr::Term(term)) => term.test,
        other => panic!("{text} is no single test: {other:?}"),
    }
}

/// The two lines that a wrong search is answered with.
fn check_error(text: &str, expected: &str) {
    match parse(text) {
        Ok(query) => panic!("{text} was read as {query}"),
        Err(error) => assert_eq!(render(text, &error), expected.trim_start_matches('\n')),
    }
}

#[test]
fn nothing_and_a_star_are_everything() {
    check("", "");
    check("  \n", "");
    check("*", "");
    check("* alice", "alice");
    check("(* OR alice)", "");
    check("-*", "-*");
}

#[test]
fn a_word_ignores_case() {
    check("Alice", "alice");
    check("ÄRGER", "ärger");
    check("foo-bar_baz.qux@example.com", "foo-bar_baz.qux@example.com");
    check("日本語", "日本語");
}

#[test]
fn blank_is_and_and_binds_more_than_or() {
    check("a b", "a b");
    check("a AND b", "a b");
    check("a OR b", "a OR b");
    check("a b OR c d", "a b OR c d");
    check("a (b OR c) d", "a (b OR c) d");
    check("(a b) (c (d))", "a b c d");
    check("((a)OR(b))OR c", "a OR b OR c");
    check("a and b or c", "a and b or c");
    check("a(b)c", "a b c");
}

#[test]
fn searches_published_for_activity_tracker_keep_their_meaning() {
    check("_platform:==iam-identity (action login)", "service:==iam-identity login");
    check("_platform:==iam-identity (action user-apikey) -(action login)", "service:==iam-identity user-apikey -login");
    check("outcome:failure", "outcome:failure");
    check("severity:critical", "severity:critical");
    check("host:iam-am (action read)", "service:iam-am read");
    check("action", "");
    check("actions", "actions");
    check("\"action\"", "\"action\"");
    check("x:action", "x:action");
}

#[test]
fn minus_and_not_exclude() {
    check("-a", "-a");
    check("NOT a", "-a");
    check("NOT -a", "a");
    check("NOT NOT a", "a");
    check("a -b", "a -b");
    check("a AND NOT b OR -c", "a -b OR -c");
    check("-(a b)", "-(a b)");
    check("-(a OR b)", "-(a OR b)");
    check("NOT(a)", "-a");
    check("-(-(a))", "a");
    check("-\"two words\"", "-\"two words\"");
    check("-action:x", "-action:x");
    check("a-b", "a-b");
    check("a -b-c", "a -b-c");
    check("NOTHING", "nothing");
    check("ORacle ANDroid", "oracle android");
}

#[test]
fn a_field_takes_six_kinds_of_value() {
    check("action:Create", "action:create");
    check("action:=Create", "action:=Create");
    check("action:==Create", "action:==create");
    check("action:===Create", "action:===Create");
    check("action:*", "action:*");
    check("action:\"Create key\"", "action:\"create key\"");
    check("action:=\"Create key\"", "action:=\"Create key\"");
    check("action:==\"Create key\"", "action:==\"create key\"");
    check("action:===\"Create key\"", "action:===\"Create key\"");
    check("initiator.name:-", "initiator.name:\\-");
    check("f:-5", "f:\\-5");
    check("f:AND", "f:and");
}

#[test]
fn lists_are_alternatives_of_one_field() {
    check("action:[a,b,c]", "action:[a,b,c]");
    check("action:===[Aa, \"b c\" ,d*]", "action:[===Aa,===\"b c\",=d*]");
    check("action:==[a,b] x", "action:[==a,==b] x");
    check("action:[a]", "action:a");
    check("-action:[a,b]", "-action:[a,b]");
    check("f:[=A,==b]", "f:[=A,==b]");
    check("f:a OR f:b", "f:[a,b]");
    check("f:a OR g:b", "f:a OR g:b");
    check("f:[a\\,b,\"c,d]\",e\\]]", "f:[a\\,b,\"c,d]\",e\\]]");
}

#[test]
fn groups_are_applied_to_one_field() {
    check("action:(a OR b)", "action:[a,b]");
    check("action:(a b)", "action:a action:b");
    check("action:(a -b)", "action:a -action:b");
    check("action:(login OR (user -apikey))", "action:login OR action:user -action:apikey");
    check("action:==(a OR =B OR ===C)", "action:[==a,=B,===C]");
    check("action:(\"a b\" OR [c,d])", "action:[\"a b\",c,d]");
    check("target.id:(crn:v1:x OR urn:y)", "target.id:[crn:v1:x,urn:y]");
    check("action:(NOT a AND b)", "-action:a action:b");
    check("action:(* -x)", "action:* -action:x");
}

#[test]
fn comparisons_of_one_group_are_about_one_value() {
    check("reason.reasonCode:>=400", "reason.reasonCode:>=400");
    check("reason.reasonCode:(>=200 <300)", "reason.reasonCode:(>=200 <300)");
    check("reason.reasonCode:(>=200 AND <300)", "reason.reasonCode:(>=200 <300)");
    check("reason.reasonCode:(>=200 <300 -204)", "reason.reasonCode:(>=200 <300) -reason.reasonCode:204");
    check("reason.reasonCode:(<200 OR >=400)", "reason.reasonCode:<200 OR reason.reasonCode:>=400");
    check("reason.reasonCode:((>=200 <300) OR 404)", "reason.reasonCode:(>=200 <300) OR reason.reasonCode:404");
    check("f:>= 5", "f:>=5");
    check("f:>-1.5e3", "f:>-1500.0");
    check("f:<=9007199254740993", "f:<=9007199254740993");
    check("offset:>100", "offset:>100");
}

#[test]
fn times_are_compared_absolute_and_relative() {
    check("eventTime:>now-1h", "eventTime:>now-1h");
    check("event_time:>=2026-01-01", "eventTime:>=2026-01-01T00:00:00.000Z");
    check("_ts:<2026-01-01T10:00:00+0100", "eventTime:<2026-01-01T09:00:00.000Z");
    check("eventTime:(>=now-1d/d <now/d)", "eventTime:(>=now-1d/d <now/d)");
    check("eventTime:>\"2 days ago\"", "eventTime:>\"2 days ago\"");
    check("eventTime:>24h", "eventTime:>24h");
    check("recorded_at:>1689000000", "recorded_at:>2023-07-10T14:40:00.000Z");
    check("requestData.expirationDate:<now", "requestData.expirationDate:<now");
    check("f:>2026-01-01", "f:>2026-01-01T00:00:00.000Z");
}

#[test]
fn stars_stand_for_any_text() {
    check("action:kms.*", "action:kms.*");
    check("action:*.Delete", "action:*.delete");
    check("action:=*.Delete", "action:=*.Delete");
    check("action:===a*B", "action:=a*B");
    check("action:a**b***", "action:a*b*");
    check("brea*glass", "brea*glass");
    check("action:\\*x", "action:\\*x");
}

#[test]
fn networks_stand_after_a_field() {
    check("initiator.host.address:10.1.2.3/8", "initiator.host.address:10.0.0.0/8");
    check("sourceIPAddress:2001:db8::/32", "initiator.host.address:2001:db8::/32");
    check("f:2001:db8::/32", "f:2001:db8::/32");
    check("\"f\":2001:db8::/32", "\"f\":2001:db8::/32");
    check("initiator.host.address:[10.0.0.0/8,192.168.0.0/16]", "initiator.host.address:[10.0.0.0/8,192.168.0.0/16]");
    check("address:\"10.0.0.0/8\"", "address:\"10.0.0.0/8\"");
    check("address:10.0.0.0\\/8", "address:10.0.0.0\\/8");
    check("initiator.host.address:10.0.0.5", "initiator.host.address:10.0.0.5");
    check("10.0.0.0/8", "10.0.0.0/8");
}

#[test]
fn values_with_colons_need_no_quotes() {
    check("target.id:crn:v1:bluemix:public:kms:us-south:a/5f::", "target.id:crn:v1:bluemix:public:kms:us-south:a/5f::");
    check("target.id:arn:aws:iam::123456789012:user/bob", "target.id:arn:aws:iam::123456789012:user/bob");
    check("initiator.host.address:2001:db8::1", "initiator.host.address:2001:db8::1");
    check(
        "requestData.requestURI:https://example.com/a?b=c&d=%20",
        "requestData.requestURI:https://example.com/a?b=c&d=%20",
    );
    check("eventTime:2026-05-20T10:00", "eventTime:2026-05-20t10:00");
    check("crn:v1:bluemix:public", "crn:v1:bluemix:public");
    check("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/*");
    check("https://example.com/a", "https://example.com/a");
    check("2026-05-20T10:00:00Z", "2026-05-20t10:00:00z");
    check("2001:db8::1", "2001:db8::1");
    check("fe80::1", "fe80::1");
    check("::1", "\\:\\:1");
    check("10:30", "10:30");
    check("a\\:b", "a\\:b");
    check("\"a:b\"", "\"a:b\"");
}

#[test]
fn a_backslash_takes_the_next_sign_as_it_is() {
    check("a\\ b", "a\\ b");
    check("\\\"a\\\"", "\\\"a\\\"");
    check("\\-a", "\\-a");
    check("\\(a\\)", "\\(a\\)");
    check("initiator.name:CORP\\alice", "initiator.name:corp\\\\alice");
    check("C:\\\\x", "C:\\\\x");
    check("\"say \\\"hi\\\" \\\\ C:\\temp\"", "\"say \\\"hi\\\" \\\\ c:\\\\temp\"");
    check("a\\", "a\\\\");
}

#[test]
fn names_find_their_field_or_path() {
    for (name, canonical) in [
        ("action", "action"),
        ("eventName", "action"),
        ("_platform", "service"),
        ("platform", "service"),
        ("host", "service"),
        ("_host", "service"),
        ("_app", "app"),
        ("app", "app"),
        ("_outcome", "outcome"),
        ("level", "severity"),
        ("target.typeURI_str", "target.typeURI"),
        ("target_type", "target.typeURI"),
        ("userIdentity.arn_str", "userIdentity.arn"),
        ("record.app", "app"),
        ("record.offset", "offset"),
        ("recordedAt", "recorded_at"),
        ("event_time", "eventTime"),
        ("raw.action", "raw.action"),
        ("raw.raw.x", "raw.raw.x"),
        ("raw.foo", "foo"),
        ("raw.foo_str", "raw.foo_str"),
        ("raw._action", "raw._action"),
        ("requestData", "requestData"),
        ("requestData.keyId", "requestData.keyId"),
        ("request_data.keyId", "requestData.keyId"),
        ("responseData.a.b_str", "responseData.a.b"),
        ("raw.requestData.keyId", "raw.requestData.keyId"),
        ("requestParameters.bucketName", "requestParameters.bucketName"),
        ("annotations.authorization.k8s.io/decision", "annotations.authorization.k8s.io/decision"),
        ("resources[0].ARN", "resources.0.ARN"),
        ("resources[].ARN", "resources.ARN"),
        ("resources[*].ARN", "resources.ARN"),
        ("@timestamp", "@timestamp"),
        ("$schema", "$schema"),
        ("zoë", "zoë"),
        ("\"Activity Status\"", "\"Activity Status\""),
        ("\"raw.a b\"", "\"a b\""),
        ("Activity\\ Status", "\"Activity Status\""),
        ("\"a:b\"", "\"a:b\""),
        ("\"0x\"", "\"0x\""),
        ("raw.0x", "\"0x\""),
        ("\"-a\"", "\"-a\""),
        ("raw.crn", "\"crn\""),
        ("\"urn\"", "\"urn\""),
    ] {
        check(&format!("{name}:x"), &format!("{canonical}:x"));
    }
}

#[test]
fn a_prefix_begins_the_value_or_a_term_in_it() {
    check_values(
        "login",
        &["login", "Login", "user.login", "user_login", "LOGINS", "re-login", "a login b"],
        &["relogin", "lo gin", ""],
    );
    check_values(
        "action:secrets.del",
        &["kms.secrets.delete", "secrets.del"],
        &["kms.secrets-delete", "kms.mysecrets.delete"],
    );
    check_values("action:=Del", &["x.Delete"], &["x.delete", "xDelete"]);
    check_values("/v1", &["/v1/x", "host/v1", "a/b/v1"], &["v1"]);
    check_values("ärger", &["ÄRGER", "viel Ärger"], &["verärgert", "arger"]);
    check_values("f:éa", &["ÉA", "x éab"], &["xéa"]);
    check_values("日本", &["日本語", "x 日本"], &["今日本"]);
    check_values("f:403", &["403", "4031", "HTTP/1.1 403"], &["1403"]);
}

#[test]
fn exact_is_the_whole_value() {
    check_values(
        "f:==Kms.Secrets",
        &["kms.secrets", "KMS.SECRETS"],
        &["kms.secrets.list", "x kms.secrets", "kms.secret"],
    );
    check_values("f:===Kms", &["Kms"], &["kms", "Kms "]);
    check_values("f:==Straße", &["straße", "STRAßE"], &["strasse"]);
}

#[test]
fn a_phrase_is_whole_terms_inside_one_value() {
    check_values(
        "\"Access Denied\"",
        &["access denied", "x: access denied!", "Access Denied"],
        &["access denied2", "noaccess denied", "access  denied", "access"],
    );
    check_values("\"key\"", &["key", "a key b", "api-key"], &["keys", "apikey"]);
    check_values("f:\".del\"", &["x.del"], &["x.delete"]);
}

#[test]
fn stars_match_the_whole_value_after_a_field_and_whole_terms_elsewhere() {
    check_values("action:kms.*", &["kms.secrets.list", "KMS.x", "kms."], &["xkms.secrets", "a kms.b", "kms"]);
    check_values("action:*.delete", &["kms.secrets.delete", ".delete"], &["kms.delete.x", "delete"]);
    check_values("action:kms.*.delete", &["kms.secrets.delete", "kms.a.b.delete"], &["kms.delete", "iam.x.delete"]);
    check_values("action:*secret*", &["kms.secrets", "secret", "asecretb"], &["secre"]);
    check_values("f:a*a", &["aa", "aba"], &["a"]);
    check_values("f:=A*b", &["Axb"], &["axb", "AxB"]);
    check_values("f:*İ", &["xİ"], &["xi"]);
    check_values(
        "brea*glass",
        &["the breakglass account", "break the glass", "Breakglass"],
        &["breakglasses", "abreakglass", "glass brea"],
    );
    check_values("*trail", &["DeleteTrail", "x deletetrail y"], &["trails"]);
    check_values("trail*", &["trails", "a-trail"], &["deletetrail"]);
}

#[test]
fn comparisons_read_numbers_and_times_out_of_text() {
    check_values(
        "f:(>=400 <500)",
        &["400", "499.5", " 404 ", "4.5e2"],
        &["399", "500", "x", "", "400 Bad Request", "NaN"],
    );
    check_values("f:>9007199254740992", &["9007199254740993"], &["9007199254740992"]);
    check_values("f:<=2.5", &["2.5", "-7"], &["2.50001", "inf"]);
    check_values(
        "f:>=2026-01-01",
        &["2026-01-01T00:00:00Z", "2026-05-20 10:00:00", "1767225600", "1767225600000"],
        &["2025-12-31T23:59:59Z", "2026"],
    );
    check_values("f:>now-1h", &[], &["2026-01-01T00:00:00Z"]);
}

#[test]
fn a_network_holds_addresses_and_smaller_networks() {
    check_values(
        "f:10.0.0.0/8",
        &["10.1.2.3", "10.1.2.3:443", "::ffff:10.0.0.1", "10.1.0.0/16", "192.0.2.1, 10.0.0.1"],
        &["11.0.0.1", "10.1.2", "0.0.0.0/0", "10", "a10.0.0.1"],
    );
    check_values(
        "address:2001:db8::/32",
        &["2001:db8::1", "2001:DB8:0:1::2", "[2001:db8::1]:443", "2001:db8::1%eth0"],
        &["2001:db9::1", "10.0.0.1"],
    );
    check_values("f:10.0.0.5", &["10.0.0.5", "10.0.0.51"], &["110.0.0.5"]);
}

#[test]
fn errors_point_at_the_place() {
    check_error(
        "action:",
        "action:\n       ^ expected a value after “action:”; write a word, or “\"” for a phrase, or “[” for a list, or “*” for any value",
    );
    check_error(
        "action: x",
        "action: x\n       ^ expected a value after “action:”; write a word, or “\"” for a phrase, or “[” for a list, or “*” for any value",
    );
    check_error(
        "action :x",
        "action :x\n       ^ expected a field name before “:”; write a field name, without a blank after it, or “\\:” for the character itself",
    );
    check_error(
        "a AND",
        "a AND\n     ^ expected a condition after “AND”; write a word, or a field and its value, or “(”, or “-” to exclude",
    );
    check_error(
        "OR a",
        "OR a\n^^ expected a condition before “OR”; write a word, or a field and its value, or “\"OR\"” for the word itself",
    );
    check_error(
        "a OR OR b",
        "a OR OR b\n     ^ expected a condition after “OR”; write a word, or a field and its value, or “(”, or “-” to exclude",
    );
    check_error(
        "a NOT",
        "a NOT\n     ^ expected a condition after “NOT”; write a word, or a field and its value, or “(”, or “-” to exclude",
    );
    check_error("(a", "(a\n^ this “(” is never closed; write “)” at the end, or “\\(” for the character itself");
    check_error("x (", "x (\n  ^ this “(” is never closed; write “)” at the end, or “\\(” for the character itself");
    check_error("a)", "a)\n ^ this “)” closes nothing; write “(” before it, or “\\)” for the character itself");
    check_error(
        "()",
        "()\n ^ the parentheses hold nothing; write a word, or a field and its value, or “(”, or “-” to exclude",
    );
    check_error(
        "\"abc",
        "\"abc\n^ this “\"” is never closed; write “\"” at the end, or “\\\"” for the character itself",
    );
    check_error(
        "\"\"",
        "\"\"\n^^ the quotes hold nothing; write text between the quotes, or “-field:*” for events without the field",
    );
    check_error(
        "ab\"c",
        "ab\"c\n  ^ a quote inside a word; write a blank before it, or “\\\"” for the character itself",
    );
    check_error("f:\"a\"b", "f:\"a\"b\n     ^ expected a blank here; write a blank, or “)”");
    check_error("- a", "- a\n ^ expected what to exclude directly after “-”; write a word without a blank before it");
    check_error("--a", "--a\n^^ “--” excludes twice; write one “-”, or “\\-” for the character itself");
    check_error(
        "f:[a b]",
        "f:[a b]\n     ^ expected “,” or “]” in the list; write “,”, or “]”, or quotes around a value with blanks",
    );
    check_error("f:[a,]", "f:[a,]\n     ^ expected a value in the list; write a word, or “\"” for a phrase");
    check_error(
        "f:[a,b",
        "f:[a,b\n  ^ this “[” is never closed; write “]” at the end, or “\\[” for the character itself",
    );
    check_error("f:>abc", "f:>abc\n   ^^^ “abc” is not a number or a time; write 400, or 2026-01-31");
    check_error("f:>24h", "f:>24h\n   ^^^ “24h” is not a number or a time; write 400, or 2026-01-31, or now-24h");
    check_error("offset:>now", "offset:>now\n        ^^^ “now” is not a whole number; write 42, or 100000");
    check_error(
        "eventTime:now-1h",
        "eventTime:now-1h\n          ^^^^^^ “now-1h” is a point in time; compare with it; write “eventTime:>now-1h”",
    );
    check_error(
        ">=400",
        ">=400\n^ a comparison needs a field before it; write a field, as in “reason.reasonCode:>=400”, or “\\<” for the character itself",
    );
    check_error(
        "f:10.0.0.0/33",
        "f:10.0.0.0/33\n           ^^ the length of the network's prefix is 0 to 32; write quotes around it, to search for the text",
    );
    check_error(
        "a,b:c",
        "a,b:c\n^^^ “a,b” is no field name; write a field name, or the whole text in quotes, to search for it",
    );
    check_error(
        "requestData.*:x",
        "requestData.*:x\n            ^ “*” works in values, not in field names; write a whole field name",
    );
    check_error(
        "a..b:c",
        "a..b:c\n^^^^ “a..b” is no field name: a part of it is empty; write names joined by single dots",
    );
}

#[test]
fn size_is_bounded() {
    let message = |text: String| parse(&text).err().map(|error| error.message);
    assert_eq!(message("a ".repeat(8192)), Some("more than 1000 conditions".to_owned()));
    assert_eq!(message("a ".repeat(8193)), Some("the search has 16386 bytes; at most 16384 are read".to_owned()));
    assert_eq!(message("a ".repeat(1000)), None);
    assert_eq!(message(format!("f:[{}]", vec!["a"; 1001].join(","))), Some("more than 1000 conditions".to_owned()));
    assert_eq!(message(format!("{}a{}", "(".repeat(64), ")".repeat(64))), None);
    assert_eq!(
        message(format!("{}a{}", "(".repeat(65), ")".repeat(65))),
        Some("more than 64 parentheses inside each other".to_owned())
    );
    assert_eq!(message(format!("{}a", "NOT ".repeat(4000))), None);
}

#[test]
fn a_long_query_is_shown_around_the_error() {
    let text = format!("{} action: {}", "x".repeat(200), "y".repeat(200));
    let error = parse(&text).expect_err("no value");
    let shown = render(&text, &error);
    let mut lines = shown.lines();
    let (query, caret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert_eq!(query.chars().count(), 122);
    assert_eq!(caret.chars().position(|character| character == '^'), Some(61));
    assert_eq!(lines.next(), None);
}

#[test]
fn a_list_as_long_as_a_search_may_be_is_printed_as_one_that_can_be_read() {
    let values: Vec<String> = (0..900).map(|number| format!("v{number}")).collect();
    let text = format!("requestData.a.rather.long.name:==[{}]", values.join(","));
    let query = parse(&text).unwrap();
    assert_eq!(parse(&query.to_string()), Ok(query));
}

#[test]
fn a_text_that_is_too_long_to_be_looked_for_is_told_where_it_stands() {
    let long = "x".repeat(whodid_query::parse::WORD_BYTES_MAX + 1);
    for text in [format!("a {long}"), format!("a \"{long}\""), format!("a f:*{long}*")] {
        let error = parse(&text).unwrap_err();
        assert!(error.message.contains("at most 1024"), "{error:?}");
        assert!(error.position >= 2 && error.length > 1024, "{error:?}");
    }
    assert!(parse(&long[1..]).is_ok());
}

#[test]
fn ts_is_the_time_of_the_event() {
    check("ts:>now-1h", "eventTime:>now-1h");
    check("raw.ts:5", "raw.ts:5");
}
