//! Lives of alerts, as stories and as any sequence of acts.

use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_795_000_000 + seconds) * MICROS_A_SECOND)
}

fn finding(record: u32, seconds: i64, severity: Severity) -> Finding {
    Finding { record: format!("findings:{record}"), at: at(seconds), severity }
}

fn opened() -> Alert {
    let opening = Opening {
        id: "a1".to_owned(),
        account: AccountName::default_account(),
        rule_id: "lockout".to_owned(),
        rule_title: "Too many failed sign-ins".to_owned(),
        group: vec![GroupValue { key: "initiator.name".to_owned(), value: "alice".to_owned() }],
        escalate_after: Some(600),
    };
    Alert::open(opening, finding(0, 0, Severity::Medium))
}

#[test]
fn from_the_first_finding_to_the_end() {
    let mut alert = opened();
    assert_eq!(alert.add(finding(1, 5, Severity::Medium), REOPEN_MICROS), Added::Here(Some(Moment::Again)));
    assert_eq!(alert.acknowledge("bob", at(10)), Ok(Some(Moment::Acknowledged)));
    assert_eq!(alert.assign("bob", Some("carol"), at(11)), Ok(None));
    assert_eq!(alert.note("carol", " it was a test ", at(12)), Ok(None));
    assert_eq!(alert.resolve("carol", at(13), "a test"), Ok(Some(Moment::Resolved)));
    assert_eq!((alert.status, alert.count, alert.revision), (Status::Resolved, 2, 6));
    assert_eq!(alert.notes[0].text, "it was a test");
    assert_eq!(alert.resolution.as_ref().map(|end| end.by.as_str()), Some("carol"));
    let acts: Vec<_> = alert.history.iter().map(|entry| entry.by.as_deref().unwrap_or("-")).collect();
    assert_eq!(acts, ["-", "bob", "bob", "carol", "carol"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let mut alert = opened();
    assert_eq!(alert.reopen("bob", at(1)), Err(Refusal::NotResolved));
    assert_eq!(alert.unsilence("bob", at(1)), Err(Refusal::Unchanged));
    assert_eq!(alert.assign("bob", None, at(1)), Err(Refusal::Unchanged));
    assert_eq!(alert.note("bob", " \n", at(1)), Err(Refusal::Empty { what: "the note" }));
    assert_eq!(alert.acknowledge("", at(1)), Err(Refusal::Empty { what: "the name" }));
    assert_eq!(alert.silence("bob", at(1), "x", at(1)), Err(Refusal::Past));
    assert_eq!(alert.silence("bob", at(91 * 86_400), "x", at(1)), Err(Refusal::TooLate));
    assert_eq!(alert, opened(), "refused acts change nothing");
    assert!(alert.acknowledge("bob", at(2)).is_ok());
    assert_eq!(alert.acknowledge("bob", at(2)), Err(Refusal::AlreadyAcknowledged));
    assert!(alert.resolve("bob", at(3), "").is_ok());
    assert_eq!(alert.acknowledge("bob", at(4)), Err(Refusal::Resolved));
    assert_eq!(alert.resolve("bob", at(4), ""), Err(Refusal::Resolved));
    assert_eq!(alert.silence("bob", at(9), "x", at(4)), Err(Refusal::Resolved));
    let long = "x".repeat(NOTE_CHARS_MAX + 1);
    assert_eq!(alert.note("bob", &long, at(4)), Err(Refusal::TooLong { what: "the note", chars_max: NOTE_CHARS_MAX }));
}

#[test]
fn a_finding_soon_after_the_end_reopens_and_a_later_one_opens_another() {
    let mut alert = opened();
    alert.resolve("bob", at(10), "").unwrap();
    let resolved = alert.clone();
    assert_eq!(alert.add(finding(1, 111, Severity::High), 100 * MICROS_A_SECOND), Added::OpensAnother);
    assert_eq!(alert, resolved);
    let reopened = alert.add(finding(1, 110, Severity::High), 100 * MICROS_A_SECOND);
    assert_eq!(reopened, Added::Reopened(Some(Moment::Reopened)));
    assert_eq!((alert.status, alert.severity, alert.resolution.clone()), (Status::Open, Severity::High, None));
    assert_eq!(alert.escalation_at(), Some(at(710)), "the wait begins anew");
}

#[test]
fn a_record_handed_over_twice_counts_once() {
    let mut alert = opened();
    assert_eq!(alert.add(finding(0, 9, Severity::Critical), REOPEN_MICROS), Added::Known);
    assert_eq!(alert, opened());
}

#[test]
fn a_worse_finding_escalates() {
    let mut alert = opened();
    assert_eq!(alert.add(finding(1, 1, Severity::Critical), REOPEN_MICROS), Added::Here(Some(Moment::Escalated)));
    assert_eq!(alert.add(finding(2, 2, Severity::Low), REOPEN_MICROS), Added::Here(Some(Moment::Again)));
    assert_eq!(alert.severity, Severity::Critical);
}

#[test]
fn what_nobody_acknowledges_in_time_escalates_once() {
    let mut alert = opened();
    assert_eq!(alert.escalate_due(at(599)), None);
    assert_eq!(alert.escalate_due(at(600)), Some(Moment::Escalated));
    assert_eq!(alert.escalate_due(at(10_000)), None);
    let mut acknowledged = opened();
    acknowledged.acknowledge("bob", at(1)).unwrap();
    assert_eq!(acknowledged.escalate_due(at(10_000)), None);
}

#[test]
fn a_silenced_alert_counts_and_tells_only_its_end() {
    let mut alert = opened();
    alert.silence("bob", at(1000), "maintenance", at(1)).unwrap();
    assert_eq!(alert.add(finding(1, 2, Severity::Critical), REOPEN_MICROS), Added::Here(None));
    assert_eq!(alert.escalate_due(at(700)), None);
    assert_eq!(alert.escalation_at(), Some(at(1000)));
    assert_eq!(alert.acknowledge("bob", at(701)), Ok(None));
    assert_eq!(alert.count, 2);
    assert_eq!(alert.add(finding(2, 1000, Severity::Low), REOPEN_MICROS), Added::Here(Some(Moment::Again)));
    alert.silence("bob", at(2000), "more", at(1500)).unwrap();
    assert_eq!(alert.resolve("bob", at(1600), ""), Ok(Some(Moment::Resolved)));
    assert!(!alert.is_silenced(at(1700)));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut alert = opened();
    for number in 1..=300 {
        alert.add(finding(number, 1, Severity::Low), REOPEN_MICROS);
    }
    assert_eq!((alert.count, alert.findings.len()), (301, FINDINGS_MAX));
    assert_eq!(alert.findings[0], "findings:300");
    for number in 0..NOTES_MAX {
        alert.note("bob", &number.to_string(), at(2)).unwrap();
    }
    assert_eq!(alert.note("bob", "one more", at(2)), Err(Refusal::NotesFull));
    for number in 0..1000 {
        alert.assign("bob", Some(&number.to_string()), at(3)).unwrap();
    }
    assert_eq!(alert.history.len(), HISTORY_MAX);
    assert_eq!(alert.history[0].what, Act::Opened);
}

#[test]
fn an_alert_reads_back_from_its_stored_form() {
    let mut alert = opened();
    alert.silence("bob", at(100), "maintenance", at(1)).unwrap();
    alert.resolve("bob", at(2), "over").unwrap();
    let stored = serde_json::to_string(&alert).unwrap();
    assert_eq!(serde_json::from_str::<Alert>(&stored).unwrap(), alert);
}

#[derive(Debug, Clone)]
enum Step {
    Add(u32, Severity),
    Acknowledge,
    Assign(bool),
    Note(String),
    Resolve,
    Reopen,
    Silence(i64),
    Unsilence,
    Escalate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u32..60, prop::sample::select(Severity::ALL.to_vec())).prop_map(|(record, severity)| Step::Add(record, severity)),
        1 => Just(Step::Acknowledge),
        1 => any::<bool>().prop_map(Step::Assign),
        1 => ".{0,8}".prop_map(Step::Note),
        2 => Just(Step::Resolve),
        1 => Just(Step::Reopen),
        1 => (-50_i64..500).prop_map(Step::Silence),
        1 => Just(Step::Unsilence),
        2 => Just(Step::Escalate),
    ]
}

