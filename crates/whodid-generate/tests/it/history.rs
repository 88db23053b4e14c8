//! The history is the same every time, in order, valid, and shaped like a company at work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;
use whodid_decode::{Format, decode};
use whodid_generate::{Generated, Incident, Options, history, incidents, live};
use whodid_model::{Field, Timestamp};

/// A Friday.
const END: &str = "2026-11-20T12:00:00Z";

fn options(events: u64) -> Options {
    Options { events, ..Options::until(Timestamp::parse(END).unwrap().at) }
}

/// A tenth of the demo's history, made once for all tests.
static HISTORY: LazyLock<Vec<Generated>> = LazyLock::new(|| history(options(30_000)).collect());

fn parsed() -> impl Iterator<Item = (&'static Generated, Value)> {
    HISTORY.iter().map(|event| (event, serde_json::from_str(&event.json).unwrap()))
}

fn checksum(events: impl Iterator<Item = Generated>) -> u32 {
    events.fold(0, |crc, event| crc32c::crc32c_append(crc, format!("{} {}\n", event.format, event.json).as_bytes()))
}

#[test]
fn the_same_options_give_the_same_bytes_on_every_machine() {
    assert_eq!(checksum(history(options(300_000)).take(5000)), GOLDEN, "the history has changed: say so in the log");
    assert_ne!(checksum(history(Options { seed: 2, ..options(300_000) }).take(5000)), GOLDEN);
}

const GOLDEN: u32 = 3269477226;

