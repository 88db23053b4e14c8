//! Windows as stories, and as any sequence of counts and ticks.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Midnight of some day plus seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(20_000 * MICROS_A_DAY + seconds * MICROS_A_SECOND)
}

fn trigger(value: serde_json::Value) -> Trigger {
    let trigger: Trigger = serde_json::from_value(value).unwrap();
    assert_eq!(trigger.faults(), []);
    trigger
}

fn short(fires: &[Fire]) -> Vec<(Kind, i64, u64)> {
    fires.iter().map(|fire| (fire.kind, (fire.from.micros() - at(0).micros()) / MICROS_A_SECOND, fire.count)).collect()
}

#[test]
fn presence_is_sent_at_once_and_at_the_end_each_once() {
    let both = trigger(json!({"operator": "presence", "trigger_limit": 3, "trigger_interval": "1m",
        "immediate": true, "terminal": true}));
    let mut watch = Watch::new(&both, at(10), None);
    assert_eq!(short(&watch.record(&both, at(11), 2)), []);
    assert_eq!(short(&watch.record(&both, at(12), 2)), [(Kind::Immediate, 0, 4)]);
    assert_eq!(short(&watch.record(&both, at(59), 9)), []);
    assert_eq!(watch.due_at(), at(60));
    assert_eq!(short(&watch.tick(&both, at(60))), [(Kind::Terminal, 0, 13)]);
    assert_eq!(short(&watch.tick(&both, at(600))), []);
    assert_eq!(short(&watch.record(&both, at(601), 2)), []);
    assert_eq!(short(&watch.tick(&both, at(660))), [], "two are too few");
}

#[test]
fn absence_is_sent_at_the_end_of_whole_windows_while_there_was_something_the_day_before() {
    let absent = trigger(json!({"operator": "absence", "trigger_interval": "6h", "terminal": true}));
    let hour = 3600;
    let mut watch = Watch::new(&absent, at(hour), Some(at(0)));
    assert_eq!(short(&watch.tick(&absent, at(6 * hour))), [], "the first window was not watched from its start");
    assert_eq!(short(&watch.tick(&absent, at(12 * hour))), [(Kind::Terminal, 6 * hour, 0)]);
    assert_eq!(short(&watch.record(&absent, at(13 * hour), 1)), []);
    assert_eq!(short(&watch.tick(&absent, at(18 * hour))), []);
    let silent = [18, 24, 30, 36].map(|from| (Kind::Terminal, from * hour, 0));
    assert_eq!(short(&watch.tick(&absent, at(1000 * hour))), silent, "then it is no news any more");
    assert_eq!(short(&watch.tick(&absent, at(2000 * hour))), []);
}

#[test]
fn the_absence_of_a_day_is_news_once() {
    let absent = trigger(json!({"operator": "absence", "trigger_interval": "24h", "terminal": true}));
    let day = 86_400;
    let mut watch = Watch::new(&absent, at(0), None);
    assert_eq!(short(&watch.record(&absent, at(day - 1), 1)), []);
    assert_eq!(short(&watch.tick(&absent, at(10 * day))), [(Kind::Terminal, day, 0)]);
}

#[test]
fn nothing_is_sent_while_it_is_dark() {
    let nights = json!({"enabled": true, "times": {"enabled": true, "periods": [["00:00", "00:10"]]}});
    let both = trigger(json!({"operator": "presence", "trigger_interval": "15m", "immediate": true, "terminal": true,
        "blackout": nights}));
    let mut watch = Watch::new(&both, at(0), None);
    assert_eq!(short(&watch.record(&both, at(599), 1)), []);
    assert_eq!(short(&watch.record(&both, at(600), 1)), [(Kind::Immediate, 0, 2)], "it was not sent before");
    assert_eq!(short(&watch.tick(&both, at(900))), [(Kind::Terminal, 0, 2)]);
}

