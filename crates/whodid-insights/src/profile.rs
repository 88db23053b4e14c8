//! Where somebody usually acts from, with what and when; and the same of the account as a whole.
//!
//! Counted in days on which something was seen, not in events: one long session is one visit. A profile belongs to a
//! user or to an access key, its [`Crowd`] to all users or all keys of the account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::grid::HOUR_MICROS;
use crate::names::Name;
use crate::scene::day_of;

/// What is remembered of a visit, by [`Feature`].
pub(crate) const FEATURES: usize = 5;
/// Values of each feature that are remembered of one profile; beyond it the one that was not seen for longest goes.
const VALUES_MAX: [usize; FEATURES] = [64, 32, 16, 16, 64];
/// Values of each feature that are counted of an account; beyond it a twentieth goes, oldest first. Addresses are not.
const ACCOUNT_VALUES_MAX: usize = 100_000;
/// Half of the weight of a day is left after so many further days of activity, and of an account's after so many days.
const HALF_LIFE_DAYS: f32 = 45.0;
/// Days that the account's rate of new values counts for in each profile.
const RATE_DAYS: f32 = 3.0;
/// New values and days that are taken to have been before anything is known.
const RATE_PRIOR: (f32, f32) = (0.5, 20.0);
/// Active hours that the account's share of hours with failures, or writes, counts for in each profile.
const SHARE_HOURS: f32 = 10.0;
/// Hours of the account that are taken to have been before anything is known, and their shares by [`DeedKind`].
const SHARE_PRIOR: (f32, [f32; DEEDS]) = (40.0, [0.03, 0.05, 0.2, 0.005]);
/// Who acted in another network so short a while ago is in two places at once, or nearly.
const ELSEWHERE_MICROS: i64 = HOUR_MICROS / 2;
/// Hours of a day, of weekdays and of weekends.
const HOURS: usize = 48;
/// Days that the account's hours count for in each profile.
const HOUR_DAYS: f32 = 5.0;
/// Days by which who acted on one day only counts as longer gone.
const BRIEF_DAYS: i32 = 60;
/// A network that came up so short a while ago is not known to the account yet: others there may be the same intruder.
const KNOWN_AFTER_MICROS: i64 = HOUR_MICROS;

/// A feature of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Address,
    Network,
    Country,
    Agent,
    Service,
}

/// What a visit is like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Visit {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// By [`Feature`]; `None`: not known.
    pub values: [Option<Name>; FEATURES],
    pub is_failed: bool,
    pub is_denied: bool,
    pub is_write: bool,
}

/// What was usual until now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// The first and the last day, counted from 1970, and when the first event was.
    first_day: i32,
    last_day: i32,
    pub first_at: i64,
    /// All events.
    pub uses: u32,
    /// Days of activity, the older the less.
    days: f32,
    /// Days on which a feature had a new value, the older the less. Those of the first day do not count.
    news: [f32; FEATURES],
    values: [Vec<Known>; FEATURES],
    /// Days on which it acted in an hour.
    hours: Vec<u16>,
    /// The hour it acts in, counted from 1970, and what was already noted of it.
    hour: i32,
    noted: [bool; DEEDS],
    denied: u32,
    /// Hours in which it acted, and in which it did each.
    active_hours: f32,
    deed_hours: [f32; DEEDS],
    /// Where and when it acted last.
    last: Option<(Name, i64)>,
}

/// What is noted of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeedKind {
    /// Something was refused.
    Denied,
    /// Something failed, for whatever reason.
    Failed,
    /// Something was changed.
    Write,
    /// So much was refused: [`OFTEN`].
    DeniedOften,
}

const DEEDS: usize = 4;
/// Refusals in an hour that are many: who looks for what there is has them.
pub(crate) const OFTEN: u32 = 4;

/// A value that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Known {
    value: Name,
    last: i32,
    days: u16,
}

/// What all profiles of an account do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Crowd {
    /// The day up to which it is aged.
    day: i32,
    /// Days of activity of all profiles, without the first of each; new values in them; those that others had before.
    days: f32,
    news: [f32; FEATURES],
    joined: [f32; FEATURES],
    /// Values of all profiles that there ever were.
    holdings: [u32; FEATURES],
    /// Of networks, countries, agents, services.
    values: [BTreeMap<Name, Common>; FEATURES],
    hours: Vec<f32>,
    active_hours: f32,
    deed_hours: [f32; DEEDS],
}

