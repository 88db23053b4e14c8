//! `--people`: how good insights of addresses are, on a made-up company of a thousand users.
//!
//! People in offices and at home, whose providers give them new addresses; on the phone, behind gateways that many
//! share; on holidays, on business trips, and some who are always on the way; behind proxies whose addresses rotate;
//! machines. After four weeks accounts are taken over: most from another country with other programs, who look around
//! and try what is refused, and some who take care not to be seen. All of it is drawn from one seed.

#![allow(clippy::print_stdout, reason = "a report on the terminal")]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal, Poisson};
use whodid_insights::{Act, Change, Detector, Kind, NoPlaces, Places, Settings, Stage};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// A Monday.
const BEGIN: i64 = 1_767_571_200_000_000;
const USERS: usize = 1_000;
const MACHINES: usize = 40;
const ROAMING: f64 = 0.05;
const QUIET_DAYS: i64 = 28;
const DAYS: i64 = 42;
const TAKEOVERS_A_WEEK: u32 = 6;
/// Of a year and user, who work a little then: assumed, and more rather than less.
const HOLIDAYS_ABROAD: f64 = 1.5;
const TRIPS: f64 = 2.0;
const CAREFUL: f64 = 0.1;
/// Countries that people live in, travel to and attack from; the first three have offices.
const COUNTRIES: [&str; 30] = [
    "DE", "FR", "US", "ES", "IT", "AT", "GR", "TR", "PT", "NL", "GB", "CH", "HR", "PL", "DK", "SE", "TH", "EG", "MX",
    "JP", "IN", "BR", "ZA", "AU", "CA", "RU", "CN", "RO", "UA", "SG",
];
/// Where servers are rented.
const HOSTING: [usize; 10] = [2, 2, 9, 9, 10, 25, 27, 28, 29, 0];
const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
];
const PHONES: [&str; 2] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
];
const TOOLS: [&str; 6] = [
    "company-cli/2.13.5",
    "terraform/1.9.1",
    "python-requests/2.32",
    "curl/8.5",
    "kubectl/v1.31",
    "Go-http-client/2.0",
];

/// A network: country and number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Network {
    country: usize,
    number: u32,
}

impl Network {
    fn address(self, host: u32) -> String {
        format!("{}.{}.{}.{}", 20 + self.country, self.number / 256 % 256, self.number % 256, 1 + host % 250)
    }
}

/// What an operator's database of countries would tell.
#[derive(Debug)]
struct Stub;

impl Places for Stub {
    fn country(&self, address: IpAddr) -> Option<String> {
        let IpAddr::V4(address) = address else { return None };
        let country = usize::from(address.octets()[0]).checked_sub(20)?;
        COUNTRIES.get(country).map(|country| (*country).to_owned())
    }
}

#[derive(Debug, Clone)]
struct User {
    name: String,
    first_day: i64,
    country: usize,
    office: usize,
    is_roaming: bool,
    /// When the day begins, in hours, in UTC.
    begin: f64,
    at_home: f64,
    weekends: f64,
    /// Days between two addresses of the provider, and its networks.
    lease_days: f64,
    provider: usize,
    home: (Network, u32),
    agents: Vec<String>,
    /// Share of calls that fail, and that change something.
    failing: f64,
    writing: f64,
    /// Until when abroad, and where.
    away: Option<(i64, Network, Option<String>)>,
    /// Behind a proxy, instead of the office's own network.
    proxy: Option<usize>,
    uses_vpn: f64,
    /// The phone, and whether it is used at work.
    phone: &'static str,
    has_phone: bool,
}

