//! The company's events in the order of time.

use std::collections::VecDeque;

use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_SECOND;

use crate::acts::{self, Doer};
use crate::company::Company;
use crate::draw::Draw;
use crate::rhythm::{self, local};
use crate::{Generated, Options, incident};

const SLOT_MICROS: i64 = 15 * 60 * MICROS_A_SECOND;
/// A person works in bursts of one to nine events …
const BURST_EVENTS_MAX: u64 = 9;
const BURST_EVENTS: f64 = 5.0;
/// … within so long.
const BURST_MICROS: u64 = 110_000_000;

/// All events from [`Options::start`] to [`Options::end`], in order of time; the same for the same options.
pub fn history(options: Options) -> impl Iterator<Item = Generated> {
    let company = Company::new();
    let start = options.start();
    let slots = slots(start, options.end);
    let work: f64 = slots.clone().map(|slot| rhythm::of_all(&company, slot)).sum();
    let special = incident::events(&company, &options);
    History {
        everyday: Everyday::new(company, options.seed),
        slots,
        start,
        end: options.end,
        events_left: options.events as f64,
        work_left: work,
        ready: VecDeque::new(),
        special: special.into(),
    }
}

/// Everyday events from [`Options::end`] on, without end, by the same people: as many as they made before, so that nothing
/// about them is unusual.
pub fn live(options: Options) -> impl Iterator<Item = Generated> {
    let from = options.end;
    let mut everyday = Everyday::new(Company::new(), options.seed);
    let work: f64 = slots(options.start(), from).map(|slot| rhythm::of_all(&everyday.company, slot)).sum();
    let scale = if work > 0.0 { options.events as f64 / work } else { 0.0 };
    (0..).map(move |number| slot_of(from).plus_micros(number * SLOT_MICROS)).flat_map(move |slot| {
        let mut events = everyday.of_slot(slot, scale);
        events.retain(|event| event.at >= from);
        events
    })
}

fn slot_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros().div_euclid(SLOT_MICROS) * SLOT_MICROS)
}

fn slots(start: Timestamp, end: Timestamp) -> impl Iterator<Item = Timestamp> + Clone {
    let count = (end.micros() - slot_of(start).micros() + SLOT_MICROS - 1) / SLOT_MICROS;
    (0..count).map(move |number| slot_of(start).plus_micros(number * SLOT_MICROS))
}

struct History<S> {
    everyday: Everyday,
    slots: S,
    start: Timestamp,
    end: Timestamp,
    events_left: f64,
    work_left: f64,
    ready: VecDeque<Generated>,
    special: VecDeque<Generated>,
}

impl<S: Iterator<Item = Timestamp>> Iterator for History<S> {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        while self.ready.is_empty() {
            let Some(slot) = self.slots.next() else { return self.special.pop_front() };
            // What was drawn too much or too little is made up for, so that the number comes out.
            let scale = if self.work_left > 0.0 { self.events_left.max(0.0) / self.work_left } else { 0.0 };
            self.work_left -= rhythm::of_all(&self.everyday.company, slot);
            let mut events = self.everyday.of_slot(slot, scale);
            events.retain(|event| event.at >= self.start && event.at < self.end);
            self.events_left -= events.len() as f64;
            self.ready = events.into();
        }
        let special_is_first = match (self.special.front(), self.ready.front()) {
            (Some(special), Some(everyday)) => special.at <= everyday.at,
            (special, _) => special.is_some(),
        };
        if special_is_first { self.special.pop_front() } else { self.ready.pop_front() }
    }
}

/// Everyday work, a quarter of an hour at a time.
struct Everyday {
    company: Company,
    seed: u64,
    /// The last local day on which each person signed in.
    signed_in: Vec<i64>,
}

impl Everyday {
    fn new(company: Company, seed: u64) -> Self {
        let signed_in = vec![i64::MIN; company.people.len()];
        Self { company, seed, signed_in }
    }

    /// The events of one slot in order; about `scale` for each unit of work.
    fn of_slot(&mut self, slot: Timestamp, scale: f64) -> Vec<Generated> {
        // Each slot has its own draws: what happens in it does not hang on where the reading began.
        let mut draw = Draw::new(self.seed, slot.micros() as u64);
        let mut events = Vec::new();
        for person in &self.company.people {
            let expected = scale * rhythm::of_person(person, slot);
            for _ in 0..draw.round(expected / BURST_EVENTS) {
                let begin = slot.plus_micros(draw.below(SLOT_MICROS as u64 - BURST_MICROS) as i64);
                let day = local(begin, person.office.zone_hours - person.shift_hours).day;
                let mut count = draw.between(1, BURST_EVENTS_MAX);
                let mut now = begin;
                if self.signed_in[person.number] != day {
                    self.signed_in[person.number] = day;
                    let signing_in = acts::begin_day(person, begin, &mut draw);
                    now = signing_in.last().map_or(begin, |last| last.at);
                    count = count.saturating_sub(signing_in.len() as u64);
                    events.extend(signing_in);
                }
                let doer = Doer::person(person, begin);
                for _ in 0..count {
                    now = now.plus_micros(draw.between(80_000, 9_000_000) as i64);
                    events.push(acts::everyday(&self.company, &doer, now, &mut draw));
                }
            }
        }
        for service in &self.company.services {
            let expected = scale * rhythm::of_service(service, slot);
            let count = draw.round(expected);
            if count == 0 {
                continue;
            }
            let doer = Doer::service(service);
            for _ in 0..count {
                let at = slot.plus_micros(draw.below(SLOT_MICROS as u64) as i64);
                events.push(acts::everyday(&self.company, &doer, at, &mut draw));
            }
        }
        events.sort_by_key(|event| event.at);
        events
    }
}