/// A value as the account knows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Common {
    /// Profiles that had it.
    profiles: u32,
    /// Those that had it when they were new there, after their own first day, the older the less.
    joined: f32,
    /// Of these profiles were told as unusual: they make nothing usual.
    told: u32,
    first: i64,
    last: i32,
}

impl Profile {
    pub fn new(at: i64) -> Self {
        Self {
            first_day: day_of(at),
            last_day: i32::MIN,
            first_at: at,
            uses: 0,
            days: 0.0,
            news: [0.0; FEATURES],
            values: Default::default(),
            hours: Vec::new(),
            hour: i32::MIN,
            noted: [false; DEEDS],
            denied: 0,
            active_hours: 0.0,
            deed_hours: [0.0; DEEDS],
            last: None,
        }
    }

    /// Whether anything is known from days before.
    pub fn has_history(&self, at: i64) -> bool {
        self.first_day < day_of(at)
    }

    /// The last day on which it acted, for who is to be forgotten: who acted on one day only goes first, so that made-up
    /// names push out no others.
    pub fn last_day(&self) -> i32 {
        if self.last_day <= self.first_day { self.last_day.saturating_sub(BRIEF_DAYS) } else { self.last_day }
    }

    /// Whether a value was seen before.
    pub fn knows(&self, feature: Feature, value: Name) -> bool {
        self.values[feature as usize].iter().any(|known| known.value == value)
    }

    /// Whether any value of a feature was seen before.
    pub fn knows_any(&self, feature: Feature) -> bool {
        !self.values[feature as usize].is_empty()
    }

