//! What holds for every text and every tree.

use proptest::prelude::*;
use whodid_model::{Event, Field, TimeSource, Timestamp};
use whodid_query::{
    Comparison, EventText, Expr, Known, Operand, Path, Query, Target, Test, TimePoint, complete, literals, parse,
    parse_range, parse_time, render, resolve,
};

/// Text of the characters that mean something, mixed with others.
fn grammar_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("action:".to_owned()),
        Just("eventTime:>".to_owned()),
        Just("now-1h".to_owned()),
        Just(" AND ".to_owned()),
        Just(" OR ".to_owned()),
        Just("NOT ".to_owned()),
        Just("raw.".to_owned()),
        Just("10.0.0.0/8".to_owned()),
        Just("2001:db8::1".to_owned()),
        "[-=<>:*\"\\\\()\\[\\], .a1Ké\u{212a}/_]{1,4}",
        "[a-z]{1,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn value_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9.:/_-]{1,8}",
        "[-=<>:*\"\\\\()\\[\\], \t\u{a0}.aKé/,]{1,6}",
        "\\PC{1,6}",
        Just("10.0.0.0/8".to_owned()),
        Just("10.0.0.0/99".to_owned()),
        Just("2001:db8::/32".to_owned()),
        Just(":1".to_owned()),
        Just("b:c:d:e:f:1:2".to_owned()),
        Just("//x".to_owned()),
        Just("AND".to_owned()),
        Just("crn:v1:x".to_owned()),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let name = prop_oneof![
        4 => (0..Field::COUNT).prop_map(|at| Field::ALL[at].path().to_owned()),
        1 => Just("offset".to_owned()),
        1 => Just("space".to_owned()),
        2 => Just("requestData.keyId".to_owned()),
        1 => Just("requestData.a_str_str".to_owned()),
        2 => "[a-f]{1,4}(\\.[a-z0-9_]{1,4}){0,2}",
        2 => "raw\\.[a-z_]{1,6}(_str)?",
        2 => value_text(),
    ];
    name.prop_filter_map("no name", |name| resolve(&name))
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        any::<i64>().prop_map(Operand::Int),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Operand::Float),
        // Within the years that texts can name.
        (-62_000_000_000_000_000..250_000_000_000_000_000_i64)
            .prop_map(|micros| Operand::Time(TimePoint::At(Timestamp::from_micros(micros)))),
        prop_oneof![Just("now"), Just("now-1h"), Just("now/d"), Just("yesterday 10am"), Just("2026-01-01 7pm")]
            .prop_map(|text| Operand::Time(TimePoint::Relative(text.to_owned()))),
    ]
}

fn comparison() -> impl Strategy<Value = (Comparison, Operand)> {
    let sign = prop_oneof![
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual)
    ];
    (sign, operand())
}

fn field_term() -> impl Strategy<Value = Expr> {
    let pieces = proptest::collection::vec(value_text(), 0..3)
        .prop_map(|middle| [vec![String::new()], middle, vec!["x".to_owned()]].concat());
    let test = prop_oneof![
        Just(Test::Exists),
        (value_text(), any::<bool>()).prop_map(|(text, case)| Test::prefix(&text, case)),
        (value_text(), any::<bool>()).prop_map(|(text, case)| Test::exact(&text, case)),
        value_text().prop_map(|text| Test::phrase(&text)),
        (pieces, any::<bool>()).prop_map(|(pieces, case)| {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            Test::wildcard(&pieces, case, true)
        }),
        proptest::collection::vec(comparison(), 1..3).prop_map(Test::Compare),
        Just(Test::Cidr("10.0.0.0/8".parse().unwrap())),
        Just(Test::Cidr("2001:db8::/32".parse().unwrap())),
    ];
    (target(), test).prop_filter_map(
        "offsets compare with whole numbers, spaces with nothing read as text",
        |(target, test)| {
            let is_comparison = matches!(test, Test::Compare(_));
            (!is_comparison || !matches!(target, Target::Record(_))).then(|| Expr::term(target, test))
        },
    )
}

fn any_term() -> impl Strategy<Value = Expr> {
    let test = prop_oneof![
        value_text().prop_map(|text| Test::prefix(&text, false)),
        value_text().prop_map(|text| Test::phrase(&text)),
        (value_text(), value_text()).prop_map(|(first, last)| Test::wildcard(&[&first, &last], false, false)),
    ];
    test.prop_map(|test| Expr::term(Target::Any, test))
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![3 => field_term(), 2 => any_term(), 1 => Just(Expr::All)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::and),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::or),
            inner.prop_map(Expr::negate),
        ]
    })
}

/// Events whose values meet the queries of `grammar_text` and `expr` now and then.
fn json_value() -> impl Strategy<Value = json_text::Json> {
    json_text::json()
}

mod json_text {
    //! JSON texts without escapes, made directly.
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    pub struct Json(pub String);

