//! Somebody acts from where they never did: scored at the first access and while its first ten minutes last.
//!
//! The score is a likelihood ratio in powers of ten: how much likelier an intruder's visit looks like this than the
//! user's own. Its terms follow Freeman et al. 2016 ("Who are you?", section 4): each feature is held against what the
//! user does, and where the user never did it against what the account does. So it is with addresses of users
//! ([`crate::address`]) and with access keys ([`crate::keys`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cut::Cut;
use crate::episode::{Method, Object, Test};
use crate::grid::{Bin, HOUR_MICROS};
use crate::kind::{Kind, Sensitivity};
use crate::names::Name;
use crate::profile::{Crowd, DeedKind, Feature, OFTEN, Profile, Visit, forget_oldest, rename, tree_bytes};
use crate::scene::{Notice, Open, Scene, day_of};

/// What happens so soon after the first access belongs to it, in event time.
const VISIT_MICROS: i64 = HOUR_MICROS / 6;
/// An insight is over after so long without an event of it.
const CALM_MICROS: i64 = HOUR_MICROS;
/// Visits that are watched at once; beyond it the oldest are judged no further.
const VISITS_MAX: usize = 20_000;
/// Seconds by which visits of who is not known count as older, when there is no room.
const STRANGERS_FIRST: i32 = 3_600;
/// Insights of one kind that are told a day of users or keys that are known from days before, and as many of others: made-up
/// names must not use up what is left for them.
const INSIGHTS_A_DAY_MAX: usize = 20;
/// Days for which is known what was told.
const TOLD_DAYS: i32 = 3;
/// A visit scores at least this to be told: it is then some two hundred times likelier an intruder's than the user's.
/// Chosen with `cargo xtask insights-eval --people`.
const FLOOR: f32 = 2.3;

/// Ways to come: from a known country, from a new one, and of who often has new networks.
const WAYS: usize = 3;
/// Who has a new network on so many days often is on the way.
const ROAMING: f32 = 0.25;
/// A program that is the user's own speaks against an intruder by no more than this: they may know it.
const AGENT_LEAST: f32 = -1.0;
/// Least number of calls in the first minutes that are much, for whomever.
const BUSY_MIN: u32 = 12;
/// Arrivals that are taken to have been before anything is known, and their shares of new programs.
const TRAVEL_PRIOR: (f32, [f32; WAYS]) = (10.0, [0.03, 0.25, 0.05]);
/// After so many arrivals from new networks what was learned of them counts half.
const TRAVELS: f32 = 4_000.0;
/// False insights of addresses that are accepted, for each that is accepted of rates: one in the week of a large account.
const FALSE_SHARE: f32 = 2.0;

/// What intruders do, as far as anybody knows: shares of their visits. Rounded from published accounts of takeovers
/// (Freeman et al. 2016, section 6; Verizon DBIR): nearly all come from another network, most from another country,
/// more than half with another program, most try what is refused.
mod intruder {
    pub const KNOWN_NETWORK: f32 = 0.03;
    /// A network that others of the account have.
    pub const SHARED_NETWORK: f32 = 0.05;
    pub const NEW_COUNTRY: f32 = 0.7;
    /// Any one of the countries that the account knows.
    pub const ONE_COUNTRY: f32 = 0.04;
    pub const UNKNOWN_COUNTRY: f32 = 0.6;
    pub const NEW_AGENT: f32 = 0.6;
    /// A program that the account does not know, and any one of those that it knows.
    pub const UNKNOWN_AGENT: f32 = 0.4;
    pub const ONE_AGENT: f32 = 0.075;
    pub const NEW_SERVICE: f32 = 0.6;
    pub const DENIED: f32 = 0.7;
    pub const DENIED_OFTEN: f32 = 0.4;
    pub const FAILS: f32 = 0.3;
    pub const ELSEWHERE: f32 = 0.2;
    pub const WRITES: f32 = 0.5;
    pub const IS_BUSY: f32 = 0.5;
    pub const SEVERAL_USERS: f32 = 0.3;
}

/// Of what a score is the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Term {
    Network,
    Country,
    Account,
    Agent,
    Service,
    Hour,
    Elsewhere,
    Denied,
    Failed,
    Writes,
    Calls,
    Users,
}