    /// Takes in a visit. Late ones too: they count for their day.
    pub fn learn(&mut self, visit: &Visit, times: u32, crowd: &mut Crowd) {
        self.uses = self.uses.saturating_add(times);
        self.first_at = self.first_at.min(visit.at);
        let day = day_of(visit.at);
        self.learn_hour(visit, times, crowd);
        if let Some(network) = visit.values[Feature::Network as usize]
            && self.last.is_none_or(|(_, at)| at <= visit.at)
        {
            self.last = Some((network, visit.at));
        }
        let is_new_day = day != self.last_day;
        let is_known = |(feature, value): (usize, &Option<Name>)| {
            value.is_none_or(|value| self.values[feature].iter().any(|known| known.value == value && known.last == day))
        };
        if !is_new_day && visit.values.iter().enumerate().all(is_known) {
            return;
        }
        crowd.age(day);
        if day < self.first_day {
            self.first_day = day;
        }
        let is_first_day = day <= self.first_day;
        if day > self.last_day {
            let keep = libm::exp2f(-1.0 / HALF_LIFE_DAYS);
            self.days = self.days * keep + 1.0;
            self.news.iter_mut().for_each(|news| *news *= keep);
            self.last_day = day;
            if !is_first_day {
                crowd.days += 1.0;
            }
        }
        for (feature, value) in visit.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let known = &mut self.values[feature];
            if let Some(known) = known.iter_mut().find(|known| known.value == value) {
                if known.last < day {
                    (known.last, known.days) = (day, known.days.saturating_add(1));
                    crowd.see(feature, value, day);
                }
                continue;
            }
            if known.len() == VALUES_MAX[feature]
                && let Some((oldest, _)) = known.iter().enumerate().min_by_key(|(_, known)| known.last)
            {
                known.remove(oldest);
            }
            known.push(Known { value, last: day, days: 1 });
            if !is_first_day {
                self.news[feature] += 1.0;
            }
            crowd.welcome(feature, value, visit.at, !is_first_day);
        }
    }

    fn learn_hour(&mut self, visit: &Visit, times: u32, crowd: &mut Crowd) {
        let hour = i32::try_from(visit.at.div_euclid(HOUR_MICROS)).unwrap_or(0);
        if hour != self.hour {
            (self.hour, self.noted, self.denied) = (hour, [false; DEEDS], 0);
            let cell = hour_cell(visit.at);
            if self.hours.is_empty() {
                self.hours = vec![0; HOURS];
            }
            if crowd.hours.is_empty() {
                crowd.hours = vec![0.0; HOURS];
            }
            self.hours[cell] = self.hours[cell].saturating_add(1);
            crowd.hours[cell] += 1.0;
            self.active_hours += 1.0;
            crowd.active_hours += 1.0;
        }
        self.denied = self.denied.saturating_add(if visit.is_denied { times } else { 0 });
        let is_often = self.denied >= OFTEN;
        for (deed, is_done) in [visit.is_denied, visit.is_failed, visit.is_write, is_often].into_iter().enumerate() {
            if is_done && !self.noted[deed] {
                self.noted[deed] = true;
                self.deed_hours[deed] += 1.0;
                crowd.deed_hours[deed] += 1.0;
            }
        }
    }

    /// How likely a day of activity has a value of a feature that was never seen before.
    ///
    /// The share of values that were seen on one day only (Good 1953, for what is still unseen), or of days on which
    /// there was a new one where that is more, as with providers that give out new networks; drawn to what is usual in
    /// the account.
    pub fn news_rate(&self, feature: Feature, crowd: &Crowd) -> f32 {
        let once = self.values[feature as usize].iter().filter(|known| known.days == 1).count() as f32;
        let usual = crowd.news_rate(feature);
        let found = once.max(self.news[feature as usize]);
        ((found + RATE_DAYS * usual) / (self.days + RATE_DAYS)).clamp(1e-4, 1.0)
    }

    /// How likely what brings a new value of one feature brings a new one of another: a network a country.
    pub fn news_with(&self, feature: Feature, with: Feature, crowd: &Crowd) -> f32 {
        let (of, all) = (feature as usize, with as usize);
        let usual = (crowd.news[of] + RATE_PRIOR.0) / (crowd.news[all] + 2.0 * RATE_PRIOR.0 + 2.0);
        let found = (self.news[of] + RATE_DAYS * usual) / (self.news[all] + RATE_DAYS);
        found.clamp(1e-3, 1.0)
    }

    /// How likely it acts in the hour of the day of a time, relative to any.
    pub fn hour_ratio(&self, at: i64, crowd: &Crowd) -> f32 {
        let of = |cells: &dyn Fn(usize) -> f32| {
            let cell = hour_cell(at);
            let (begin, hour) = (cell / 24 * 24, cell % 24);
            let near = |step: usize| cells(begin + (hour + step) % 24);
            let all: f32 = (0..HOURS).map(cells).sum();
            ((near(23) + 2.0 * near(0) + near(1)) / 4.0, all)
        };
        let (own, own_all) = of(&|cell| f32::from(self.hours.get(cell).copied().unwrap_or(0)));
        let (others, others_all) = of(&|cell| crowd.hours.get(cell).copied().unwrap_or(1.0));
        // Of weekdays there are five.
        let even = if hour_cell(at) < 24 { 5.0 / 7.0 / 24.0 } else { 2.0 / 7.0 / 24.0 };
        let share = (own + HOUR_DAYS * (others + even) / (others_all + 1.0)) / (own_all + HOUR_DAYS);
        share / even
    }

    /// The share of active hours in which it does something of a kind.
    pub fn deed_share(&self, deed: DeedKind, crowd: &Crowd) -> f32 {
        let deed = deed as usize;
        let usual =
            (crowd.deed_hours[deed] + SHARE_PRIOR.0 * SHARE_PRIOR.1[deed]) / (crowd.active_hours + SHARE_PRIOR.0);
        (self.deed_hours[deed] + SHARE_HOURS * usual) / (self.active_hours + SHARE_HOURS)
    }

    /// Calls in an hour in which it acts.
    pub fn calls_an_hour(&self) -> f32 {
        self.uses as f32 / self.active_hours.max(1.0)
    }

    /// Whether it acted in another network just before.
    pub fn is_elsewhere(&self, visit: &Visit) -> bool {
        let network = visit.values[Feature::Network as usize];
        self.last.is_some_and(|(last, at)| Some(last) != network && (0..ELSEWHERE_MICROS).contains(&(visit.at - at)))
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.values.iter_mut().flatten().for_each(|known| visit(&mut known.value));
        self.last.iter_mut().for_each(|(network, _)| visit(network));
    }

    pub fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(|values| values.capacity() * size_of::<Known>()).sum();
        values + self.hours.capacity() * 2
    }
}