    pub fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            "[a-zA-Z0-9.:_ -]{0,8}".prop_map(|text| format!("\"{text}\"")),
            any::<i16>().prop_map(|int| int.to_string()),
            Just("true".to_owned()),
            Just("null".to_owned()),
            Just("\"10.1.2.3\"".to_owned()),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::btree_map("[a-f]{1,2}(\\.[a-c])?", inner, 0..4).prop_map(|members| {
                    let members: Vec<String> =
                        members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
        .prop_map(Json)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_inside_its_bounds(text in prop_oneof![grammar_text(), any::<String>()], cursor in 0..64_usize) {
        match parse(&text) {
            Ok(query) => {
                let canonical = query.to_string();
                let again = parse(&canonical);
                prop_assert_eq!(again.as_ref(), Ok(&query), "{:?} -> {:?}", text, canonical);
            }
            Err(error) => {
                prop_assert!(error.position + error.length <= text.len(), "{:?} {:?}", text, error);
                prop_assert!(text.is_char_boundary(error.position) && text.is_char_boundary(error.position + error.length), "{:?} {:?}", text, error);
                prop_assert_eq!(render(&text, &error).lines().count(), 2);
            }
        }
        let completion = complete(&text, cursor);
        prop_assert!(text.get(completion.replace.clone()).is_some(), "{:?} {:?}", text, completion);
        let now = Timestamp::from_micros(1_780_000_000_000_000);
        let _ = (parse_time(&text, now), parse_range(&text, now));
    }

    #[test]
    fn a_printed_tree_reads_back(expr in expr()) {
        let query = Query { expr };
        let text = query.to_string();
        let again = parse(&text);
        prop_assert_eq!(again.as_ref(), Ok(&query), "{}", text);
    }

    #[test]
    fn what_literals_ask_for_stands_in_every_match(expr in expr(), json in json_value()) {
        let mut event = Event::at(Timestamp::from_micros(0), TimeSource::Received);
        event.fields.set(Field::Action, "kms.secrets.delete");
        let query = Query { expr };
        if query.matches(&EventText::new(&json.0, &event, Known::default())) {
            let text = format!("{} kms.secrets.delete", json.0).to_ascii_lowercase();
            for alternatives in literals(&query.expr) {
                prop_assert!(alternatives.iter().any(|literal| text.contains(literal)), "{} {:?} {}", query, alternatives, text);
            }
        }
    }

    #[test]
    fn every_word_of_a_value_finds_it(value in "\\PC{1,20}") {
        for term in whodid_query::text::terms(&value) {
            prop_assert!(Test::prefix(term, false).matches(&value), "{term:?}");
            prop_assert!(Test::prefix(&term.to_uppercase(), false).matches(&value) || term.to_uppercase().to_lowercase() != term.to_lowercase() || !term.is_ascii());
            prop_assert!(Test::phrase(term).matches(&value), "{term:?}");
        }
        prop_assert!(Test::exact(&value, false).matches(&value));
        prop_assert!(Test::exact(&value, true).matches(&value));
        prop_assert!(Test::wildcard(&["", &value], false, true).matches(&value));
    }

    /// Against the obvious exponential definition.
    #[test]
    fn stars_match_as_defined(pieces in proptest::collection::vec("[ab]{0,2}", 2..5), value in "[ab]{1,8}") {
        fn fits(pieces: &[&str], value: &str) -> bool {
            match pieces {
                [] => value.is_empty(),
                [last] => value == *last,
                [first, rest @ ..] => value.strip_prefix(first).is_some_and(|after| {
                    (0..=after.len()).any(|skip| fits(rest, &after[skip..]))
                }),
            }
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(Test::wildcard(&pieces, true, true).matches(&value), fits(&pieces, &value));
    }

    #[test]
    fn a_path_reads_back(text in "[a-c.\\[\\]0-2*]{1,10}") {
        if let Some(path) = Path::parse(&text) {
            prop_assert_eq!(Path::parse(path.as_str()), Some(path.clone()));
        }
    }
}

/// The same as the first property, with a fixed sequence and many more texts.
#[test]
fn thirty_thousand_odd_texts_do_no_harm() {
    const PIECES: [&str; 40] = [
        "a",
        "b c",
        "action",
        ":",
        "=",
        "==",
        "===",
        "(",
        ")",
        "[",
        "]",
        ",",
        "*",
        "\"",
        "\\",
        "-",
        " ",
        "AND",
        "OR",
        "NOT",
        ">",
        "<",
        ">=",
        "now",
        "-1h",
        "/d",
        "10.0.0.0/8",
        "::1",
        "raw.",
        "_str",
        ".",
        "é",
        "\u{212a}",
        "\u{1f600}",
        "\0",
        "\n",
        "eventTime:",
        "requestData.",
        "1",
        "//",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut read = 0;
    for _ in 0..30_000 {
        let mut text = String::new();
        for _ in 0..(state >> 7) % 14 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
        }
        state = state.wrapping_add(0x1234_5678_9abc_def1);
        match parse(&text) {
            Ok(query) => {
                read += 1;
                assert_eq!(parse(&query.to_string()).as_ref(), Ok(&query), "{text:?}");
            }
            Err(error) => {
                assert!(text.get(error.position..error.position + error.length).is_some(), "{text:?} {error:?}")
            }
        }
        let cursor = (state >> 40) as usize % (text.len() + 1);
        assert!(text.get(complete(&text, cursor).replace).is_some(), "{text:?} {cursor}");
    }
    assert!(read > 2_000, "only {read} were read");
}