impl Term {
    /// Its name in [`Test::terms`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Country => "country",
            Self::Account => "account",
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Hour => "hour",
            Self::Elsewhere => "elsewhere",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Writes => "writes",
            Self::Calls => "calls",
            Self::Users => "users",
        }
    }
}

/// How a first access looks, before anything was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Looks {
    pub terms: Vec<(Term, f32)>,
    /// Whether its network or country is rare for the user and for the account.
    pub is_rare: bool,
    /// Whether nobody else of the account has the network.
    pub is_alone: bool,
    is_new: bool,
    is_new_country: bool,
    is_new_agent: bool,
    is_elsewhere: bool,
    is_roaming: bool,
}

/// Compares a first access with what is usual. `others` tells how many others of the account have a value.
pub(crate) fn looks(
    profile: &Profile,
    crowd: &Crowd,
    travel: &Travel,
    visit: &Visit,
    others: impl Fn(Feature, Name) -> u32,
) -> Looks {
    let mut looks = Looks::default();
    let value = |feature: Feature| visit.values[feature as usize];
    let has_history = profile.has_history(visit.at);
    let mut account = 1.0;
    if let Some(network) = value(Feature::Network) {
        let news = profile.news_rate(Feature::Network, crowd).min(0.95);
        let is_known = profile.knows(Feature::Network, network);
        looks.is_roaming = has_history && news > ROAMING;
        if is_known {
            looks.add(Term::Network, intruder::KNOWN_NETWORK / (1.0 - news), -1.5, 0.0);
        } else if has_history {
            looks.add(Term::Network, (1.0 - intruder::KNOWN_NETWORK) / news, -0.5, 2.0);
        }
        if !is_known {
            let shared = crowd.joined_share(Feature::Network).clamp(0.05, 0.95);
            let others = others(Feature::Network, network);
            looks.is_alone = others == 0;
            // Abroad every network is new: the country tells that already.
            let is_abroad = value(Feature::Country).is_some_and(|country| !profile.knows(Feature::Country, country));
            account *= if looks.is_alone && is_abroad {
                1.0
            } else if looks.is_alone {
                (1.0 - intruder::SHARED_NETWORK) / (1.0 - shared)
            } else {
                intruder::SHARED_NETWORK / shared * 2.0 / (1.0 + others as f32)
            };
            looks.is_rare |= others <= 1;
        }
        if let Some(country) = value(Feature::Country)
            && !is_known
        {
            let is_known = profile.knows(Feature::Country, country);
            let news = profile.news_with(Feature::Country, Feature::Network, crowd).min(0.95);
            if is_known {
                looks.add(Term::Country, (1.0 - intruder::NEW_COUNTRY) / (1.0 - news), -0.5, 0.0);
            } else if has_history {
                looks.add(Term::Country, intruder::NEW_COUNTRY / news, 0.0, 2.0);
            }
            let others = others(Feature::Country, country);
            if !is_known && crowd.len(Feature::Country) > 0 {
                let joined = crowd.joined_share(Feature::Country).clamp(0.05, 0.95);
                account *= if others == 0 {
                    intruder::UNKNOWN_COUNTRY / (1.0 - joined)
                } else {
                    intruder::ONE_COUNTRY / (joined * crowd.popularity(Feature::Country, country)).max(0.02)
                };
                looks.is_rare |= others <= 1;
            }
        }
    }
    if account != 1.0 {
        looks.add(Term::Account, account, -3.0, 1.0);
    }
    let news_of = |feature: Feature| has_history && value(feature).is_some_and(|value| !profile.knows(feature, value));
    (looks.is_new, looks.is_new_country) = (news_of(Feature::Network), news_of(Feature::Country));
    let has = |feature: Feature| value(feature).filter(|_| has_history && profile.knows_any(feature));
    if let Some(agent) = has(Feature::Agent) {
        let news = profile.news_rate(Feature::Agent, crowd).max(travel.new_agents(&looks)).min(0.95);
        if profile.knows(Feature::Agent, agent) {
            // What many of the account have an intruder has as likely, and what few have hardly.
            let held = crowd.held_share(Feature::Agent, agent).clamp(0.05, 1.0);
            let intruders = ((1.0 - intruder::UNKNOWN_AGENT) * held).min(1.0 - intruder::NEW_AGENT);
            looks.add(Term::Agent, intruders / (1.0 - news), AGENT_LEAST, 0.0);
        } else {
            looks.is_new_agent = true;
            let joined = crowd.joined_share(Feature::Agent).clamp(0.05, 0.95);
            let of_account = if others(Feature::Agent, agent) == 0 {
                intruder::UNKNOWN_AGENT / (1.0 - joined)
            } else {
                let usual = (joined * crowd.held_share(Feature::Agent, agent)).max(0.03);
                (1.0 - intruder::UNKNOWN_AGENT) * intruder::ONE_AGENT / usual
            };
            looks.add(Term::Agent, intruder::NEW_AGENT / news * of_account, -0.5, 2.0);
        }
    }
    if let Some(service) = has(Feature::Service) {
        let news = profile.news_rate(Feature::Service, crowd).min(0.95);
        if profile.knows(Feature::Service, service) {
            looks.add(Term::Service, (1.0 - intruder::NEW_SERVICE) / (1.0 - news), -0.5, 0.0);
        } else {
            looks.add(Term::Service, intruder::NEW_SERVICE / news, -0.5, 2.0);
        }
    }
    if has_history {
        // Abroad the day begins at another hour.
        let most = if looks.is_new_country { 0.4 } else { 0.8 };
        looks.add(Term::Hour, 1.0 / profile.hour_ratio(visit.at, crowd).max(1e-3), -0.5, most);
    }
    looks.is_elsewhere = looks.is_new && profile.is_elsewhere(visit);
    if looks.is_elsewhere {
        looks.add(Term::Elsewhere, intruder::ELSEWHERE / travel.elsewhere(&looks), 0.0, 1.5);
    }
    looks
}

