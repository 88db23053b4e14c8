//! The kinds beyond Sigma: absence, silence, new terms, devices, places, travel, sessions, hours.

use crate::world::{at, documents, hits, rules, sign_in, told};
use whodid_rules::{Build, Locate, Location, RuleSet, State};

const LOGIN: &str = "title: Login\nid: login\nname: login\nlogsource: {category: activity}\ndetection: {sel: {cadf.action: authenticate/login, outcome: success}, condition: sel}\n";

fn of(kind: &str) -> RuleSet {
    rules(&format!("{LOGIN}---\ntitle: It\nid: it\ncorrelation: {{rules: [login], {kind}}}\n"))
}

fn logins(acts: &[(&str, &str, &str, &str)]) -> String {
    acts.iter().map(|(time, who, address, agent)| sign_in(time, who, "success", address, agent) + "\n").collect()
}

#[test]
fn what_does_not_follow_is_told_when_its_time_is_over() {
    let text = format!(
        "{LOGIN}---\ntitle: Logout\nid: logout\nname: logout\nlogsource: {{category: activity}}\ndetection: {{sel: {{action: bye}}, condition: sel}}\n---\n\
         title: It\nid: it\ncorrelation: {{type: absence, rules: [login, logout], group-by: [initiator.name], timespan: 10m}}\n"
    );
    let rules = rules(&text);
    let bye =
        |time: &str, who: &str| sign_in(time, who, "success", "192.0.2.1", "x").replace("authenticate/login", "bye");
    let acts = [
        sign_in("10:00:00", "bob", "success", "192.0.2.1", "x"),
        sign_in("10:00:00", "eve", "success", "192.0.2.1", "x"),
        bye("10:09:00", "bob"),
        bye("10:10:01", "eve"),
        sign_in("10:30:00", "late", "success", "192.0.2.1", "x"),
    ];
    assert_eq!(
        told(&rules, &hits(&rules, &acts.join("\n"))),
        ["it eve 10:10:00"],
        "of the last one the end is not known"
    );
}

#[test]
fn a_source_that_falls_silent_is_told_once_until_it_is_heard_again() {
    let rules = of("type: silence, group-by: [initiator.name], timespan: 30m");
    let acts = [("10:00:00", "bob"), ("10:20:00", "bob"), ("11:00:00", "bob"), ("12:00:00", "eve")];
    let events = logins(&acts.map(|(time, who)| (time, who, "192.0.2.1", "x")));
    // Events come as they happen: the clock goes with them.
    let mut state = rules.new_state();
    let mut found = Vec::new();
    for (number, line) in events.lines().enumerate() {
        let time = at(&format!("2026-06-01T{}Z", acts[number].0));
        crate::order::step(&rules, &mut state, line, number as u64, time, &mut found);
    }
    assert_eq!(told(&rules, &found), ["it bob 10:50:00", "it bob 11:30:00"]);
}

#[test]
fn a_value_not_seen_before_is_told_once_enough_was_seen() {
    let rules = of(
        "type: new_terms, group-by: [initiator.name], field: [initiator.host.address], timespan: 14d, min_history: 2",
    );
    let acts = [
        ("10:00:00", "192.0.2.1"),
        ("10:01:00", "192.0.2.2"),
        ("10:02:00", "192.0.2.1"),
        ("10:03:00", "203.0.113.9"),
        ("10:04:00", "203.0.113.9"),
    ];
    let events = logins(&acts.map(|(time, address)| (time, "bob", address, "x")));
    let found = hits(&rules, &events);
    assert_eq!(told(&rules, &found), ["it bob 10:03:00"]);
    assert_eq!(found[0].why.as_deref(), Some("first seen: 203.0.113.9"));
}

