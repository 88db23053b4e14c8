//! The form of what is recorded and stored, as files: what a version wrote is read for ever.
//!
//! `WHODID_WRITE=1` writes the files of the newest version anew; those of a version that was released only together with
//! a new one.

use std::path::PathBuf;

use serde_json::Value;
use whodid_insights::{Change, EndReason, Expected, Kind, Method, Object, Settings, Stage, Test};
use whodid_model::{AccountName, Offset, StreamName};

use super::configured::Configured;
use super::evidence::{Attribute, Shown, query_of};
use super::{Told, event, snapshot};

const MINUTE: i64 = 60_000_000;
/// Tuesday, 2026-01-06, at ten.
const TEN: i64 = 1_767_693_600_000_000;

fn check(name: &str, written: &Value) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insights/v1").join(format!("{name}.json"));
    if std::env::var_os("WHODID_WRITE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, serde_json::to_string_pretty(written).unwrap() + "\n").unwrap();
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(*written, golden, "{name}: another form needs another version");
}

fn object(kind: Kind) -> Object {
    let text = |text: &str| Some(text.to_owned());
    let of = Object { source: "ibm-at".into(), region: "eu-de".into(), ..Object::default() };
    let of_kms = Object { service: "kms".into(), action: "kms.secrets.delete".into(), ..of.clone() };
    match kind {
        Kind::ApiCallRateInsight => of_kms,
        Kind::ApiErrorRateInsight => Object { code: text("AccessDenied"), ..of_kms },
        Kind::IpInsight => Object { address: text("203.0.113.9"), principal: text("bob"), ..of },
        Kind::AkInsight => Object { credential: text("key-1"), address: text("203.0.113.9"), ..of },
        Kind::PolicyChangeInsight => Object { service: "iam".into(), principal: text("bob"), ..of },
        Kind::PasswordChangeInsight => Object { service: "iam".into(), region: "global".into(), ..of },
        Kind::TrailConcealmentInsight => Object {
            source: "whodid".into(),
            region: "global".into(),
            service: "whodid".into(),
            action: "whodid.rule.disable".into(),
            principal: text("eve"),
            ..Object::default()
        },
    }
}

fn told(kind: Kind, stage: Stage) -> Told {
    let method = match kind {
        Kind::ApiErrorRateInsight => Method::BetaBinomial,
        Kind::IpInsight | Kind::AkInsight => Method::LikelihoodRatio,
        Kind::TrailConcealmentInsight => Method::Fact,
        _ => Method::NegativeBinomial,
    };
    let is_sum = method == Method::LikelihoodRatio;
    let test = Test {
        method,
        window_minutes: 10,
        count: 60.0,
        of: (method == Method::BetaBinomial).then_some(120.0),
        expected: 4.0,
        score: 12.25,
        threshold: 6.5,
        upper: 7.0,
        terms: if is_sum { vec![("network".into(), 3.5), ("hour".into(), 1.0)] } else { Vec::new() },
    };
    let is_change = matches!(kind, Kind::PolicyChangeInsight | Kind::PasswordChangeInsight);
    let change = Change {
        insight: "0e0cba8e-1a2b-5c3d-8e4f-000000000001".into(),
        stage,
        kind,
        object: object(kind),
        start: TEN,
        // A fact is of a moment.
        until: if method == Method::Fact { TEN + 1 } else { TEN + 10 * MINUTE },
        noticed: TEN + 4 * MINUTE,
        offset: Some(70),
        count: 60.0,
        expected: 4.0,
        peak: 40.0,
        peak_expected: 2.0,
        test,
        end_reason: (stage == Stage::End).then_some(EndReason::Usual),
        expected_by: None,
        actions: if is_change { vec!["AttachRolePolicy".into(), "CreateRole".into()] } else { Vec::new() },
    };
    Told { change, before: Offset(71), recorded: TEN + 4 * MINUTE, since: Some(TEN - 1440 * MINUTE) }
}

fn shown(told: &Told) -> Shown {
    let change = &told.change;
    let value = |value: &str, count| (value.to_owned(), count);
    let attribute = |name, insight: &str, baseline: &str| Attribute {
        name,
        insight: vec![value(insight, 50), value(&"long".repeat(100), 10)],
        baseline: vec![value(baseline, 500), value(insight, 76)],
    };
    Shown {
        query: query_of(change.kind, &change.object, &change.actions),
        stream: Some(match change.object.source.as_str() {
            "whodid" => StreamName::audit(),
            _ => StreamName::activity(),
        }),
        until: change.until,
        minutes: 10.0,
        baseline_minutes: 1440.0,
        is_counted: true,
        count: 60,
        baseline_count: 576,
        attributes: vec![attribute("principalId", "bob", "alice"), attribute("userAgent", "curl", "cli")],
        missing: None,
        records: vec![Offset(11), Offset(12)],
    }
}

fn event(told: &Told, shown: &Shown) -> Value {
    let account = AccountName::default_account();
    serde_json::from_str(&event::of(&account, told, shown, &Settings::default(), i64::MIN)).unwrap()
}

#[test]
fn the_start_of_each_kind_has_the_form_of_its_file() {
    for kind in Kind::ALL {
        let told = told(kind, Stage::Start);
        check(kind.name(), &event(&told, &shown(&told)));
    }
}

#[test]
fn an_update_an_end_and_one_without_attributions_have_the_forms_of_their_files() {
    for stage in [Stage::Update, Stage::End] {
        let told = told(Kind::ApiCallRateInsight, stage);
        check(&format!("ApiCallRateInsight-{}", stage.name()), &event(&told, &shown(&told)));
    }
    let told = told(Kind::ApiCallRateInsight, Stage::Start);
    let all = shown(&told);
    let less = Shown {
        query: all.query,
        stream: all.stream,
        until: all.until,
        missing: Some("the search was stopped after 30 s".into()),
        ..Shown::default()
    };
    check("ApiCallRateInsight-without", &event(&told, &less));
}

fn settings() -> Settings {
    let expected =
        Expected { id: "exp_1".into(), principal: Some("backup-*".into()), from: TEN, ..Expected::default() };
    Settings { off: vec![Kind::AkInsight], expected: vec![expected], ..Settings::default() }
}

#[test]
fn a_change_of_settings_has_the_form_of_its_file_and_is_read_from_it() {
    let of = |activity| [(StreamName::activity(), Offset(activity)), (StreamName::audit(), Offset(2))].into();
    let begun = Configured {
        settings: settings(),
        from: of(0),
        passed: TEN - MINUTE,
        begins: true,
        begun: TEN,
        before: of(70),
    };
    let later = Configured { begins: false, begun: 0, before: [].into(), ..begun.clone() };
    for (name, configured) in [("configure-begins", begun), ("configure", later)] {
        let text = configured.event(&AccountName::default_account());
        check(name, &serde_json::from_str(&text).unwrap());
        assert_eq!(Configured::of_event(&text), Some(configured));
    }
}

#[test]
fn the_head_of_what_was_learned_has_the_form_of_its_file_and_is_read_from_it() {
    let stored = snapshot::Stored {
        version: snapshot::VERSION,
        cursors: [(StreamName::activity(), Offset(70))].into(),
        passed: TEN,
        recorded: TEN - MINUTE,
        begun: TEN - 1440 * MINUTE,
        settings: settings(),
        detector: b"its own".to_vec(),
    };
    check("learned", &serde_json::to_value(&stored).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let account = AccountName::default_account();
    snapshot::write(folder.path(), &account, &stored).unwrap();
    assert_eq!(snapshot::read(folder.path(), &account).unwrap(), Some(stored));
}