impl Looks {
    fn way(&self) -> usize {
        if self.is_roaming { 2 } else { usize::from(self.is_new_country) }
    }

    fn add(&mut self, term: Term, ratio: f32, least: f32, most: f32) {
        self.terms.push((term, libm::log10f(ratio).clamp(least, most)));
    }
}

/// How often programs are new where networks or countries are: people buy phones for holidays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Travel {
    /// Arrivals from new networks, and those with new programs: by [`Looks::way`].
    arrivals: [f32; WAYS],
    new_agents: [f32; WAYS],
    /// Those of somebody who acted in another network just before.
    elsewhere: [f32; WAYS],
    /// Those in which something was refused, and in which something failed.
    denied: [f32; WAYS],
    failed: [f32; WAYS],
    /// Those in which much was done ([`Arrival::is_busy`]).
    busy: [f32; WAYS],
}

impl Travel {
    fn new_agents(&self, looks: &Looks) -> f32 {
        if !looks.is_new {
            return 0.0;
        }
        let at = looks.way();
        (self.new_agents[at] + TRAVEL_PRIOR.1[at] * TRAVEL_PRIOR.0) / (self.arrivals[at] + TRAVEL_PRIOR.0)
    }

    fn elsewhere(&self, looks: &Looks) -> f32 {
        let at = looks.way();
        (self.elsewhere[at] + 0.5) / (self.arrivals[at] + 10.0)
    }

    /// How likely something is refused, or fails, when somebody comes so.
    fn failing(&self, looks: &Looks) -> [f32; 2] {
        if !looks.is_new {
            return [0.0, 0.0];
        }
        let at = looks.way();
        [self.denied[at], self.failed[at]].map(|found| (found + 0.5) / (self.arrivals[at] + 10.0))
    }

    fn busy(&self, looks: &Looks) -> f32 {
        let at = looks.way();
        (self.busy[at] + 0.5) / (self.arrivals[at] + 10.0)
    }

