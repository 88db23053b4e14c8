//! What is told of people, access keys, rights and trails, as a company sees it.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use whodid_insights::{Act, Change, Detector, Expected, Kind, Method, Places, Settings, Stage, sentence};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// A Monday.
const BEGIN: i64 = 1_767_571_200_000_000;
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/// 198.51.100.0/24 is in Germany, 192.0.2.0/24 in Brazil.
#[derive(Debug)]
struct Stub;

impl Places for Stub {
    fn country(&self, address: IpAddr) -> Option<String> {
        let text = address.to_string();
        let country = |front: &str, country: &str| text.starts_with(front).then(|| country.to_owned());
        country("198.51.", "DE").or_else(|| country("203.0.", "DE")).or_else(|| country("192.0.", "BR"))
    }
}

#[derive(Debug, Clone)]
struct Event {
    at: i64,
    source: &'static str,
    service: &'static str,
    action: String,
    is_write: bool,
    error: Option<&'static str>,
    user: String,
    address: String,
    agent: &'static str,
    key: Option<String>,
}

/// Somebody reads something in the office.
fn event(day: i64, minute: i64, user: &str) -> Event {
    Event {
        at: BEGIN + day * DAY + minute * MINUTE,
        source: "cadf",
        service: "store",
        action: "store.things.read".to_owned(),
        is_write: false,
        error: None,
        user: user.to_owned(),
        address: "198.51.100.7".to_owned(),
        agent: CHROME,
        key: None,
    }
}

