//! How much somebody, or something, does at which hour.

use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_DAY;

use crate::company::{Company, Person, Rhythm, Service, Team};
use crate::draw::mix;

/// Of a working day, by hour.
const OFFICE_DAY: [f64; 24] = [
    0.01, 0.005, 0.005, 0.005, 0.01, 0.02, 0.06, 0.25, 0.7, 1.0, 1.0, 0.95, 0.55, 0.8, 1.0, 0.95, 0.85, 0.6, 0.3, 0.12,
    0.08, 0.06, 0.04, 0.02,
];
/// Of customers, who also shop in the evening and on Sundays.
const CUSTOMER_DAY: [f64; 24] = [
    0.25, 0.15, 0.1, 0.1, 0.12, 0.2, 0.35, 0.55, 0.75, 0.9, 1.0, 1.0, 0.95, 0.95, 0.9, 0.9, 0.95, 1.0, 1.1, 1.2, 1.1,
    0.9, 0.6, 0.4,
];

/// Local wall-clock time, as far as work cares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local {
    pub(crate) day: i64,
    pub(crate) hour: usize,
    /// 0 is Monday.
    pub(crate) weekday: i64,
}

pub(crate) fn local(at: Timestamp, zone_hours: i64) -> Local {
    let micros = at.micros() + zone_hours * (MICROS_A_DAY / 24);
    let day = micros.div_euclid(MICROS_A_DAY);
    let hour = (micros.rem_euclid(MICROS_A_DAY) / (MICROS_A_DAY / 24)) as usize;
    // 1970-01-01 was a Thursday.
    Local { day, hour, weekday: (day + 3).rem_euclid(7) }
}

/// What a person does in a quarter of an hour beginning at `at`, relative to others.
pub(crate) fn of_person(person: &Person, at: Timestamp) -> f64 {
    let local = local(at, person.office.zone_hours - person.shift_hours);
    let is_away = mix(person.number as u64 * 977 + (local.day / 7) as u64).is_multiple_of(14);
    if is_away {
        return 0.0;
    }
    let (team, weekend) = match person.team {
        Team::Platform => (2.2, 0.16),
        Team::Security => (1.4, 0.08),
        Team::Developer => (1.3, 0.04),
        Team::Data => (1.5, 0.05),
        Team::Office => (0.5, 0.01),
        Team::Admin => (0.8, 0.05),
    };
    let week = if local.weekday >= 5 {
        weekend
    } else if local.weekday == 4 {
        0.85
    } else {
        1.0
    };
    team * week * person.zeal * OFFICE_DAY[local.hour]
}

/// What a service does in a quarter of an hour beginning at `at`, relative to people.
pub(crate) fn of_service(service: &Service, at: Timestamp) -> f64 {
    let local = local(at, service.office.zone_hours);
    let share = match service.rhythm {
        Rhythm::Steady => 0.35,
        Rhythm::Daytime => 0.7 * CUSTOMER_DAY[local.hour] * if local.weekday == 6 { 0.8 } else { 1.0 },
        Rhythm::Nightly => f64::from(u8::from(local.hour == 2)) * 6.0,
        Rhythm::Workdays if local.weekday >= 5 => 0.03,
        Rhythm::Workdays => 0.8 * OFFICE_DAY[local.hour],
        Rhythm::Weekly => f64::from(u8::from(local.weekday == 0 && local.hour == 5)) * 12.0,
    };
    service.weight * share
}

/// What everybody does in a quarter of an hour.
pub(crate) fn of_all(company: &Company, at: Timestamp) -> f64 {
    let people: f64 = company.people.iter().map(|person| of_person(person, at)).sum();
    let services: f64 = company.services.iter().map(|service| of_service(service, at)).sum();
    people + services
}