/// Whether the step changed anything by its own account, and what it tells.
fn take(alert: &mut Alert, step: &Step, now: i64) -> (bool, Told) {
    let of = |result: Result<Told, Refusal>| (result.is_ok(), result.ok().flatten());
    match step {
        Step::Add(record, severity) => match alert.add(finding(*record, now, *severity), 50 * MICROS_A_SECOND) {
            Added::Here(told) | Added::Reopened(told) => (true, told),
            Added::OpensAnother | Added::Known => (false, None),
        },
        Step::Acknowledge => of(alert.acknowledge("bob", at(now))),
        Step::Assign(any) => of(alert.assign("bob", any.then_some("carol"), at(now))),
        Step::Note(text) => of(alert.note("bob", text, at(now))),
        Step::Resolve => of(alert.resolve("bob", at(now), "")),
        Step::Reopen => of(alert.reopen("bob", at(now))),
        Step::Silence(seconds) => of(alert.silence("bob", at(now + seconds), "quiet", at(now))),
        Step::Unsilence => of(alert.unsilence("bob", at(now))),
        Step::Escalate => {
            let told = alert.escalate_due(at(now));
            (told.is_some(), told)
        }
    }
}

proptest! {

    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_acts_breaks_what_must_hold(steps in prop::collection::vec((0_i64..100, step()), 0..80)) {
        let mut alert = opened();
        let mut now = 0;
        for (wait, step) in &steps {
            now += wait;
            let before = alert.clone();
            let (changed, told) = take(&mut alert, step, now);
            prop_assert_eq!(changed, alert != before, "{:?}", step);
            prop_assert_eq!(alert.revision, before.revision + u64::from(changed), "{:?}", step);
            prop_assert!(alert.count >= before.count);
            prop_assert_eq!(alert.status == Status::Resolved, alert.resolution.is_some());
            prop_assert!(alert.resolution.iter().all(|end| !end.by.is_empty()));
            prop_assert!(alert.severity >= before.severity);
            prop_assert!(alert.last_at >= before.last_at && alert.opened_at == before.opened_at);
            prop_assert!(alert.findings.len() as u64 <= alert.count);
            prop_assert!(changed || told.is_none());
            prop_assert!(told.is_none() || told == Some(Moment::Resolved) || !alert.is_silenced(at(now)));
        }
    }
}