/// Ten people who work in the office on some days, and at home, each behind an own provider's address.
fn usual(days: i64) -> Vec<Event> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut events = Vec::new();
    for day in 0..days {
        for user in 0..10 {
            for hour in 8..17 {
                let mut at = event(day, hour * 60 + random.random_range(0..60), &format!("user-{user}"));
                if (day + user) % 3 == 0 {
                    at.address = format!("203.0.{user}.9");
                }
                at.is_write = hour == 10;
                at.error = random.random_bool(0.01).then_some("NotFound");
                events.push(at);
            }
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

fn take(detector: &mut Detector, offset: usize, event: &Event, recorded_at: i64, told: &mut Vec<Change>) {
    let act = Act {
        offset: offset as u64,
        event_time: event.at,
        recorded_at,
        times: 1,
        source: event.source,
        region: Some("eu-de"),
        service: Some(event.service),
        action: &event.action,
        is_write: event.is_write,
        error: event.error,
        is_denied: event.error == Some("AccessDenied"),
        principal: Some(&event.user),
        address: Some(&event.address),
        agent: Some(event.agent),
        credential: event.key.as_deref(),
    };
    detector.take(&act, told);
}

fn run_with(settings: Settings, mut events: Vec<Event>) -> Vec<Change> {
    events.sort_by_key(|event| event.at);
    let mut detector = Detector::new("a", settings, Arc::new(Stub));
    let mut told = Vec::new();
    for (offset, event) in events.iter().enumerate() {
        take(&mut detector, offset, event, event.at, &mut told);
    }
    detector.pass(events.last().unwrap().at + 2 * DAY, &mut told);
    told
}

fn run(events: Vec<Event>) -> Vec<Change> {
    run_with(Settings::default(), events)
}

fn of(kind: Kind, told: &[Change]) -> Vec<Change> {
    told.iter().filter(|change| change.kind == kind).cloned().collect()
}

/// `Start user-3 from 192.0.2.66`
fn lines(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let who = format!("{}{}", text(&change.object.principal), text(&change.object.credential));
        format!("{} {who} from {}", change.stage.name(), text(&change.object.address))
    };
    changes.iter().map(line).collect()
}

/// Somebody in Brazil looks around as `user-3`, in the night of a day.
fn intruder(day: i64) -> Vec<Event> {
    let step = |step: i64| Event {
        address: "192.0.2.66".to_owned(),
        agent: "python-requests/2.31",
        error: (step % 3 == 1).then_some("AccessDenied"),
        ..event(day, 3 * 60 + step, "user-3")
    };
    (0..20).map(step).collect()
}

#[test]
fn an_account_that_is_taken_over_is_told_from_its_first_minutes_to_its_end() {
    let told = of(Kind::IpInsight, &run([usual(21), intruder(20)].concat()));
    assert_eq!(lines(&told).first().unwrap(), "Start user-3 from 192.0.2.66");
    assert_eq!(lines(&told).last().unwrap(), "End user-3 from 192.0.2.66");
    assert!(told.iter().all(|change| change.insight == told[0].insight), "{told:#?}");
    let (start, end) = (&told[0], told.last().unwrap());
    assert_eq!(start.start, intruder(20)[0].at);
    assert!(start.noticed - start.start <= 10 * MINUTE);
    assert_eq!((end.count, end.until), (20.0, intruder(20)[19].at + 1));
    assert_eq!((start.object.region.as_str(), start.object.service.as_str()), ("eu-de", ""));
}

#[test]
fn the_terms_of_a_score_are_named_and_add_up_to_it() {
    let told = of(Kind::IpInsight, &run([usual(21), intruder(20)].concat()));
    let test = &told[0].test;
    assert_eq!(test.method, Method::LikelihoodRatio);
    let terms: Vec<&str> = test.terms.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(terms[..5], ["network", "country", "account", "agent", "hour"]);
    let sum: f64 = test.terms.iter().map(|(_, value)| value).sum();
    assert!((sum - test.score).abs() < 1e-9 && test.score >= test.threshold, "{test:?}");
}

#[test]
fn usual_days_tell_nothing() {
    assert_eq!(run(usual(28)), []);
}

#[test]
fn nothing_is_told_in_the_first_day_of_an_account() {
    assert_eq!(of(Kind::IpInsight, &run([usual(1), intruder(0)].concat())), []);
}

#[test]
fn who_always_roams_may_go_on() {
    let roaming = |day: i64| {
        (0..6).map(move |hour| Event {
            address: format!("192.0.{}.5", 10 + day),
            ..event(day, (9 + hour) * 60, "traveller")
        })
    };
    assert_eq!(of(Kind::IpInsight, &run([usual(28), (0..28).flat_map(roaming).collect()].concat())), []);
}

#[test]
fn a_network_that_others_of_the_account_use_is_no_news() {
    // All but user-3 were behind the exit before.
    let mut events = usual(21);
    for user in (0..10).filter(|user| *user != 3) {
        let exit = Event { address: format!("192.0.2.{user}"), ..event(10 + user, 700, &format!("user-{user}")) };
        events.push(exit);
    }
    events.extend((0..3).map(|step| Event { address: "192.0.2.66".to_owned(), ..event(20, 700 + step, "user-3") }));
    assert_eq!(of(Kind::IpInsight, &run(events)), []);
}

#[test]
fn an_address_is_told_once_a_day() {
    let again = intruder(20).into_iter().map(|event| Event { at: event.at + 8 * HOUR, ..event });
    let told = of(Kind::IpInsight, &run([usual(22), intruder(20), again.collect()].concat()));
    assert_eq!(told.iter().filter(|change| change.stage == Stage::Start).count(), 1, "{:?}", lines(&told));
}

#[test]
fn what_is_switched_off_is_not_told_and_what_is_expected_says_so() {
    let events = || [usual(21), intruder(20)].concat();
    let off = Settings { off: vec![Kind::IpInsight], ..Settings::default() };
    assert_eq!(of(Kind::IpInsight, &run_with(off, events())), []);
    let expected = Expected { id: "e1".to_owned(), address: Some("192.0.2.*".to_owned()), ..Expected::default() };
    let settings = Settings { expected: vec![expected], ..Settings::default() };
    let told = of(Kind::IpInsight, &run_with(settings, events()));
    assert!(told[0].expected_by.as_deref() == Some("e1"), "{told:?}");
}

/// A program that deploys every hour with its key, from one address.
fn deploys(days: i64) -> Vec<Event> {
    let deploy = |hour: i64| Event {
        address: "198.51.100.200".to_owned(),
        agent: "terraform/1.9",
        key: Some("AKIA1".to_owned()),
        ..event(0, hour * 60 + 7, "deployer")
    };
    (0..days * 24).map(deploy).collect()
}

#[test]
fn a_stolen_key_is_told_with_its_name() {
    let thief = |step: i64| Event {
        address: "192.0.2.99".to_owned(),
        agent: "aws-cli/2.15",
        service: "iam",
        error: (step % 2 == 1).then_some("AccessDenied"),
        key: Some("AKIA1".to_owned()),
        ..event(13, 200 + step, "deployer")
    };
    let told = of(Kind::AkInsight, &run([usual(14), deploys(14), (0..9).map(thief).collect()].concat()));
    assert_eq!(lines(&told).first().unwrap(), "Start deployerAKIA1 from 192.0.2.99");
    assert_eq!(told.last().unwrap().stage, Stage::End);
    let terms: Vec<&str> = told[0].test.terms.iter().map(|(name, _)| name.as_str()).collect();
    assert!(terms.contains(&"network") && terms.contains(&"agent"), "{terms:?}");
}

#[test]
fn a_key_without_history_is_not_judged() {
    let first = |step: i64| Event { key: Some("AKIA2".to_owned()), ..intruder(13)[step as usize].clone() };
    assert_eq!(of(Kind::AkInsight, &run([usual(14), deploys(14), (0..19).map(first).collect()].concat())), []);
}

/// Somebody changes rights or passwords so often in an hour of a day.
fn changes(day: i64, user: &str, action: &str, count: i64) -> Vec<Event> {
    let change = |step: i64| Event {
        service: "iam",
        action: action.to_owned(),
        is_write: true,
        ..event(day, 11 * 60 + step * 60 / count, user)
    };
    (0..count).map(change).collect()
}

#[test]
fn more_changes_of_rights_than_usual_are_told_of_who_made_them() {
    let usually = (0..21).flat_map(|day| changes(day, "user-1", "AttachRolePolicy", 2)).collect();
    let told =
        of(Kind::PolicyChangeInsight, &run([usual(21), usually, changes(20, "user-1", "PutUserPolicy", 80)].concat()));
    let starts: Vec<&Change> = told.iter().filter(|change| change.stage == Stage::Start).collect();
    assert_eq!(starts.len(), 1, "{told:#?}");
    assert_eq!(starts[0].object.principal.as_deref(), Some("user-1"));
    assert_eq!((starts[0].object.service.as_str(), starts[0].test.method), ("iam", Method::NegativeBinomial));
    assert_eq!(told.last().unwrap().stage, Stage::End);
}

#[test]
fn many_who_change_their_passwords_at_once_are_told_of_the_service() {
    let wave = (0..60).flat_map(|user| changes(20, &format!("new-{user}"), "ChangePassword", 1)).collect();
    let told = of(Kind::PasswordChangeInsight, &run([usual(21), wave].concat()));
    assert_eq!(told[0].object.principal, None);
    assert_eq!((told[0].stage, told[0].object.service.as_str()), (Stage::Start, "iam"));
}

#[test]
fn what_was_refused_changed_nothing() {
    let refused = changes(20, "user-1", "PutUserPolicy", 80).into_iter();
    let refused = refused.map(|event| Event { error: Some("AccessDenied"), ..event }).collect();
    assert_eq!(of(Kind::PolicyChangeInsight, &run([usual(21), refused].concat())), []);
}

#[test]
fn a_trail_that_is_stopped_is_told_at_once_and_once_an_hour() {
    let stop = |minute: i64| Event {
        service: "cloudtrail",
        action: "StopLogging".to_owned(),
        is_write: true,
        ..event(5, minute, "user-1")
    };
    let told = of(Kind::TrailConcealmentInsight, &run([usual(7), vec![stop(600), stop(605), stop(800)]].concat()));
    let stages: Vec<(&str, f64)> = told.iter().map(|change| (change.stage.name(), change.count)).collect();
    assert_eq!(stages, [("Start", 1.0), ("End", 2.0), ("Start", 1.0), ("End", 1.0)]);
    assert_eq!((told[0].noticed, told[0].test.method), (stop(600).at, Method::Fact));
    assert_eq!((told[0].object.service.as_str(), told[0].object.action.as_str()), ("cloudtrail", "StopLogging"));
}

#[test]
fn who_tries_to_stop_a_trail_and_is_refused_is_told_and_who_names_one_that_is_not_there_is_not() {
    let stop = |error| Event { action: "StopLogging".to_owned(), error, ..event(5, 600, "user-1") };
    let told = |error| of(Kind::TrailConcealmentInsight, &run([usual(7), vec![stop(error)]].concat()));
    let refused = told(Some("AccessDenied"));
    assert_eq!(refused[0].object.code.as_deref(), Some("AccessDenied"));
    let words = sentence(&refused[0], None);
    assert_eq!(words, "StopLogging by user-1 in eu-de was refused (AccessDenied): somebody tried to stop what records");
    assert_eq!(told(Some("TrailNotFound")), []);
}

#[test]
fn a_source_that_fell_silent_is_told_until_it_speaks_again() {
    // A machine that calls every two minutes, but for seven hours of the twelfth day.
    let calls = |minute: i64| Event { source: "cloudtrail", ..event(0, minute * 2, "machine") };
    let silent = 12 * 720 + 60..12 * 720 + 270;
    let machine = (0..14 * 720).filter(|minute| !silent.contains(minute)).map(calls).collect();
    let told = of(Kind::TrailConcealmentInsight, &run([usual(14), machine].concat()));
    let stages: Vec<&str> = told.iter().map(|change| change.stage.name()).collect();
    // The end of the history is silence too.
    assert_eq!(stages[..2], ["Start", "End"], "{told:#?}");
    assert_eq!((told[0].object.service.as_str(), told[0].object.action.as_str()), ("cloudtrail", "silent"));
    assert_eq!(told[0].start, calls(12 * 720 + 59).at);
    let hours = (told[0].noticed - told[0].start) / HOUR;
    assert!((3..=4).contains(&hours), "noticed after {hours} hours");
    // It sends thirty an hour: the second event is more than somebody else would send now and then.
    assert_eq!(told[1].noticed, calls(12 * 720 + 271).at);
}

#[test]
fn a_source_that_is_stopped_is_told_though_somebody_sends_a_little_of_its_format() {
    let calls = |minute: i64| Event { source: "cloudtrail", ..event(0, minute * 2, "machine") };
    let machine = (0..14 * 720).filter(|minute| *minute < 12 * 720 || minute % 30 == 0).map(calls).collect();
    let told = of(Kind::TrailConcealmentInsight, &run([usual(14), machine].concat()));
    let stages: Vec<&str> = told.iter().map(|change| change.stage.name()).collect();
    assert_eq!(stages, ["Start"], "{told:#?}");
}

/// Takes events in the order given, each when it says: what happened before comes late.
fn take_all(events: &[(Event, i64)]) -> Vec<Change> {
    let mut detector = Detector::new("a", Settings::default(), Arc::new(Stub));
    let mut told = Vec::new();
    for (offset, (event, recorded_at)) in events.iter().enumerate() {
        take(&mut detector, offset, event, *recorded_at, &mut told);
    }
    detector.pass(events.last().unwrap().1 + 2 * DAY, &mut told);
    told
}

#[test]
fn a_trail_that_is_stopped_is_told_also_where_the_event_comes_late() {
    let mut events: Vec<(Event, i64)> = usual(7).into_iter().map(|event| (event.clone(), event.at)).collect();
    let newest = events.last().unwrap().0.at;
    for (action, late) in [("StopLogging", 12 * MINUTE), ("DeleteTrail", 3 * DAY)] {
        let stop = Event { action: action.to_owned(), at: newest - late, ..event(0, 0, "user-1") };
        events.push((stop, newest));
    }
    assert_eq!(
        of(Kind::TrailConcealmentInsight, &take_all(&events)).iter().filter(|c| c.stage == Stage::Start).count(),
        2
    );
}

#[test]
fn a_takeover_is_told_also_where_its_events_come_twenty_minutes_late() {
    let mut events: Vec<(Event, i64)> =
        [usual(21), intruder(20)].concat().into_iter().map(|event| (event.clone(), event.at)).collect();
    // Others of the format are in time.
    let others = (0..40).map(|step| event(20, step, "user-1")).map(|event| (event.clone(), event.at));
    events.extend(others);
    for (event, recorded_at) in &mut events {
        if event.address.starts_with("192.") {
            *recorded_at += 20 * MINUTE;
        }
    }
    events.sort_by_key(|(_, recorded_at)| *recorded_at);
    let told = of(Kind::IpInsight, &take_all(&events));
    assert_eq!(lines(&told)[0], "Start user-3 from 192.0.2.66");
}

#[test]
fn a_burst_is_told_also_where_it_comes_half_an_hour_late() {
    let writes = |day: i64, minute: i64| Event {
        action: "store.things.delete".to_owned(),
        is_write: true,
        ..event(day, minute, "user-1")
    };
    let mut events: Vec<(Event, i64)> =
        (0..6 * 1440).map(|minute| writes(0, minute)).map(|event| (event.clone(), event.at)).collect();
    let burst = (0..240).map(|step| Event { at: writes(5, 600).at + step * 250_000, ..writes(5, 600) });
    events.extend(burst.map(|event| (event.clone(), event.at + 30 * MINUTE)));
    events.sort_by_key(|(_, recorded_at)| *recorded_at);
    let told = of(Kind::ApiCallRateInsight, &take_all(&events));
    assert_eq!(told[0].stage, Stage::Start);
    assert!(told.last().is_some_and(|end| end.stage == Stage::End && end.count >= 240.0), "{told:#?}");
}

#[test]
fn a_thousand_insights_do_not_hide_that_a_trail_is_stopped() {
    let decoys = (0..30_000).map(|number| Event {
        action: format!("store.decoy{}.delete", number / 30),
        is_write: true,
        at: event(8, 600, "").at + number * 10_000,
        ..event(8, 600, "user-1")
    });
    let stop = Event { action: "StopLogging".to_owned(), ..event(8, 700, "user-1") };
    let told = run([usual(9), decoys.collect(), vec![stop]].concat());
    let starts = |kind| of(kind, &told).iter().filter(|change| change.stage == Stage::Start).count();
    assert_eq!((starts(Kind::ApiCallRateInsight), starts(Kind::TrailConcealmentInsight)), (200, 1));
}

#[test]
fn an_event_of_long_ago_makes_a_new_account_no_old_one() {
    let mut events: Vec<(Event, i64)> = vec![(event(-3000, 0, "user-1"), event(0, 0, "").at)];
    let burst = (0..200).map(|second| Event {
        action: "store.things.delete".to_owned(),
        is_write: true,
        at: event(0, 60, "").at + second * 1_000_000,
        ..event(0, 60, "user-1")
    });
    events.extend(burst.map(|event| (event.clone(), event.at)));
    assert_eq!(take_all(&events), []);
}

/// Everything that is told above, in one history.
fn everything() -> Vec<Event> {
    let stop = Event { action: "StopLogging".to_owned(), is_write: true, ..event(20, 600, "user-1") };
    let thief = (0..9).map(|step| Event { key: Some("AKIA1".to_owned()), ..intruder(19)[step].clone() });
    let mut events =
        [usual(21), deploys(21), intruder(20), thief.collect(), changes(20, "user-1", "PutUserPolicy", 80), vec![stop]]
            .concat();
    events.sort_by_key(|event| event.at);
    events
}

#[test]
fn a_restart_at_any_event_changes_nothing() {
    let events = everything();
    let mut whole = Detector::new("a", Settings::default(), Arc::new(Stub));
    let (mut told, mut cuts) = (Vec::new(), Vec::new());
    for (offset, event) in events.iter().enumerate() {
        if offset % 400 == 0 || (event.at >= BEGIN + 19 * DAY && offset % 23 == 0) {
            cuts.push((offset, told.len(), whole.snapshot()));
        }
        take(&mut whole, offset, event, event.at, &mut told);
    }
    for kind in [Kind::IpInsight, Kind::AkInsight, Kind::PolicyChangeInsight, Kind::TrailConcealmentInsight] {
        assert!(!of(kind, &told).is_empty(), "{kind:?}");
    }
    for (from, before, snapshot) in cuts {
        let mut rest = Detector::restore(&snapshot, Settings::default(), Arc::new(Stub)).unwrap();
        let mut rest_told = Vec::new();
        for (offset, event) in events.iter().enumerate().skip(from) {
            take(&mut rest, offset, event, event.at, &mut rest_told);
        }
        let bytes = |changes: &[Change]| serde_json::to_vec(changes).unwrap();
        assert_eq!(bytes(&rest_told), bytes(&told[before..]), "cut at {from}");
    }
}

#[test]
fn what_arrives_in_another_order_within_minutes_starts_the_same() {
    let events = everything();
    let run = |seed: Option<u64>| {
        let mut arriving: Vec<(i64, Event)> = events.iter().map(|event| (event.at, event.clone())).collect();
        if let Some(seed) = seed {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            arriving.shuffle(&mut random);
            // Up to nine minutes late.
            arriving.iter_mut().for_each(|(recorded, _)| *recorded += random.random_range(0..9 * MINUTE));
        }
        arriving.sort_by_key(|(recorded, event)| (*recorded, event.at));
        let mut detector = Detector::new("a", Settings::default(), Arc::new(Stub));
        let mut told = Vec::new();
        for (offset, (recorded, event)) in arriving.iter().enumerate() {
            take(&mut detector, offset, event, *recorded, &mut told);
        }
        detector.pass(BEGIN + 23 * DAY, &mut told);
        assert_eq!(detector.learning().drops.late, 0);
        // Errors among calls are judged as they come; and the first access is the first that came.
        let is_told = |change: &&Change| change.stage == Stage::Start && change.kind != Kind::ApiErrorRateInsight;
        let mut starts: Vec<(Kind, _, i64)> = told
            .iter()
            .filter(is_told)
            .map(|change| (change.kind, change.object.clone(), change.start.div_euclid(HOUR)))
            .collect();
        starts.sort();
        starts
    };
    let in_order = run(None);
    assert!(in_order.len() >= 4);
    for seed in 0..3 {
        assert_eq!(run(Some(seed)), in_order, "shuffled by {seed}");
    }
}

#[test]
fn who_sends_a_new_address_with_each_event_does_not_fill_the_memory() {
    let mut detector = Detector::new("a", Settings::default(), Arc::new(Stub));
    let mut told = Vec::new();
    let mut most = 0;
    for step in 0..300_000_u32 {
        let [_, a, b, c] = step.to_be_bytes();
        let mut event = event(0, i64::from(step) / 20, "user-1");
        event.address = format!("10.{a}.{b}.{c}");
        take(&mut detector, step as usize, &event, event.at, &mut told);
        if step % 50_000 == 49_999 {
            most = most.max(detector.bytes());
        }
    }
    assert!(most < 32 << 20, "{most} bytes");
    assert_eq!(told.iter().filter(|change| change.kind == Kind::IpInsight).count(), 0);
}