    fn learn(&mut self, arrival: &Arrival) {
        let looks = &arrival.looks;
        if !looks.is_new {
            return;
        }
        let at = looks.way();
        self.arrivals[at] += 1.0;
        self.new_agents[at] += f32::from(u8::from(looks.is_new_agent));
        self.elsewhere[at] += f32::from(u8::from(looks.is_elsewhere));
        self.denied[at] += f32::from(u8::from(arrival.denied > 0));
        self.failed[at] += f32::from(u8::from(arrival.failed > 0));
        self.busy[at] += f32::from(u8::from(arrival.is_busy()));
        if self.arrivals[at] >= TRAVELS {
            let shares =
                [&mut self.new_agents, &mut self.elsewhere, &mut self.denied, &mut self.failed, &mut self.busy];
            let sums = shares.into_iter().chain([&mut self.arrivals]);
            sums.for_each(|sums| sums[at] /= 2.0);
        }
    }
}

/// A first access and what was done in its first minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    looks: Looks,
    /// Whether anything is known of who came from days before.
    has_history: bool,
    source: u16,
    region: Name,
    principal: Option<Name>,
    first: i64,
    offset: u64,
    calls: u32,
    denied: u32,
    failed: u32,
    writes: u32,
    /// How likely something is refused, fails, is changed, or much is refused in an hour of the user.
    shares: [f32; 4],
    /// Calls that are much for the user.
    much: u32,
    is_told: bool,
}

/// Who came: an address and a user, or an access key and an address.
pub(crate) type Who = (Name, Name);

/// All first accesses that are watched, and the insights that came of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    watched: BTreeMap<Who, Arrival>,
    /// By region and who came first.
    open: BTreeMap<(Name, Who), Open>,
    /// Day, region and first part of who: each is told once. Whether anything was known of who came.
    told: BTreeMap<(i32, Name, Name), bool>,
    cut: Cut,
    pub travel: Travel,
    /// First accesses, and those at which several came at once.
    arrivals: f32,
    together: f32,
}

/// An event of somebody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed {
    pub who: Who,
    pub visit: Visit,
    pub offset: u64,
    pub region: Name,
    pub principal: Option<Name>,
    pub times: u32,
}

impl Arrivals {
    /// Whether somebody's first access is watched.
    pub fn is_watched(&self, who: Who) -> bool {
        self.watched.contains_key(&who)
    }

    /// Begins to watch.
    pub fn arrive(&mut self, deed: &Deed, looks: Looks, profile: &Profile, crowd: &Crowd, source: u16) {
        if self.watched.len() >= VISITS_MAX {
            // In seconds since the first of them, of those that nothing is known of less.
            let since = self.watched.values().map(|arrival| arrival.first).min().unwrap_or(0);
            let worth = |arrival: &Arrival| {
                let seconds = i32::try_from((arrival.first - since) / 1_000_000).unwrap_or(i32::MAX);
                if arrival.has_history { seconds } else { seconds.saturating_sub(STRANGERS_FIRST) }
            };
            forget_oldest(&mut self.watched, worth);
        }
        let deeds = [DeedKind::Denied, DeedKind::Failed, DeedKind::Write, DeedKind::DeniedOften];
        let mut shares = deeds.map(|deed| profile.deed_share(deed, crowd));
        let [denied, failed] = self.travel.failing(&looks);
        (shares[0], shares[1]) = (shares[0].max(denied), shares[1].max(failed));
        let arrival = Arrival {
            looks,
            has_history: profile.has_history(deed.visit.at),
            source,
            region: deed.region,
            principal: deed.principal,
            first: deed.visit.at,
            offset: deed.offset,
            calls: 0,
            denied: 0,
            failed: 0,
            writes: 0,
            shares,
            much: BUSY_MIN.max((2.0 * profile.calls_an_hour()) as u32),
            is_told: false,
        };
        self.watched.insert(deed.who, arrival);
    }