#[test]
fn what_cannot_work_says_how_to_mend_it() {
    let members = |value| -> Vec<String> {
        let trigger: Trigger = serde_json::from_value(value).unwrap();
        trigger.faults().into_iter().map(|fault| fault.member).collect()
    };
    assert_eq!(members(json!({"operator": "presence"})), ["immediate"]);
    assert_eq!(members(json!({"operator": "absence"})), ["terminal"]);
    assert_eq!(members(json!({"operator": "absence", "terminal": true, "immediate": true})), ["immediate"]);
    assert_eq!(members(json!({"operator": "presence", "terminal": true, "trigger_limit": 0})), ["trigger_limit"]);
    for wrong in [
        json!({"operator": "presence", "trigger_interval": "2m"}),
        json!({"operator": "gone"}),
        json!({"operator": "presence", "immediately": true}),
    ] {
        assert!(serde_json::from_value::<Trigger>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn intervals_default_by_operator_and_divide_a_day() {
    let of = |operator| Trigger { operator, ..trigger(json!({"operator": "presence", "terminal": true})) }.interval();
    assert_eq!((of(Operator::Presence), of(Operator::Absence)), (Interval::Seconds30, Interval::Minutes15));
    assert!(Interval::ALL.iter().all(|interval| 86_400 % interval.seconds() == 0));
}

#[test]
fn another_interval_begins_anew() {
    let minute = trigger(json!({"operator": "presence", "trigger_interval": "1m", "terminal": true}));
    let hour = Trigger { trigger_interval: Some(Interval::Hour1), ..minute.clone() };
    let mut watch = Watch::new(&minute, at(0), None);
    watch.record(&minute, at(1), 5);
    assert_eq!(short(&watch.tick(&hour, at(7300))), []);
    assert_eq!(watch.due_at(), at(10_800));
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    let kinds =
        prop::sample::select(vec![(true, true, false), (true, false, true), (true, true, true), (false, false, true)]);
    (kinds, 1_u64..5, prop::sample::select(Interval::ALL[..4].to_vec())).prop_map(
        |((is_presence, immediate, terminal), trigger_limit, interval)| Trigger {
            operator: if is_presence { Operator::Presence } else { Operator::Absence },
            trigger_limit,
            trigger_interval: Some(interval),
            immediate,
            terminal,
            blackout: None,
        },
    )
}

proptest! {

    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ticks_change_only_when_one_learns_and_each_window_fires_once_a_kind(
        trigger in any_trigger(),
        steps in prop::collection::vec((0_i64..2000, 0_u64..3, any::<bool>()), 1..60),
    ) {
        let (mut ticked, mut lazy) = (Watch::new(&trigger, at(0), None), Watch::new(&trigger, at(0), None));
        let (mut often, mut seldom) = (Vec::new(), Vec::new());
        let mut now = 0;
        for (wait, count, ticks) in &steps {
            if *ticks {
                often.extend(ticked.tick(&trigger, at(now + wait / 2)));
            }
            now += wait;
            often.extend(ticked.record(&trigger, at(now), *count));
            seldom.extend(lazy.record(&trigger, at(now), *count));
            let stored = serde_json::to_string(&ticked).unwrap();
            ticked = serde_json::from_str(&stored).unwrap();
        }
        let end = at(now + 3 * 86_400);
        while ticked.due_at() <= end {
            let due = ticked.due_at();
            often.extend(ticked.tick(&trigger, due));
        }
        seldom.extend(lazy.tick(&trigger, end));
        prop_assert_eq!(&often, &seldom);
        for (place, fire) in often.iter().enumerate() {
            let again = often[place + 1..].iter().any(|other| other.kind == fire.kind && other.from == fire.from);
            prop_assert!(!again, "{:?} twice", fire);
            prop_assert_eq!(fire.from.micros().rem_euclid(trigger.interval().seconds() * MICROS_A_SECOND), 0);
        }
    }
}