#[derive(Debug, Clone)]
struct Event {
    happened: i64,
    recorded: i64,
    user: u32,
    address: String,
    agent: String,
    is_write: bool,
    error: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Takeover {
    user: u32,
    address: String,
    at: i64,
    is_careful: bool,
    words: String,
}

struct Company {
    random: ChaCha8Rng,
    users: Vec<User>,
    machines: Vec<(String, Network, u32, u32, &'static str)>,
    offices: Vec<Vec<Network>>,
    proxies: Vec<Vec<Network>>,
    vpn: Vec<Network>,
    /// Networks of providers and of mobile gateways, by country.
    providers: Vec<Vec<Vec<Network>>>,
    gateways: Vec<Vec<Network>>,
    next_network: u32,
}

impl Company {
    fn new(seed: u64) -> Self {
        let mut company = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            users: Vec::new(),
            machines: Vec::new(),
            offices: Vec::new(),
            proxies: Vec::new(),
            vpn: Vec::new(),
            providers: Vec::new(),
            gateways: Vec::new(),
            next_network: 0,
        };
        for country in [0, 0, 0, 1, 2] {
            let networks = company.networks(country, 2);
            company.offices.push(networks);
        }
        company.proxies = vec![company.networks(0, 4), company.networks(2, 6)];
        company.vpn = company.networks(0, 2);
        for country in 0..COUNTRIES.len() {
            let sizes: &[usize] = if country < 3 { &[200, 120, 60, 30] } else { &[60] };
            let providers = sizes.iter().map(|size| company.networks(country, *size)).collect();
            company.providers.push(providers);
            let gateways = company.networks(country, if country < 3 { 10 } else { 4 });
            company.gateways.push(gateways);
        }
        for user in 0..USERS {
            let user = company.user(user, 0);
            company.users.push(user);
        }
        for machine in 0..MACHINES {
            let pool = company.random.random_range(0..3) * 4 + 1;
            let first = company.networks(2, pool)[0];
            let hosts = if pool == 1 { 1 } else { 60 };
            let tool = *TOOLS.choose(&mut company.random).unwrap_or(&TOOLS[0]);
            company.machines.push((format!("machine-{machine}"), first, pool as u32, hosts, tool));
        }
        company
    }

    fn networks(&mut self, country: usize, count: usize) -> Vec<Network> {
        let first = self.next_network;
        self.next_network += count as u32;
        (first..first + count as u32).map(|number| Network { country, number }).collect()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.random_bool(share.clamp(0.0, 1.0))
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.random).cloned().expect("of something")
    }

    fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        LogNormal::new(median.ln(), spread).expect("a spread is positive").sample(&mut self.random)
    }

    fn user(&mut self, number: usize, first_day: i64) -> User {
        let office = self.random.random_range(0..self.offices.len());
        let country = self.offices[office][0].country;
        let zone = if country == 2 { 6.0 } else { -1.0 };
        let odd = if self.chance(0.03) { self.random.random_range(0.0..24.0) } else { 0.0 };
        let begin = Normal::new(8.5 + zone + odd, 0.8).expect("a spread is positive").sample(&mut self.random);
        let lease_days = match self.random.random_range(0..10) {
            0..3 => 400.0,
            3..8 => 14.0,
            _ => 1.0,
        };
        let provider = *[0, 0, 0, 1, 1, 2, 3].choose(&mut self.random).unwrap_or(&0);
        let mut agents = vec![self.pick(&BROWSERS).to_owned()];
        if self.chance(0.3) {
            agents.push(self.pick(&TOOLS).to_owned());
        }
        if self.chance(0.15) {
            agents.push(self.pick(&BROWSERS).to_owned());
        }
        let mut user = User {
            name: format!("user-{number}"),
            first_day,
            country,
            office,
            is_roaming: self.chance(ROAMING),
            begin,
            at_home: *[0.1, 0.4, 0.4, 0.6, 0.9].choose(&mut self.random).unwrap_or(&0.4),
            weekends: *[0.02, 0.02, 0.05, 0.4].choose(&mut self.random).unwrap_or(&0.05),
            lease_days,
            provider,
            home: (self.offices[office][0], 0),
            agents,
            failing: self.lognormal(0.006, 1.0).min(0.2),
            writing: self.lognormal(0.08, 1.2).min(0.8),
            away: None,
            proxy: None,
            uses_vpn: *[0.0, 0.0, 0.2, 0.5].choose(&mut self.random).unwrap_or(&0.0),
            phone: PHONES[number % 2],
            has_phone: self.chance(0.4),
        };
        if self.chance(0.1) {
            user.proxy = Some(self.random.random_range(0..self.proxies.len()));
        }
        self.renew(&mut user);
        user
    }

    /// A new address of the provider.
    fn renew(&mut self, user: &mut User) {
        let networks = self.providers[user.country][user.provider].clone();
        // Often of the same network.
        let stays = self.chance(0.3) && user.home.1 != 0;
        let network = if stays { user.home.0 } else { self.pick(&networks) };
        user.home = (network, self.random.random_range(1..250));
    }

    /// Where somebody goes: much to few countries.
    fn abroad(&mut self) -> usize {
        let rank = self.lognormal(5.0, 0.8) as usize;
        rank.min(COUNTRIES.len() - 1)
    }

    fn hotel(&mut self, country: usize) -> Network {
        if self.chance(0.3) {
            let gateways = self.gateways[country].clone();
            return self.pick(&gateways);
        }
        self.networks(country, 1)[0]
    }

    /// What changes from one day to the next.
    fn live(&mut self, user: &mut User, day: i64) {
        if self.chance(1.0 / user.lease_days) {
            self.renew(user);
        }
        if self.chance(0.5 / 365.0) {
            user.provider = self.random.random_range(0..self.providers[user.country].len());
            self.renew(user);
        }
        if self.chance(1.0 / 365.0) {
            user.agents[0] = self.pick(&BROWSERS).to_owned();
        }
        if self.chance(2.0 / 365.0) {
            let agent = self.pick(&TOOLS).to_owned();
            user.agents.push(agent);
        }
        if user.away.as_ref().is_some_and(|(until, ..)| *until <= day) {
            user.away = None;
        }
        if user.away.is_some() {
            return;
        }
        if user.is_roaming {
            if self.chance(0.8) {
                let country = if self.chance(0.5) { user.country } else { self.abroad() };
                let days = self.random.random_range(1..4);
                user.away = Some((day + days, self.hotel(country), None));
            }
        } else if self.chance(HOLIDAYS_ABROAD / 365.0) {
            let country = self.abroad();
            let phone = if self.chance(0.4) { Some(user.phone.to_owned()) } else { None };
            let days = self.random.random_range(5..15);
            user.away = Some((day + days, self.hotel(country), phone));
        } else if self.chance(TRIPS / 365.0) {
            let country = if self.chance(0.7) { user.country } else { self.abroad() };
            let days = self.random.random_range(1..4);
            user.away = Some((day + days, self.hotel(country), None));
        }
    }

    /// Where a session of this day is.
    fn place(&mut self, user: &User, is_home_day: bool) -> (String, Option<String>) {
        let host = self.random.random_range(1..250);
        if let Some((_, network, agent)) = &user.away {
            if self.chance(0.25) {
                let gateways = self.gateways[network.country].clone();
                let agent = if user.has_phone { Some(user.phone.to_owned()) } else { None };
                return (self.pick(&gateways).address(host), agent);
            }
            return (network.address(7), agent.clone());
        }
        if user.has_phone && self.chance(0.1) {
            let gateways = self.gateways[user.country].clone();
            let phone = user.phone.to_owned();
            return (self.pick(&gateways).address(host), Some(phone));
        }
        if self.chance(user.uses_vpn) {
            let vpn = self.vpn.clone();
            return (self.pick(&vpn).address(host % 8), None);
        }
        if is_home_day {
            return (user.home.0.address(user.home.1), None);
        }
        if let Some(proxy) = user.proxy {
            let networks = self.proxies[proxy].clone();
            return (self.pick(&networks).address(host % 64), None);
        }
        let networks = self.offices[user.office].clone();
        (self.pick(&networks).address(host % 3), None)
    }

    fn day(&mut self, day: i64, events: &mut Vec<Event>) {
        let is_weekend = day % 7 >= 5;
        if day % 7 == 0 && day > 0 {
            for _ in 0..5 {
                let user = self.user(self.users.len(), day);
                self.users.push(user);
            }
        }
        for index in 0..self.users.len() {
            let mut user = self.users[index].clone();
            self.live(&mut user, day);
            let active = match (&user.away, is_weekend) {
                (Some(_), _) if !user.is_roaming => 0.35,
                (_, true) => user.weekends,
                _ => 0.93,
            };
            if self.chance(active) {
                self.work(index as u32, &user, day, events);
            }
            self.users[index] = user;
        }
        for machine in 0..self.machines.len() {
            let (_, first, pool, hosts, tool) = self.machines[machine].clone();
            for hour in 0..24 {
                let network = Network { number: first.number + self.random.random_range(0..pool), ..first };
                let address = network.address(self.random.random_range(0..hosts));
                let at = BEGIN + day * DAY + hour * HOUR + self.random.random_range(0..HOUR);
                for step in 0..4 {
                    let is_write = self.chance(0.5);
                    let error = self.chance(0.01).then_some("Throttled");
                    let at = at + step * SECOND;
                    self.emit(at, 1_000_000 + machine as u32, &address, tool, is_write, error, events);
                }
            }
        }
    }

    fn work(&mut self, index: u32, user: &User, day: i64, events: &mut Vec<Event>) {
        let is_home_day = self.chance(user.at_home) || day % 7 >= 5;
        let sessions = 1 + self.random.random_range(0..4);
        let mut place = self.place(user, is_home_day);
        for session in 0..sessions {
            if session > 0 && self.chance(0.3) {
                place = self.place(user, is_home_day);
            }
            let evening = if self.chance(0.06) { 5.0 } else { 0.0 };
            let hour = user.begin + self.random.random_range(0.0..8.5) + evening;
            let at = BEGIN + day * DAY + (hour * HOUR as f64) as i64;
            let agent = match &place.1 {
                Some(agent) => agent.clone(),
                None => self.pick(&user.agents),
            };
            // A mistyped password now and then, more so elsewhere.
            let mistyped = if user.away.is_some() { 0.08 } else { 0.03 };
            let calls = 1 + self.lognormal(6.0, 0.8).min(150.0) as usize;
            // A page calls much at once, a person at the console does not.
            let pause = if self.chance(0.3) { 10 * SECOND } else { 2 * MINUTE };
            let mut at = at;
            if self.chance(mistyped) {
                self.emit(at, index, &place.0, &agent, true, Some("InvalidCredentials"), events);
            }
            for _ in 0..calls {
                at += self.random.random_range(SECOND..pause);
                let is_write = self.chance(user.writing);
                let is_failing = self.chance(user.failing);
                // What fails is often tried again.
                let tries = if is_failing { 1 + self.random.random_range(0..3) } else { 1 };
                for _ in 0..tries {
                    at += SECOND;
                    let error = is_failing.then_some("AccessDenied");
                    self.emit(at, index, &place.0, &agent, is_write, error, events);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an event has so many sides")]
    fn emit(
        &mut self,
        at: i64,
        user: u32,
        address: &str,
        agent: &str,
        is_write: bool,
        error: Option<&'static str>,
        events: &mut Vec<Event>,
    ) {
        let recorded = at + self.random.random_range(SECOND..2 * MINUTE);
        let (address, agent) = (address.to_owned(), agent.to_owned());
        events.push(Event { happened: at, recorded, user, address, agent, is_write, error });
    }

    fn take_over(&mut self, day: i64, events: &mut Vec<Event>) -> Takeover {
        let index = loop {
            let index = self.random.random_range(0..self.users.len());
            if self.users[index].first_day + 3 <= day {
                break index;
            }
        };
        let user = self.users[index].clone();
        let is_careful = self.chance(CAREFUL);
        let (network, agent, at, denied, writes);
        if is_careful {
            let country = user.country;
            network = if self.chance(0.5) {
                let provider = self.random.random_range(0..self.providers[country].len());
                let networks = self.providers[country][provider].clone();
                self.pick(&networks)
            } else {
                self.networks(country, 1)[0]
            };
            agent = if self.chance(0.7) { user.agents[0].clone() } else { self.pick(&BROWSERS).to_owned() };
            at = day * DAY + ((user.begin + self.random.random_range(0.0..9.0)) * HOUR as f64) as i64;
            denied = self.chance(0.5);
            writes = self.chance(0.3);
        } else {
            let country = if self.chance(0.2) { user.country } else { self.pick(&HOSTING) };
            network = self.networks(country, 1)[0];
            agent = match self.random.random_range(0..20) {
                0..12 => self
                    .pick(&["python-requests/2.31", "curl/8.1", "aws-sdk-go/1.44", "Boto3/1.26", "okhttp/4.9"])
                    .to_owned(),
                12..17 => BROWSERS[0].to_owned(),
                _ => self.pick(&BROWSERS).to_owned(),
            };
            at = day * DAY + self.random.random_range(0..DAY - HOUR);
            // Who does not know the account tries what is refused.
            denied = true;
            writes = self.chance(0.4);
        }
        let address = network.address(77);
        let mut now = BEGIN + at;
        let start = now;
        let calls = 8 + self.random.random_range(0..30);
        let refused = if denied { 1 + Poisson::new(4.0).expect("a mean").sample(&mut self.random) as usize } else { 0 };
        for call in 0..calls {
            let error = (call > 0 && call % 3 == 1 && call / 3 < refused).then_some("AccessDenied");
            let is_write = writes && call % 5 == 4;
            self.emit(now, index as u32, &address, &agent, is_write, error, events);
            now += self.random.random_range(SECOND..40 * SECOND);
        }
        let words = format!(
            "{}{} from {} to {} by {agent:.30}, {refused} refused, writes {writes}, usual {:.3} failing {:.2} writing",
            if is_careful { "careful, " } else { "" },
            if user.is_roaming { "roaming user" } else { "user" },
            COUNTRIES[network.country],
            COUNTRIES[user.country],
            user.failing,
            user.writing
        );
        Takeover { user: index as u32, address, at: start, is_careful, words }
    }
}

/// What came of one company.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Takeovers that were found, and all: of plain intruders and of careful ones.
    found: [[u32; 2]; 2],
    delays: Vec<f64>,
    false_starts: Vec<String>,
    false_while_learning: usize,
    missed: Vec<String>,
    weeks: f64,
    bytes: usize,
    events: usize,
}

fn one(seed: u64, places: Arc<dyn Places>) -> Outcome {
    let mut company = Company::new(seed);
    let mut detector = Detector::new("people", Settings::default(), places);
    let mut told: Vec<Change> = Vec::new();
    let mut takeovers: Vec<Takeover> = Vec::new();
    let mut outcome = Outcome { weeks: (DAYS - QUIET_DAYS) as f64 / 7.0, ..Outcome::default() };
    let mut waiting: Vec<Event> = Vec::new();
    for day in 0..DAYS {
        company.day(day, &mut waiting);
        if day >= QUIET_DAYS {
            let today = TAKEOVERS_A_WEEK / 7 + u32::from(company.chance(f64::from(TAKEOVERS_A_WEEK % 7) / 7.0));
            for _ in 0..today {
                let takeover = company.take_over(day, &mut waiting);
                takeovers.push(takeover);
            }
        }
        waiting.sort_by_key(|event| event.recorded);
        // What reaches into the next day waits for it.
        let until = BEGIN + (day + 1) * DAY;
        let later = waiting.split_off(waiting.partition_point(|event| event.recorded < until));
        for event in &waiting {
            outcome.events += 1;
            let principal = match event.user.checked_sub(1_000_000) {
                Some(machine) => &company.machines[machine as usize].0,
                None => &company.users[event.user as usize].name,
            };
            let act = Act {
                offset: outcome.events as u64,
                event_time: event.happened,
                recorded_at: event.recorded,
                times: 1,
                source: "cadf",
                region: Some("eu-de"),
                service: Some("service"),
                action: if event.is_write { "thing.update" } else { "thing.read" },
                is_write: event.is_write,
                error: event.error,
                is_denied: event.error == Some("AccessDenied"),
                principal: Some(principal),
                address: Some(&event.address),
                agent: Some(&event.agent),
                credential: None,
            };
            detector.take(&act, &mut told);
        }
        waiting = later;
    }
    outcome.bytes = detector.bytes();
    let starts: Vec<&Change> =
        told.iter().filter(|change| change.stage == Stage::Start && change.kind == Kind::IpInsight).collect();
    let fits = |start: &Change, takeover: &Takeover| {
        start.object.address.as_deref() == Some(&takeover.address)
            && start.object.principal.as_deref() == Some(&company.users[takeover.user as usize].name)
    };
    for takeover in &takeovers {
        let of = &mut outcome.found[usize::from(takeover.is_careful)];
        of[1] += 1;
        match starts.iter().find(|start| fits(start, takeover)) {
            Some(start) => {
                of[0] += 1;
                outcome.delays.push((start.noticed - takeover.at) as f64 / MINUTE as f64);
            }
            None => outcome.missed.push(takeover.words.clone()),
        }
    }
    for start in starts {
        if takeovers.iter().any(|takeover| fits(start, takeover)) {
            continue;
        }
        if start.start < BEGIN + QUIET_DAYS * DAY {
            outcome.false_while_learning += 1;
            continue;
        }
        let terms: Vec<String> = start.test.terms.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        outcome.false_starts.push(format!(
            "{} from {} on day {}: {:.2} of {:.2} ({})",
            start.object.principal.as_deref().unwrap_or_default(),
            start.object.address.as_deref().unwrap_or_default(),
            (start.start - BEGIN) / DAY,
            start.test.score,
            start.test.threshold,
            terms.join(", ")
        ));
    }
    outcome
}

/// Wilson's interval of 95 % of a share.
fn wilson(found: u32, all: u32) -> (f64, f64) {
    let (n, p, z) = (f64::from(all.max(1)), f64::from(found) / f64::from(all.max(1)), 1.96);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let of = |value: f64| value / (1.0 + z * z / n);
    (of(middle - half).max(0.0), of(middle + half).min(1.0))
}

/// Byar's interval of 95 % of a Poisson count.
fn poisson(count: usize) -> (f64, f64) {
    let of = |count: f64, z: f64| count * (1.0 - 1.0 / (9.0 * count) + z / (3.0 * count.sqrt())).powi(3);
    let low = if count == 0 { 0.0 } else { of(count as f64, -1.96) };
    (low.max(0.0), of(count as f64 + 1.0, 1.96))
}

/// Runs so many companies from a seed on, each with a database of countries and without, and prints what came of them.
pub fn run(first: u64, seeds: u64) -> [Vec<Outcome>; 2] {
    let is_with_why = std::env::args().any(|argument| argument == "--why");
    let all: [(&str, Arc<dyn Places>); 2] =
        [("with countries", Arc::new(Stub)), ("without countries", Arc::new(NoPlaces))];
    all.map(|(name, places)| {
        let next = AtomicU64::new(first);
        let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
            let worker = || {
                let mut mine = Vec::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return mine;
                    }
                    mine.push(one(seed, Arc::clone(&places)));
                }
            };
            let workers = [scope.spawn(worker), scope.spawn(worker)];
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        print(name, &outcomes, is_with_why);
        outcomes
    })
}