#[test]
fn a_device_is_new_by_its_kind_and_no_news_at_home_where_homes_are_trusted() {
    let curl_at_home = [
        ("10:00:00", "curl/1"),
        ("10:01:00", "curl/2"),
        ("10:02:00", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ];
    let events = logins(&curl_at_home.map(|(time, agent)| (time, "bob", "192.0.2.1", agent)));
    let strict = of("type: new_device, group-by: [initiator.name], timespan: 90d, min_history: 2");
    let found = hits(&strict, &events);
    assert_eq!(found[0].why.as_deref(), Some("Firefox on Linux was not used before; usual: curl"));
    let trusting =
        of("type: new_device, group-by: [initiator.name], timespan: 90d, min_history: 2, trust_known_networks: true");
    assert!(hits(&trusting, &events).is_empty());
    let away = events.replace("192.0.2.1\"},\"id\":\"x", "").replacen("192.0.2.1", "198.51.100.7", 3).replacen(
        "198.51.100.7",
        "192.0.2.1",
        2,
    );
    assert_eq!(hits(&trusting, &away).len(), 1, "a new device in a new network");
}

#[test]
fn a_network_is_unusual_when_new_to_the_user_and_rare_in_the_account() {
    let rules = of("type: unusual_location, group-by: [initiator.name], timespan: 90d, min_history: 2");
    let mut acts = vec![("10:00:00", "bob", "192.0.2.1", "x"), ("10:01:00", "bob", "192.0.2.9", "x")];
    acts.push(("10:02:00", "bob", "203.0.113.5", "x"));
    let found = hits(&rules, &logins(&acts));
    assert_eq!(told(&rules, &found), ["it bob 10:02:00"]);
    assert_eq!(found[0].why.as_deref(), Some("203.0.113.0/24 was not used before; usual: 192.0.2.0/24"));
}

#[test]
fn sessions_from_two_networks_and_devices_at_once_are_told() {
    let rules = of("type: concurrent_sessions, group-by: [initiator.name], timespan: 10m");
    let events = logins(&[
        ("10:00:00", "bob", "192.0.2.1", "curl/8"),
        ("10:05:00", "bob", "203.0.113.5", "Mozilla/5.0 (Windows NT 10.0) Chrome/1.0"),
        ("11:00:00", "bob", "192.0.2.1", "curl/8"),
    ]);
    assert_eq!(told(&rules, &hits(&rules, &events)), ["it bob 10:05:00"]);
    let roaming = logins(&[("10:00:00", "bob", "192.0.2.1", "curl/8"), ("10:05:00", "bob", "203.0.113.5", "curl/8")]);
    assert!(hits(&rules, &roaming).is_empty(), "the same device in another network");
}

struct TwoCities;

impl Locate for TwoCities {
    fn locate(&self, address: std::net::IpAddr) -> Option<Location> {
        let (country, latitude, longitude) =
            if address.to_string().starts_with("192.0.2.") { ("DE", 52.5, 13.4) } else { ("JP", 35.7, 139.7) };
        Some(Location { country: country.to_owned(), latitude, longitude, radius_km: 300.0 })
    }
}

#[test]
fn travel_faster_than_an_aeroplane_is_told_where_places_are_known() {
    let text = format!(
        "{LOGIN}---\ntitle: It\nid: it\ncorrelation: {{rules: [login], type: impossible_travel, group-by: [initiator.name], timespan: 24h}}\n"
    );
    let documents = documents(&text);
    let build = Build { documents: documents.iter().collect(), ..Build::default() };
    let events = logins(&[("10:00:00", "bob", "192.0.2.1", "x"), ("12:00:00", "bob", "203.0.113.1", "x")]);
    let (knowing, _) = RuleSet::compile(&build);
    let knowing = knowing.with_locations(Box::new(TwoCities));
    let found = hits(&knowing, &events);
    assert_eq!(told(&knowing, &found), ["it bob 12:00:00"]);
    assert!(found[0].why.as_deref().unwrap().contains("DE and JP"), "{:?}", found[0].why);
    let (unknowing, _) = RuleSet::compile(&build);
    assert!(hits(&unknowing, &events).is_empty(), "without a database it stays silent");
    let slow = events.replace("12:00:00", "23:00:00");
    assert!(hits(&knowing, &slow).is_empty());
}

struct OneCountry;

impl Locate for OneCountry {
    fn locate(&self, address: std::net::IpAddr) -> Option<Location> {
        let (latitude, longitude) = match address.to_string().split('.').next() {
            Some("192") => (40.7, -74.0),
            Some("198") => (41.3, -72.9),
            _ => (34.1, -118.2),
        };
        Some(Location { country: "US".to_owned(), latitude, longitude, radius_km: 50.0 })
    }
}

#[test]
fn travel_within_a_country_is_told_too_until_it_is_a_habit() {
    let rules = of("type: impossible_travel, group-by: [initiator.name], timespan: 24h");
    let rules = rules.with_locations(Box::new(OneCountry));
    let coast_to_coast = logins(&[("10:00:00", "bob", "192.0.2.1", "x"), ("10:30:00", "bob", "203.0.113.1", "x")]);
    let found = hits(&rules, &coast_to_coast);
    assert_eq!(told(&rules, &found), ["it bob 10:30:00"]);
    assert!(found[0].why.as_deref().unwrap().starts_with("two places in US are about 38"), "{:?}", found[0].why);
    let next_town = logins(&[("10:00:00", "bob", "192.0.2.1", "x"), ("10:30:00", "bob", "198.51.100.1", "x")]);
    assert!(hits(&rules, &next_town).is_empty());
    let days: String = (1..=5).map(|day| coast_to_coast.replace("2026-06-01", &format!("2026-06-{day:02}"))).collect();
    assert_eq!(hits(&rules, &days).len(), 3, "on the fourth day it is a habit");
}

#[test]
fn hours_hold_a_rule_to_a_time_of_day_in_a_zone() {
    let rules = rules(
        "title: T\nid: night\nwhodid: {hours: {outside: \"08:00-17:00\", time_zone: Europe/Berlin}}\nlogsource: {category: activity}\ndetection: {sel: {outcome: success}, condition: sel}\n",
    );
    let events = logins(&["05:59:00", "06:01:00", "14:59:00", "15:01:00"].map(|time| (time, "bob", "192.0.2.1", "x")));
    assert_eq!(crate::world::matches(&rules, &events), ["night: 0 3"]);
}

#[test]
fn what_is_learned_of_the_past_is_known_in_whatever_order_it_was_read() {
    let rules = of(
        "type: new_terms, group-by: [initiator.name], field: [initiator.host.address], timespan: 14d, min_history: 2",
    );
    let take_in = |state: &mut State, acts: &[(&str, &str)]| {
        let mut found = Vec::new();
        for (number, (time, address)) in acts.iter().enumerate() {
            let line = logins(&[(time, "bob", address, "x")]);
            crate::order::step(&rules, state, &line, number as u64, at(&format!("2026-06-01T{time}Z")), &mut found);
        }
        told(&rules, &found)
    };
    let mut state = rules.new_state();
    take_in(&mut state, &[("10:03:00", "192.0.2.9")]);
    let wanted = rules.unlearned(&mut state).unwrap();
    assert_eq!(wanted.span, 14 * 86_400 * 1_000_000);
    let mut past = rules.new_state();
    take_in(&mut past, &[("10:02:00", "192.0.2.2"), ("10:00:00", "192.0.2.1")]);
    rules.learn(&mut state, &wanted, past, true);
    assert_eq!(rules.unlearned(&mut state), None, "once is enough");
    let found = take_in(&mut state, &[("10:04:00", "192.0.2.1"), ("10:05:00", "203.0.113.9")]);
    assert_eq!(found, ["it bob 10:05:00"], "what was done before is history");
}
