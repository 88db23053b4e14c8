//! What people usually do: first seen values, devices, networks, travel, sessions side by side.
//!
//! Each group (as a rule a user) has its habits; a departure is told only once enough was seen before. What was seen
//! up to the span before or after counts as known, so a late event changes nothing that was right.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::agent::Device;
use crate::correlation::Kind;
use crate::network::{Location, distance_km};

/// Values that one group remembers; the one not seen for longest goes.
pub const VALUES_A_GROUP_MAX: usize = 2_000;
/// Recent acts of one group that sessions and travel are judged by.
const RECENT_MAX: usize = 32;
/// Other users of a network by whom it counts as the account's own.
const USERS_OF_A_NETWORK: usize = 4;
/// For how long a network is new to an account.
const NEW_TO_ACCOUNT_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// Faster than this is no travel (detection.md §D5).
const SPEED_KM_H_MAX: f64 = 900.0;
/// Ways of one group that may become habitual.
const WAYS_MAX: usize = 256;
/// Shorter ways are not judged.
const DISTANCE_KM_MIN: f64 = 500.0;
/// Two acts are at least so far apart in time when their speed is taken.
const TRAVEL_MICROS_MIN: i64 = 60 * 1_000_000;
/// A pair of places travelled between on so many days is a habit.
const HABITUAL_DAYS: usize = 3;

/// What a value takes besides its text.
const VALUE_BYTES: usize = 64;
/// How a network is remembered among devices.
const NETWORK: &str = "\u{1}";
/// How a device is remembered among networks.
const DEVICE: &str = "\u{2}";

/// What is looked at in one act.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub time: Timestamp,
    /// The values of the rule's fields.
    pub terms: Vec<String>,
    pub network: Option<String>,
    pub device: Option<Device>,
    pub session: Option<String>,
    pub location: Option<Location>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    first: Timestamp,
    last: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Act {
    time: Timestamp,
    network: Option<String>,
    device: Option<Device>,
    session: Option<String>,
    location: Option<Location>,
}

/// The habits of one group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Habits {
    /// Acts seen.
    acts: u32,
    /// Values forgotten since this was last asked.
    #[serde(skip)]
    pub forgotten: u64,
    known: HashMap<String, Seen>,
    recent: VecDeque<Act>,
    /// Pairs of places, of which [`way`] makes the names, and the days on which they followed each other.
    ways: HashMap<String, Vec<i64>>,
    pub touched: u64,
    /// Bytes of what is known; counted anew by [`Self::weigh`] after it was stored.
    #[serde(skip)]
    bytes: usize,
}

/// What is known of a network in the whole account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Network {
    first: Timestamp,
    /// Who used it, up to [`USERS_OF_A_NETWORK`].
    users: Vec<String>,
}

impl Network {
    /// Bytes it takes, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + 64 + self.users.iter().map(|user| user.len() + 24).sum::<usize>()
    }
}

impl Network {
    /// Takes in what was learned of the time before.
    pub fn add_past(&mut self, past: Self) {
        self.first = self.first.min(past.first);
        for user in past.users {
            if self.users.len() < USERS_OF_A_NETWORK && !self.users.contains(&user) {
                self.users.push(user);
            }
        }
    }
}

/// What the account has in common.
pub(crate) type Networks = HashMap<String, Network>;

/// Lets go of the networks that fewest use, the oldest of them first, until `bytes` are free. How many.
pub(crate) fn forget_networks(networks: &mut Networks, bytes: usize) -> u64 {
    let mut order: Vec<(usize, Timestamp, String)> =
        networks.iter().map(|(name, network)| (network.users.len(), network.first, name.clone())).collect();
    order.sort_unstable();
    let (mut freed, mut count) = (0, 0);
    for (_, _, name) in order {
        if freed >= bytes {
            break;
        }
        freed += name.len() + networks.remove(&name).map_or(0, |network| network.weight());
        count += 1;
    }
    count
}

/// How a rule judges.
#[derive(Debug, Clone)]
pub(crate) struct HabitRule {
    pub kind: Kind,
    pub span: i64,
    pub min_history: u32,
    /// Whether a device is no news in a network that the user has used before.
    pub trusts_networks: bool,
    /// Whether a network is no news with a device that the user has used before. A country always is.
    pub trusts_devices: bool,
}