fn print(name: &str, outcomes: &[Outcome], is_with_why: bool) {
    let sum = |kind: usize, at: usize| outcomes.iter().map(|outcome| outcome.found[kind][at]).sum::<u32>();
    let line = |words: &str, found: u32, all: u32| {
        let (low, high) = wilson(found, all);
        println!(
            "{name}: {words} {:.3} [{low:.3}, {high:.3}], {found} of {all}",
            f64::from(found) / f64::from(all.max(1))
        );
    };
    line("recall", sum(0, 0) + sum(1, 0), sum(0, 1) + sum(1, 1));
    line("  of plain intruders", sum(0, 0), sum(0, 1));
    line("  of careful ones", sum(1, 0), sum(1, 1));
    let mut delays: Vec<f64> = outcomes.iter().flat_map(|outcome| outcome.delays.clone()).collect();
    delays.sort_by(f64::total_cmp);
    let quantile = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    println!("{name}: delay after the first access, minutes: median {:.1}, p95 {:.1}", quantile(0.5), quantile(0.95));
    let weeks: f64 = outcomes.iter().map(|outcome| outcome.weeks).sum();
    let count: usize = outcomes.iter().map(|outcome| outcome.false_starts.len()).sum();
    let (low, high) = poisson(count);
    println!(
        "{name}: false a week {:.2} [{:.2}, {:.2}], {count} in {weeks} weeks of {USERS} users",
        count as f64 / weeks,
        low / weeks,
        high / weeks
    );
    let learning: usize = outcomes.iter().map(|outcome| outcome.false_while_learning).sum();
    println!("{name}: false in the four weeks before, a week {:.2}", learning as f64 / (outcomes.len() as f64 * 4.0));
    let events: usize = outcomes.iter().map(|outcome| outcome.events).sum();
    let bytes: usize = outcomes.iter().map(|outcome| outcome.bytes).max().unwrap_or(0);
    println!("{name}: {events} events, {:.1} MB remembered", bytes as f64 / 1e6);
    if is_with_why {
        outcomes.iter().flat_map(|outcome| &outcome.missed).for_each(|missed| println!("missed {missed}"));
        outcomes.iter().flat_map(|outcome| &outcome.false_starts).for_each(|start| println!("false {start}"));
    }
}