#[test]
fn the_number_of_events_is_as_asked_and_they_are_in_order_within_the_days() {
    let options = options(30_000);
    let everyday = HISTORY.len() as u64;
    assert!((30_000..36_000).contains(&everyday), "{everyday}");
    assert!(HISTORY.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(HISTORY[0].at >= options.start() && HISTORY.last().unwrap().at < options.end);
    let first_day = options.start().plus_micros(86_400_000_000);
    assert!(HISTORY.iter().filter(|event| event.at < first_day).count() > 300, "it begins at the beginning");
}

#[test]
fn every_event_decodes_with_an_initiator_an_action_and_its_own_time() {
    let received = Timestamp::parse("2030-01-01T00:00:00Z").unwrap().at;
    for event in
        HISTORY.iter().chain(&live(Options { seed: 3, ..Options::until(received) }).take(2000).collect::<Vec<_>>())
    {
        for asked in [Format::Auto, Format::parse(event.format).unwrap()] {
            let items = decode(asked, event.json.as_bytes(), received);
            assert_eq!(items.len(), 1, "{}", event.json);
            assert_eq!(items[0].format.as_str(), event.format, "{}", event.json);
            let decoded = items[0].event.as_ref().unwrap_or_else(|reject| panic!("{reject:?}: {}", event.json));
            for field in [Field::InitiatorName, Field::InitiatorId, Field::Action, Field::Id, Field::Address] {
                assert!(decoded.fields.get(field).is_some(), "no {}: {}", field.column(), event.json);
            }
            let apart = (decoded.event_time.micros() - event.at.micros()).abs();
            assert!(apart < 1_000_000, "{} is not {}: {}", decoded.event_time, event.at, event.json);
            assert_ne!(decoded.outcome().as_str(), "unknown", "{}", event.json);
        }
    }
}

#[test]
fn addresses_are_reserved_ones_and_names_are_examples() {
    for (event, value) in parsed() {
        for text in texts(&value) {
            if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
                assert!(address.is_documentation() || address.is_private(), "{address} in {}", event.json);
            }
            for (place, _) in text.match_indices('@') {
                assert!(text[place..].starts_with("@example.com"), "{text} in {}", event.json);
            }
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn formats_actions_regions_and_people_are_mixed() {
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut actions, mut regions, mut people) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for event in HISTORY.iter() {
        *formats.entry(event.format).or_default() += 1;
        for item in decode(Format::Auto, event.json.as_bytes(), event.at) {
            let decoded = item.event.unwrap();
            actions.insert(decoded.fields.get(Field::Action).unwrap().to_owned());
            people.insert(decoded.fields.get(Field::InitiatorName).unwrap().to_owned());
            regions.extend(decoded.fields.get(Field::Region).map(str::to_owned));
        }
    }
    let share = |format: &str| formats[format] * 100 / HISTORY.len();
    assert!((35..80).contains(&share("ibm-at")), "{formats:?}");
    assert!((10..40).contains(&share("kubernetes")), "{formats:?}");
    assert!((3..20).contains(&share("okta")), "{formats:?}");
    assert!(share("cloudtrail") >= 2 && formats["cadf"] > 300, "{formats:?}");
    assert!(actions.len() >= 60, "{} actions: {actions:?}", actions.len());
    for region in ["us-south", "eu-de", "eu-gb", "jp-tok", "global"] {
        assert!(regions.contains(region), "{regions:?}");
    }
    assert!((100..180).contains(&people.len()), "{}", people.len());
}

#[test]
fn two_to_five_in_a_hundred_everyday_events_fail() {
    let quiet: Vec<&Generated> = HISTORY.iter().filter(|event| !within_an_incident(event.at)).collect();
    let failures = quiet.iter().filter(|event| is_failure(event)).count();
    let permille = failures * 1000 / quiet.len();
    assert!((20..50).contains(&permille), "{permille} in a thousand");
}

fn is_failure(event: &Generated) -> bool {
    let items = decode(Format::Auto, event.json.as_bytes(), event.at);
    items[0].event.as_ref().unwrap().outcome().as_str() == "failure"
}

static INCIDENTS: LazyLock<Vec<Incident>> = LazyLock::new(|| incidents(options(30_000)));

fn within_an_incident(at: Timestamp) -> bool {
    INCIDENTS.iter().any(|incident| incident.start <= at && at <= incident.end)
}

#[test]
fn people_work_on_working_days_by_their_own_clock_and_services_at_all_times() {
    // What developers of one office do, by hour of UTC; weekends apart.
    let mut by_hour: BTreeMap<&str, [usize; 24]> = BTreeMap::new();
    let (mut weekend, mut week, mut by_night) = (0, 0, 0);
    for event in HISTORY.iter().filter(|event| !within_an_incident(event.at)) {
        let hour = (event.at.micros().div_euclid(3_600_000_000) % 24) as usize;
        let office = [("paul.richter", "Frankfurt"), ("mei.fujita", "Tokyo"), ("tyler.reed", "Dallas")];
        for (person, office) in office {
            if event.json.contains(person) {
                by_hour.entry(office).or_default()[hour] += 1;
            }
        }
        // 1970-01-01 was a Thursday.
        let is_weekend = (event.at.day_number() + 3) % 7 >= 5;
        let is_person = event.json.contains("@example.com");
        match (is_person, is_weekend) {
            (true, true) => weekend += 1,
            (true, false) => week += 1,
            (false, _) => by_night += usize::from(hour < 4),
        }
    }
    for (office, night, day) in [("Frankfurt", 22..27, 8..14), ("Tokyo", 14..19, 0..6), ("Dallas", 5..10, 15..21)] {
        let hours = by_hour[office];
        let sum = |range: std::ops::Range<usize>| range.map(|hour| hours[hour % 24]).sum::<usize>();
        assert!(sum(day.clone()) > 8 * sum(night.clone()).max(1), "{office}: {hours:?}");
    }
    assert!(week > 12 * weekend, "{week} in the week, {weekend} at weekends");
    assert!(by_night > 1000, "{by_night}");
}

#[test]
fn eight_incidents_happen_and_their_events_are_there() {
    let incidents = incidents(options(30_000));
    assert_eq!(incidents.len(), 8, "{incidents:#?}");
    assert!(incidents.windows(2).all(|pair| pair[0].start <= pair[1].start));
    let count = |incident: &Incident, what: &dyn Fn(&str) -> bool| {
        let within = |event: &&Generated| event.at >= incident.start && event.at <= incident.end;
        HISTORY
            .iter()
            .filter(within)
            .filter(|event| event.json.contains(&incident.initiator) && what(&event.json))
            .count()
    };
    for incident in &incidents {
        assert!(incident.start < incident.end, "{incident:?}");
        for address in &incident.addresses {
            assert!(HISTORY.iter().any(|event| event.json.contains(address.as_str())), "{incident:?}");
        }
        let found = match incident.kind {
            "password-guessing" => {
                count(incident, &|json| json.contains("INVALID_CREDENTIALS") || json.contains("\"reasonCode\":400"))
                    >= 150
            }
            "key-deletion" => count(incident, &|json| json.contains("kms.secrets.delete")) >= 40,
            "impossible-travel" => {
                count(incident, &|json| json.contains("São Paulo") || json.contains("\"Tokyo\"")) >= 2
            }
            "mass-secret-read" => count(incident, &|json| json.contains("kms.secrets.read")) >= 300,
            "public-bucket" => count(incident, &|json| json.contains("public-read")) == 1,
            "unusual-exec" => count(incident, &|json| json.contains("\"subresource\":\"exec\"")) == 2,
            "broken-deploy" => {
                count(incident, &|json| json.contains("kms.secrets.unwrap") && json.contains("\"failure\"")) >= 900
            }
            "audit-tampering" => {
                count(incident, &|json| json.contains("StopLogging") || json.contains("atracker.route.delete")) >= 3
            }
            other => panic!("{other} has no test"),
        };
        assert!(found, "{incident:?}");
    }
    let strangers = HISTORY.iter().filter(|event| event.json.contains("public-access\"")).count();
    assert!(strangers >= 150, "{strangers}");
}

#[test]
fn a_short_history_leaves_out_what_does_not_fit() {
    for days in [0, 1, 2, 7] {
        let options = Options { days, ..options(2000) };
        let told = incidents(options);
        assert!(days < 7 || told.len() >= 7, "{} in {days} days", told.len());
        let events: Vec<Generated> = history(options).collect();
        assert!(events.iter().all(|event| event.at >= options.start() && event.at < options.end));
        assert!(told.iter().all(|incident| incident.start >= options.start() && incident.end < options.end));
        assert_eq!(events.is_empty(), days == 0);
    }
}

#[test]
fn live_events_go_on_after_the_history_at_its_rate() {
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap().at;
    let options = Options { events: 30_000, ..Options::until(end) };
    let week = 7 * 86_400_000_000;
    let before = history(options).filter(|event| event.at >= end.plus_micros(-week)).count() as f64;
    let events: Vec<Generated> = live(options).take_while(|event| event.at < end.plus_micros(week)).collect();
    assert!(events[0].at >= end && events[0].at < end.plus_micros(3_600_000_000), "{}", events[0].at);
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let ratio = events.len() as f64 / before;
    assert!((0.85..1.15).contains(&ratio), "{ratio} times as many as in the week before");
    assert_eq!(checksum(live(options).take(100)), checksum(events.into_iter().take(100)));
}