impl Crowd {
    /// Profiles that had a value, without those that were told as unusual; none of a value that came up just now.
    pub fn others(&self, feature: Feature, value: Name, at: i64) -> u32 {
        let common = self.values[feature as usize].get(&value).filter(|common| at - common.first >= KNOWN_AFTER_MICROS);
        common.map_or(0, |common| common.profiles.saturating_sub(common.told))
    }

    /// What is told as unusual makes its value no more usual.
    pub fn tell(&mut self, feature: Feature, value: Name) {
        if let Some(common) = self.values[feature as usize].get_mut(&value) {
            common.told += 1;
        }
    }

    /// The share of new values that others had before.
    pub fn joined_share(&self, feature: Feature) -> f32 {
        let feature = feature as usize;
        (self.joined[feature] + 0.3 * 5.0) / (self.news[feature] + 5.0)
    }

    /// Of a new value that others had before: the share of such that are this one.
    pub fn popularity(&self, feature: Feature, value: Name) -> f32 {
        let feature = feature as usize;
        let common = self.values[feature].get(&value);
        common.map_or(0.0, |common| common.joined) / (self.joined[feature] + 5.0)
    }

    /// Of all values that profiles have: the share that are this one.
    pub fn held_share(&self, feature: Feature, value: Name) -> f32 {
        let feature = feature as usize;
        let profiles = self.values[feature].get(&value).map_or(0, |common| common.profiles);
        profiles as f32 / (self.holdings[feature] as f32 + 5.0)
    }

    /// Values of a feature that are known.
    pub fn len(&self, feature: Feature) -> usize {
        self.values[feature as usize].len()
    }

    fn news_rate(&self, feature: Feature) -> f32 {
        (self.news[feature as usize] + RATE_PRIOR.0) / (self.days + RATE_PRIOR.1)
    }

    fn age(&mut self, day: i32) {
        if day <= self.day {
            return;
        }
        let keep = if self.day == 0 { 1.0 } else { libm::exp2f(-(day - self.day) as f32 / HALF_LIFE_DAYS) };
        self.day = day;
        let sums = [&mut self.days, &mut self.active_hours].into_iter().chain(&mut self.deed_hours);
        let features = self.news.iter_mut().chain(&mut self.joined);
        sums.chain(features).chain(&mut self.hours).for_each(|sum| *sum *= keep);
        self.values.iter_mut().flat_map(BTreeMap::values_mut).for_each(|common| common.joined *= keep);
    }

    fn see(&mut self, feature: usize, value: Name, day: i32) {
        if let Some(common) = self.values[feature].get_mut(&value) {
            common.last = common.last.max(day);
        }
    }

    fn welcome(&mut self, feature: usize, value: Name, at: i64, is_news: bool) {
        let day = day_of(at);
        if is_news {
            self.news[feature] += 1.0;
        }
        if feature == Feature::Address as usize {
            return;
        }
        let new = Common { profiles: 0, joined: 0.0, told: 0, first: at, last: day };
        let common = self.values[feature].entry(value).or_insert(new);
        if is_news && common.profiles > 0 {
            common.joined += 1.0;
            self.joined[feature] += 1.0;
        }
        common.profiles += 1;
        self.holdings[feature] = self.holdings[feature].saturating_add(1);
        common.first = common.first.min(at);
        common.last = common.last.max(day);
        if self.values[feature].len() > ACCOUNT_VALUES_MAX {
            forget_oldest(&mut self.values[feature], |common| common.last);
        }
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.values.iter_mut().for_each(|values| rename(values, &mut *visit));
    }

    pub fn bytes(&self) -> usize {
        self.values.iter().map(tree_bytes).sum()
    }
}