impl Habits {
    /// Takes an act in; why it is unusual, where it is.
    pub fn see(&mut self, rule: &HabitRule, group: &str, facts: Facts, networks: &mut Networks) -> Option<String> {
        let had = self.acts;
        self.acts = self.acts.saturating_add(1);
        let has_history = had >= rule.min_history;
        match rule.kind {
            Kind::NewTerms => {
                let is_new = self.learn(&facts.terms.join("\u{1f}"), facts.time, rule.span);
                (is_new && has_history).then(|| format!("first seen: {}", facts.terms.join(", ")))
            }
            Kind::NewDevice => {
                let device = facts.device?;
                let usual = self.usual();
                let is_new = self.learn(&device.to_string(), facts.time, rule.span);
                let is_home = match facts.network.filter(|_| rule.trusts_networks) {
                    Some(network) => !self.learn(&format!("{NETWORK}{network}"), facts.time, rule.span),
                    None => false,
                };
                (is_new && !is_home && has_history).then(|| format!("{device} was not used before; usual: {usual}"))
            }
            Kind::UnusualLocation => self.see_location(rule, group, &facts, networks, has_history),
            Kind::ImpossibleTravel => self.see_travel(rule, facts),
            Kind::ConcurrentSessions => self.see_session(rule, facts),
            _ => None,
        }
    }

    fn see_location(
        &mut self,
        rule: &HabitRule,
        group: &str,
        facts: &Facts,
        networks: &mut Networks,
        has_history: bool,
    ) -> Option<String> {
        // With a database the country, without the network.
        let place = match (&facts.location, &facts.network) {
            (Some(location), _) => location.country.clone(),
            (None, Some(network)) => network.clone(),
            (None, None) => return None,
        };
        let usual = self.usual();
        let is_new = self.learn(&place, facts.time, rule.span);
        let known = networks.entry(place.clone()).or_insert_with(|| Network { first: facts.time, users: Vec::new() });
        // What is learned of the past may come newest first.
        known.first = known.first.min(facts.time);
        let is_young = facts.time.micros() - known.first.micros() < NEW_TO_ACCOUNT_MICROS;
        let others = known.users.iter().filter(|user| *user != group).count();
        if known.users.len() < USERS_OF_A_NETWORK && !known.users.iter().any(|user| user == group) {
            known.users.push(group.to_owned());
        }
        let is_known_device = match facts.device.as_ref().filter(|_| rule.trusts_devices) {
            Some(device) => {
                !self.learn(&format!("{DEVICE}{device}"), facts.time, rule.span) && facts.location.is_none()
            }
            None => false,
        };
        // A network that several others have used for a while is the account's, however new to this user.
        let is_rare = is_young || others == 0;
        (is_new && has_history && is_rare && !is_known_device)
            .then(|| format!("{place} was not used before; usual: {usual}"))
    }