    /// Counts an event: of an arrival that is watched, and of an insight that is open. Whether it is told as unusual now.
    pub fn count(
        &mut self,
        kind: Kind,
        deed: &Deed,
        scene: &mut Scene<'_>,
        object: impl Fn(&Scene<'_>) -> Object,
    ) -> bool {
        let notice = Notice { at: deed.visit.at, offset: Some(deed.offset) };
        let is_of = |(region, who): &(Name, Who)| {
            *region == deed.region && if kind == Kind::IpInsight { who.0 == deed.who.0 } else { *who == deed.who }
        };
        let from = (deed.region, (deed.who.0, Name::MIN));
        let to = (deed.region, (deed.who.0, Name::MAX));
        for (key, open) in self.open.range_mut(from..=to) {
            if is_of(key) && day_of(open.start) == day_of(deed.visit.at) {
                scene.go_on(open, notice, deed.times);
            }
        }
        if !self.is_watched(deed.who) {
            return false;
        }
        let (users, needed) = (self.users(deed), self.needed(scene.settings.sensitivity));
        let Some(arrival) = self.watched.get_mut(&deed.who) else { return false };
        // Events come in order to within some minutes: the first access may be told of late.
        if deed.visit.at - arrival.first > VISIT_MICROS {
            return false;
        }
        if deed.visit.at < arrival.first {
            (arrival.first, arrival.offset) = (deed.visit.at, deed.offset);
        }
        arrival.calls = arrival.calls.saturating_add(deed.times);
        let of = |is_done: bool| if is_done { deed.times } else { 0 };
        arrival.denied = arrival.denied.saturating_add(of(deed.visit.is_denied));
        arrival.failed = arrival.failed.saturating_add(of(deed.visit.is_failed));
        arrival.writes = arrival.writes.saturating_add(of(deed.visit.is_write));
        if arrival.is_told {
            return false;
        }
        let together = (self.together + 0.5) / (self.arrivals + 10.0);
        let (terms, score, is_suspect) = arrival.score(users, together, &self.travel);
        if !is_suspect || score < needed || !scene.has_learned(deed.visit.at) {
            return false;
        }
        arrival.is_told = true;
        let day = day_of(arrival.first);
        let key = (day, arrival.region, deed.who.0);
        let has_history = arrival.has_history;
        let of_day = self.told.range((day, Name::MIN, Name::MIN)..=(day, Name::MAX, Name::MAX));
        let of_day = of_day.filter(|(_, known)| **known == has_history).count();
        if self.told.contains_key(&key) {
            return false;
        }
        if of_day >= INSIGHTS_A_DAY_MAX {
            scene.drops.starts += 1;
            return false;
        }
        let test = Test {
            method: Method::LikelihoodRatio,
            window_minutes: (VISIT_MICROS / 60_000_000) as u32,
            count: f64::from(arrival.calls),
            of: None,
            expected: 0.0,
            score: terms.iter().map(|(_, value)| value).sum(),
            threshold: f64::from(needed),
            upper: 0.0,
            terms,
        };
        let (start, calls) = (arrival.first, f64::from(arrival.calls));
        let object = object(scene);
        if let Some(open) = scene.start(kind, object, start, notice, calls, test) {
            self.told.insert(key, has_history);
            self.open.insert((deed.region, deed.who), open);
            return true;
        }
        false
    }

    /// The score that is needed.
    fn needed(&self, sensitivity: Sensitivity) -> f32 {
        let a_week = sensitivity.false_starts_a_week();
        let stricter = libm::log10(Sensitivity::Normal.false_starts_a_week() / a_week) as f32;
        self.cut.level(FLOOR + stricter, FALSE_SHARE * a_week as f32)
    }

    /// Users that came from one new address at once.
    fn users(&self, deed: &Deed) -> usize {
        let of_address = self.watched.range((deed.who.0, Name::MIN)..=(deed.who.0, Name::MAX));
        // More than one is all that matters.
        of_address.filter(|(_, arrival)| arrival.looks.is_alone).take(2).count()
    }

    /// The time of a source has come to a bin: what was watched for long enough is over, and what is calm.
    pub fn over(&mut self, bin: Bin, scene: &mut Scene<'_>) {
        let now = scene.grid.start(bin);
        let is_done = |arrival: &Arrival| arrival.source == scene.source && now - arrival.first > VISIT_MICROS;
        let done: Vec<Who> = self.watched.iter().filter(|(_, arrival)| is_done(arrival)).map(|(who, _)| *who).collect();
        for who in done {
            let users = self.watched.range((who.0, Name::MIN)..=(who.0, Name::MAX)).count();
            let Some(arrival) = self.watched.remove(&who) else { continue };
            let users = if arrival.looks.is_alone { users } else { 1 };
            let together = (self.together + 0.5) / (self.arrivals + 10.0);
            let (_, score, is_suspect) = arrival.score(users, together, &self.travel);
            self.arrivals += 1.0;
            if !arrival.is_told {
                self.travel.learn(&arrival);
            }
            self.together += if users > 1 { 1.0 } else { 0.0 };
            // What was told, and what could not be in any case, does not raise what is needed; nor do made-up users.
            if arrival.has_history && !arrival.is_told {
                self.cut.note(if is_suspect { score } else { score.min(0.0) }, day_of(arrival.first));
            }
        }
        let calm = |open: &Open| now - open.last >= CALM_MICROS || day_of(open.start) < day_of(now);
        let is_over = |open: &Open| open.source == scene.source && (calm(open) || !scene.settings.is_on(open.kind));
        let over: Vec<(Name, Who)> = self.open.iter().filter(|(_, open)| is_over(open)).map(|(key, _)| *key).collect();
        for key in over {
            if let Some(open) = self.open.remove(&key) {
                scene.end(&open, now);
            }
        }
        let since = day_of(now) - TOLD_DAYS;
        if self.told.first_key_value().is_some_and(|((day, ..), _)| *day < since) {
            self.told.retain(|(day, ..), _| *day >= since);
        }
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        rename(&mut self.watched, |who| {
            visit(&mut who.0);
            visit(&mut who.1);
        });
        for arrival in self.watched.values_mut() {
            visit(&mut arrival.region);
            arrival.principal.iter_mut().for_each(&mut *visit);
        }
        rename(&mut self.open, |(region, who)| {
            visit(region);
            visit(&mut who.0);
            visit(&mut who.1);
        });
        rename(&mut self.told, |(_, region, who)| {
            visit(region);
            visit(who);
        });
    }

    pub fn bytes(&self) -> usize {
        // Eight terms of an arrival.
        self.watched.len() * 64 + tree_bytes(&self.watched) + tree_bytes(&self.open) + self.cut.bytes()
    }
}

impl Arrival {
    /// Whether more is done in the first minutes than the user does in two hours.
    fn is_busy(&self) -> bool {
        self.calls >= self.much
    }