/// Lets the twentieth of a map go that was not seen for longest.
pub(crate) fn forget_oldest<K: Ord + Copy, V>(map: &mut BTreeMap<K, V>, last: impl Fn(&V) -> i32) {
    let goes = (map.len() / 20).max(1);
    let mut all: Vec<(i32, K)> = map.iter().map(|(key, value)| (last(value), *key)).collect();
    all.select_nth_unstable(goes - 1);
    for (_, key) in &all[..goes] {
        map.remove(key);
    }
}

/// Calls `visit` with each key, which it may change.
pub(crate) fn rename<K: Ord, V>(map: &mut BTreeMap<K, V>, mut visit: impl FnMut(&mut K)) {
    let old = std::mem::take(map);
    let renamed = old.into_iter().map(|(mut key, value)| {
        visit(&mut key);
        (key, value)
    });
    *map = renamed.collect();
}

/// Bytes of a tree, about: its nodes are two thirds full.
pub(crate) fn tree_bytes<K, V>(map: &BTreeMap<K, V>) -> usize {
    map.len() * (size_of::<K>() + size_of::<V>()) * 3 / 2
}

/// The hour of the day, from 24 on of a Saturday or Sunday.
fn hour_cell(at: i64) -> usize {
    // 1970 began on a Thursday.
    let weekday = (day_of(at) + 3).rem_euclid(7);
    let hour = at.div_euclid(HOUR_MICROS).rem_euclid(24) as usize;
    if weekday < 5 { hour } else { 24 + hour }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR_MICROS;
    const MONDAY: i64 = 20_458 * DAY;

    fn visit(day: i64, hour: i64, network: Name) -> Visit {
        let values = [Some(network * 1000), Some(network), None, None, None];
        Visit { at: MONDAY + day * DAY + hour * HOUR_MICROS, values, ..Visit::default() }
    }

    /// A profile of days, each with a network.
    fn of(networks: &[Name]) -> (Profile, Crowd) {
        let mut crowd = Crowd::default();
        let mut profile = Profile::new(MONDAY);
        for (day, network) in (0..).zip(networks) {
            profile.learn(&visit(day, 10, *network), 5, &mut crowd);
        }
        (profile, crowd)
    }

    #[test]
    fn who_stays_at_home_seldom_has_a_new_network_and_who_roams_often() {
        let (home, crowd) = of(&[1; 40]);
        assert!(home.news_rate(Feature::Network, &crowd) < 0.01);
        let roaming: Vec<Name> = (0..40).map(|day| day / 2).collect();
        let (roaming, crowd) = of(&roaming);
        assert!(roaming.news_rate(Feature::Network, &crowd) > 0.4);
    }

    #[test]
    fn a_long_session_is_one_day() {
        let mut crowd = Crowd::default();
        let mut profile = Profile::new(MONDAY);
        for hour in 0..24 {
            profile.learn(&visit(0, hour, 1), 1000, &mut crowd);
        }
        assert_eq!(profile.days, 1.0);
        assert_eq!(profile.values[Feature::Network as usize][0].days, 1);
    }

    #[test]
    fn what_was_not_seen_for_longest_is_forgotten_first() {
        let networks: Vec<Name> = (0..40).collect();
        let (profile, _) = of(&networks);
        assert!(!profile.knows(Feature::Network, 7) && profile.knows(Feature::Network, 8));
    }

    #[test]
    fn the_night_is_odd_for_who_works_by_day() {
        let (profile, crowd) = of(&[1; 30]);
        let at = |hour: i64| MONDAY + 35 * DAY + hour * HOUR_MICROS;
        assert!(profile.hour_ratio(at(10), &crowd) > 5.0);
        assert!(profile.hour_ratio(at(3), &crowd) < 0.3);
    }

    #[test]
    fn a_network_is_known_to_the_account_after_an_hour_and_not_by_who_was_told() {
        let mut crowd = Crowd::default();
        Profile::new(MONDAY).learn(&visit(0, 0, 7), 1, &mut crowd);
        let at = |minutes: i64| MONDAY + minutes * HOUR_MICROS / 60;
        assert_eq!(crowd.others(Feature::Network, 7, at(59)), 0);
        assert_eq!(crowd.others(Feature::Network, 7, at(60)), 1);
        crowd.tell(Feature::Network, 7);
        assert_eq!(crowd.others(Feature::Network, 7, at(60)), 0);
    }
}