    fn see_travel(&mut self, rule: &HabitRule, facts: Facts) -> Option<String> {
        let location = facts.location.clone()?;
        let today = facts.time.day_number();
        let mut why = None;
        for earlier in &self.recent {
            let Some(other) = &earlier.location else { continue };
            let apart = (facts.time.micros() - earlier.time.micros()).abs();
            if apart > rule.span {
                continue;
            }
            let distance = apart_km(other, &location);
            let hours = apart.max(TRAVEL_MICROS_MIN) as f64 / 3.6e9;
            let way = way(other, &location);
            let days = self.ways.get(&way).map_or(0, |days| days.iter().filter(|day| **day != today).count());
            if distance > DISTANCE_KM_MIN && distance / hours > SPEED_KM_H_MAX && days < HABITUAL_DAYS {
                let places = if other.country == location.country {
                    format!("two places in {}", location.country)
                } else {
                    format!("{} and {}", other.country, location.country)
                };
                let between = crate::duration::words(apart / 1_000_000 * 1_000_000);
                why = Some(format!("{places} are about {distance:.0} km apart or more, and {between} lay between"));
            }
        }
        // Only what is judged: neighbouring towns would fill the room.
        let is_far = |last: &&Location| apart_km(last, &location) > DISTANCE_KM_MIN;
        let last = self.recent.back().and_then(|act| act.location.as_ref()).filter(is_far);
        if let Some(way) = last.map(|last| way(last, &location)) {
            if self.ways.len() >= WAYS_MAX && !self.ways.contains_key(&way) {
                let oldest = self.ways.iter().min_by_key(|(name, days)| (days.last().copied(), (*name).clone()));
                if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                    self.ways.remove(&oldest);
                }
            }
            let days = self.ways.entry(way).or_default();
            if !days.contains(&today) && days.len() < HABITUAL_DAYS {
                days.push(today);
            }
        }
        self.remember(facts);
        why
    }

    fn see_session(&mut self, rule: &HabitRule, facts: Facts) -> Option<String> {
        let network = facts.network.clone()?;
        let is_other = |act: &&Act| {
            let is_near = (facts.time.micros() - act.time.micros()).abs() <= rule.span;
            let is_elsewhere = act.network.as_ref().is_some_and(|other| *other != network);
            // Two unknown devices may differ; two known ones must.
            let is_other_device = match (&act.device, &facts.device) {
                (Some(one), Some(other)) => one != other,
                _ => true,
            };
            let is_same_session = act.session.is_some() && act.session == facts.session;
            is_near && is_elsewhere && is_other_device && !is_same_session
        };
        let why = self.recent.iter().find(is_other).map(|act| {
            let device =
                |device: &Option<Device>| device.as_ref().map_or(String::new(), |device| format!(" with {device}"));
            format!(
                "active from {}{} and from {network}{} within {}",
                act.network.as_deref().unwrap_or_default(),
                device(&act.device),
                device(&facts.device),
                crate::duration::words(rule.span)
            )
        });
        self.remember(facts);
        why
    }

    fn remember(&mut self, facts: Facts) {
        let Facts { time, network, device, session, location, .. } = facts;
        // One act for each place and device: a busy session must not push another out.
        self.recent.retain(|act| act.network != network || act.device != device || act.session != session);
        self.recent.push_back(Act { time, network, device, session, location });
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// Takes a value in; whether it was not known.
    fn learn(&mut self, value: &str, time: Timestamp, span: i64) -> bool {
        if let Some(seen) = self.known.get_mut(value) {
            let before = time.micros() - seen.last.micros();
            let after = seen.first.micros() - time.micros();
            seen.first = seen.first.min(time);
            seen.last = seen.last.max(time);
            return before > span || after > span;
        }
        if self.known.len() >= VALUES_A_GROUP_MAX
            && let Some(oldest) = self.known.iter().min_by_key(|(_, seen)| seen.last).map(|(value, _)| value.clone())
        {
            self.known.remove(&oldest);
            self.bytes = self.bytes.saturating_sub(oldest.len() + VALUE_BYTES);
            self.forgotten += 1;
        }
        self.bytes += value.len() + VALUE_BYTES;
        self.known.insert(value.to_owned(), Seen { first: time, last: time });
        true
    }

    /// When something of it was last seen.
    pub fn last(&self) -> Timestamp {
        self.known.values().map(|seen| seen.last).max().unwrap_or_default()
    }

    /// Takes in what was learned of the time before.
    pub fn add_past(&mut self, past: Self) {
        // Those of this group that were seen as they came are stored, and stand in the past too.
        self.acts = self.acts.max(past.acts);
        self.touched = self.touched.max(past.touched);
        for (value, seen) in past.known {
            let own = self.known.entry(value).or_insert_with(|| seen.clone());
            own.first = own.first.min(seen.first);
            own.last = own.last.max(seen.last);
        }
        let excess = self.known.len().saturating_sub(VALUES_A_GROUP_MAX);
        if excess > 0 {
            let mut order: Vec<(Timestamp, String)> =
                self.known.iter().map(|(value, seen)| (seen.last, value.clone())).collect();
            order.sort_unstable();
            for (_, value) in &order[..excess] {
                self.known.remove(value);
            }
            self.forgotten += excess as u64;
        }
        self.weigh();
    }

    fn usual(&self) -> String {
        let is_shown = |(value, _): &(&String, &Seen)| !value.starts_with(NETWORK) && !value.starts_with(DEVICE);
        let mut known: Vec<(&String, &Seen)> = self.known.iter().filter(is_shown).collect();
        known.sort_by(|one, other| other.1.last.cmp(&one.1.last).then_with(|| one.0.cmp(other.0)));
        let names: Vec<&str> = known.iter().take(3).map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { "nothing yet".to_owned() } else { names.join(", ") }
    }

    /// Bytes it takes, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes + self.recent.len() * 200 + self.ways.len() * 100
    }

    /// Counts the bytes anew.
    pub fn weigh(&mut self) {
        self.bytes = self.known.keys().map(|value| value.len() + VALUE_BYTES).sum();
    }
}

/// How far two addresses are apart at least, as far as the database knows.
fn apart_km(one: &Location, other: &Location) -> f64 {
    distance_km(one, other) - one.radius_km - other.radius_km
}

/// From where to where, in either direction: countries, and within one of them whole degrees.
fn way(one: &Location, other: &Location) -> String {
    let is_same = one.country == other.country;
    let name = |at: &Location| {
        if is_same { format!("{}{:.0},{:.0}", at.country, at.latitude, at.longitude) } else { at.country.clone() }
    };
    let (one, other) = (name(one), name(other));
    if one < other { format!("{one}-{other}") } else { format!("{other}-{one}") }
}