    /// All terms, their sum, and whether it may be told at all: novelty alone is not enough where the account knows
    /// network and country.
    fn score(&self, users: usize, together: f32, travel: &Travel) -> (Vec<(String, f64)>, f32, bool) {
        let mut terms = self.looks.terms.clone();
        let mut behaviour = 0.0;
        let mut add = |term: Term, ratio: f32, most: f32, more: f32| {
            let value = libm::log10f(ratio).clamp(0.0, most) + more;
            behaviour += value;
            terms.push((term, value));
        };
        let [denied, failed, write, often] = self.shares.map(|share| share.max(1e-3));
        let more = |count: u32| libm::log10f((count as f32 / 2.0).max(1.0)).min(0.5);
        if self.denied >= OFTEN {
            add(
                Term::Denied,
                f32::max(intruder::DENIED / denied, intruder::DENIED_OFTEN / often),
                2.2,
                more(self.denied / 2),
            );
        } else if self.denied > 0 {
            add(Term::Denied, intruder::DENIED / denied, 1.3, more(self.denied));
        } else if self.failed > 0 {
            add(Term::Failed, intruder::FAILS / failed, 0.7, more(self.failed));
        }
        if self.writes > 0 {
            add(Term::Writes, intruder::WRITES / write, 1.0, 0.0);
        }
        if self.is_busy() {
            add(Term::Calls, intruder::IS_BUSY / travel.busy(&self.looks), 1.2, 0.0);
        }
        if users > 1 {
            add(Term::Users, intruder::SEVERAL_USERS / together, 1.0, 0.0);
        }
        if self.denied == 0 {
            // Who does not know the account is soon refused something: so far nothing was.
            terms.push((Term::Denied, libm::log10f((1.0 - intruder::DENIED) / (1.0 - denied).max(0.3))));
        }
        let score = terms.iter().map(|(_, value)| value).sum();
        let terms = terms.into_iter().map(|(term, value)| (term.name().to_owned(), f64::from(value))).collect();
        (terms, score, self.looks.is_rare || behaviour > 0.0)
    }
}
