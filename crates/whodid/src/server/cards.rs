//! The start page: what was found lately in numbers, on whodid's own card and on those that clients made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone};
use whodid_api::{
    CardElement, CardList, CardSection, Code, ElementKind, FindingDays, FindingDaysParams, NoteKind, NoteWrite,
    Occurrence, RuleDays, ShownCard, ShownElement, ShownValue, ValueType,
};
use whodid_engine::{Facet, ReadRequest};
use whodid_meta::DocumentKind;
use whodid_model::access::{AccessScope, Act, Permission};
use whodid_model::{AccountName, StreamName, Timestamp};
use whodid_rules::Area;

use super::App;
use super::auth::Caller;
use super::catalog::{Catalog, Origin};
use super::failure::Failure;
use super::findings::{Stored, own_occurrences};
use super::params::Params;

/// Days when none are asked for: the trend of Activity Insights.
const DAYS_DEFAULT: u32 = 5;
const DAYS_MAX: u32 = 31;
/// Most values of a field that are told apart in a day: as many as a facet holds.
const VALUES_MAX: usize = 1000;
/// Longest range of a card's number, in days.
const CARD_DAYS_MAX: i64 = 4;
const DAY_MICROS: i64 = 86_400_000_000;
/// All findings, and those that no exception silences.
const FOUND: &str = "action:===whodid.finding.create";
const UNSILENCED: &str = "action:===whodid.finding.create NOT requestData.silencedBy:*";
const NOTE_NAME: &str = "requestData.noteName";
const PROVIDER: &str = "requestData.provider";
const RULE_ID: &str = "requestData.ruleId";

pub async fn days(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<FindingDaysParams>,
) -> Result<Json<FindingDays>, Failure> {
    let (_, scope) = access(&caller, &params)?;
    let counter = Counter { app: &app, scope: &scope, now: crate::clock::now() };
    let starts = starts(&params, counter.now)?;
    let mut rules: BTreeMap<String, RuleDays> = BTreeMap::new();
    let mut total = Vec::with_capacity(starts.len());
    for (day, from) in starts.iter().enumerate() {
        let counted = counter.count(FOUND, *from, starts.get(day + 1).copied(), &[RULE_ID]).await?;
        total.push(counted.total());
        for (rule_id, count) in counted.of(0) {
            let new = || RuleDays { rule_id: rule_id.to_owned(), found: vec![0; starts.len()], silenced: 0 };
            if let Some(found) = rules.entry(rule_id.to_owned()).or_insert_with(new).found.get_mut(day) {
                *found = count;
            }
        }
    }
    let silenced = format!("{FOUND} requestData.silencedBy:*");
    let silenced = match starts.first() {
        Some(first) => counter.count(&silenced, *first, None, &[RULE_ID]).await?,
        None => Counted::default(),
    };
    for (rule_id, count) in silenced.of(0) {
        if let Some(rule) = rules.get_mut(rule_id) {
            rule.silenced = count;
        }
    }
    let days = starts.iter().map(Timestamp::to_string).collect();
    Ok(Json(FindingDays { days, total, rules: rules.into_values().collect() }))
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<FindingDaysParams>,
) -> Result<Json<CardList>, Failure> {
    let (account, scope) = access(&caller, &params)?;
    let counter = Counter { app: &app, scope: &scope, now: crate::clock::now() };
    let starts = starts(&params, counter.now)?;
    let mut days = Vec::with_capacity(starts.len());
    for (day, from) in starts.iter().enumerate() {
        days.push(counter.count(UNSILENCED, *from, starts.get(day + 1).copied(), &[PROVIDER, NOTE_NAME]).await?);
    }
    let areas = areas(&app.rules_of(&account).await?.catalog);
    let mut sections = vec![CardSection {
        title: "Activity".to_owned(),
        image: None,
        cards: vec![own_card(&areas, &days, starts.first().copied().unwrap_or(counter.now))],
    }];
    let notes = notes(&app, &account).await?;
    if notes.iter().any(|(_, note)| note.card.is_some()) {
        let occurrences = own_occurrences(&app, &account).await?.into_iter().map(|(_, one)| one).collect();
        let mut ranges = BTreeMap::new();
        for range in 1..=CARD_DAYS_MAX {
            let from = counter.now.plus_micros(-range * DAY_MICROS);
            ranges.insert(range, counter.count(UNSILENCED, from, None, &[NOTE_NAME]).await?);
        }
        let numbers = Numbers { now: counter.now, starts: &starts, days: &days, ranges: &ranges, occurrences };
        sections.extend(custom_sections(&notes, &numbers));
    }
    Ok(Json(CardList { days: starts.iter().map(Timestamp::to_string).collect(), sections }))
}

fn access(caller: &Caller, params: &FindingDaysParams) -> Result<(AccountName, AccessScope), Failure> {
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let scope = caller.access(Act::Read(&StreamName::findings()), Some(account.as_str()))?;
    Ok((account, scope))
}

/// When each day begins where the clock shows the given zone, the oldest first.
fn starts(params: &FindingDaysParams, now: Timestamp) -> Result<Vec<Timestamp>, Failure> {
    let count = params.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&count) {
        return Err(Failure::new(Code::BadParameter, format!("`days` is between 1 and {DAYS_MAX}")));
    }
    let name = params.time_zone.as_deref().unwrap_or("UTC");
    let zone: chrono_tz::Tz = name.parse().map_err(|_| {
        let shown: String = name.chars().take(40).collect();
        let detail = format!("`time_zone`: {shown:?} is no IANA time zone; write it like Europe/Berlin");
        Failure::new(Code::BadParameter, detail)
    })?;
    Ok(day_starts(zone, now, count))
}

fn day_starts(zone: chrono_tz::Tz, now: Timestamp, count: u32) -> Vec<Timestamp> {
    let today = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default().with_timezone(&zone).date_naive();
    let start = |back: u32| {
        let midnight = today.checked_sub_days(Days::new(u64::from(back)))?.and_time(NaiveTime::MIN);
        // Where the clock goes forward at midnight, the day begins an hour later.
        let begins = (0..4).find_map(|quarters: i32| {
            zone.from_local_datetime(&(midnight + TimeDelta::minutes(i64::from(quarters) * 30))).earliest()
        })?;
        Some(Timestamp::from_micros(begins.timestamp_micros()))
    };
    (0..count).rev().filter_map(start).collect()
}

/// Counts findings.
struct Counter<'a> {
    app: &'a App,
    scope: &'a AccessScope,
    now: Timestamp,
}

/// How many findings have which value of some fields.
#[derive(Debug, Default)]
struct Counted {
    facets: Vec<Facet>,
}

impl Counted {
    fn total(&self) -> u64 {
        self.facets
            .first()
            .map_or(0, |facet| facet.other + facet.missing + facet.values.iter().map(|value| value.count).sum::<u64>())
    }

    fn of(&self, field: usize) -> impl Iterator<Item = (&str, u64)> {
        self.facets.get(field).into_iter().flat_map(|facet| &facet.values).map(|one| (one.value.as_str(), one.count))
    }

    fn sum(&self, field: usize, is_meant: impl Fn(&str) -> bool) -> u64 {
        self.of(field).filter(|(value, _)| is_meant(value)).map(|(_, count)| count).sum()
    }
}

impl Counter<'_> {
    async fn count(
        &self,
        q: &str,
        from: Timestamp,
        to: Option<Timestamp>,
        fields: &[&str],
    ) -> Result<Counted, Failure> {
        let request = ReadRequest {
            q: q.to_owned(),
            from: Some(from.to_string()),
            to: to.map(|to| to.to_string()),
            stream: Some(StreamName::findings()),
            ..ReadRequest::default()
        };
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        let facets = self.app.engine()?.facets(self.scope, &request, &fields, VALUES_MAX, None).await?;
        Ok(Counted { facets })
    }
}

/// What the findings of each provider are about, as the packages say.
fn areas(catalog: &Catalog) -> BTreeMap<String, Area> {
    let area = |origin: &Origin| match origin {
        Origin::Package(id) => catalog.packages.get(id).and_then(|known| known.package.manifest.area),
        Origin::Own(_) => None,
    };
    let of = |(document, origin): &(Arc<whodid_rules::Document>, Origin)| {
        Some((document.provider().to_owned(), area(origin)?))
    };
    catalog.documents.iter().filter_map(of).collect()
}

/// The card of Activity Insights.
fn own_card(areas: &BTreeMap<String, Area>, days: &[Counted], from: Timestamp) -> ShownCard {
    let value = |text: &str, area: Option<Area>| {
        let by_day: Vec<u64> = days
            .iter()
            .map(|day| {
                let known: u64 = day.sum(0, |provider| areas.contains_key(provider));
                match area {
                    Some(area) => day.sum(0, |provider| areas.get(provider) == Some(&area)),
                    None => day.total() - known,
                }
            })
            .collect();
        let is_meant = |of: &Area| area.is_none_or(|area| *of == area);
        let providers: Vec<&str> = areas.iter().filter(|(_, of)| is_meant(of)).map(|(name, _)| name.as_str()).collect();
        let q = match area {
            Some(_) => any_of(PROVIDER, &providers),
            None => format!("{UNSILENCED} NOT {}", alternatives(PROVIDER, &providers)),
        };
        ShownValue {
            text: text.to_owned(),
            value: by_day.iter().sum::<u64>() as f64,
            total: None,
            days: by_day,
            q: Some(q),
        }
    };
    let values = [
        value("Identity and Access", Some(Area::IdentityAndAccess)),
        value("Data and Kubernetes", Some(Area::DataAndKubernetes)),
        value("Everything else", None),
    ];
    let number = |value: &ShownValue| ShownElement {
        kind: ElementKind::Numeric,
        text: value.text.clone(),
        values: vec![ShownValue { days: Vec::new(), ..value.clone() }],
        from: from.to_string(),
    };
    let mut elements: Vec<ShownElement> = values.iter().map(number).collect();
    elements.push(ShownElement {
        kind: ElementKind::TimeSeries,
        text: "Findings by day".to_owned(),
        values: values.to_vec(),
        from: from.to_string(),
    });
    ShownCard {
        provider: "whodid".to_owned(),
        id: "activity-insights".to_owned(),
        title: "Activity Insights".to_owned(),
        subtitle: "What the rules found".to_owned(),
        badge_text: None,
        badge_image: None,
        requires_configuration: false,
        elements,
        q: UNSILENCED.to_owned(),
    }
}

fn alternatives(field: &str, values: &[&str]) -> String {
    if values.is_empty() {
        // Nothing is counted, and nothing is to be shown.
        return format!("(NOT {field}:* {field}:*)");
    }
    let each: Vec<String> = values.iter().map(|value| format!("{field}:==={}", whodid_query::quoted(value))).collect();
    format!("({})", each.join(" OR "))
}

fn any_of(field: &str, values: &[&str]) -> String {
    format!("{UNSILENCED} {}", alternatives(field, values))
}

/// The notes that clients made, with their providers.
async fn notes(app: &App, account: &AccountName) -> Result<Vec<(String, NoteWrite)>, Failure> {
    let documents = app.meta.documents(account, DocumentKind::Note).await?.into_iter();
    let read = |document: whodid_meta::Document| serde_json::from_value::<Stored<NoteWrite>>(document.body).ok();
    Ok(documents.filter_map(read).map(|stored| (stored.provider, stored.value)).collect())
}

/// What the numbers of custom cards are made of.
struct Numbers<'a> {
    now: Timestamp,
    starts: &'a [Timestamp],
    /// By provider and note name.
    days: &'a [Counted],
    /// By note name, of the last 24 hours and so on.
    ranges: &'a BTreeMap<i64, Counted>,
    occurrences: Vec<Occurrence>,
}

impl Numbers<'_> {
    fn value(&self, of: &ValueType, range: i64, is_series: bool) -> ShownValue {
        let from = self.now.plus_micros(-range * DAY_MICROS);
        match of {
            ValueType::FindingCount { finding_note_names, text } => {
                let names: BTreeSet<&str> = finding_note_names.iter().map(String::as_str).collect();
                let is_meant = |name: &str| names.contains(name);
                let listed: Vec<&str> = names.iter().copied().collect();
                let q = Some(any_of(NOTE_NAME, &listed));
                if !is_series {
                    let value = self.ranges.get(&range).map_or(0, |counted| counted.sum(0, is_meant));
                    return ShownValue { text: text.clone(), value: value as f64, total: None, days: Vec::new(), q };
                }
                let first = self.starts.len().saturating_sub(usize::try_from(range).unwrap_or(1));
                let day = |(at, counted): (usize, &Counted)| if at < first { 0 } else { counted.sum(1, is_meant) };
                let days: Vec<u64> = self.days.iter().enumerate().map(day).collect();
                let value = days.iter().sum::<u64>() as f64;
                ShownValue { text: text.clone(), value, total: None, days, q }
            }
            ValueType::Kpi { kpi_note_names, text } => {
                let meant = self.occurrences.iter().filter(|one| {
                    kpi_note_names.contains(&one.occurrence.note_name) && one.update_timestamp >= from.micros() / 1000
                });
                let kpis: Vec<_> = meant.filter_map(|one| one.occurrence.kpi.as_ref()).collect();
                let value = kpis.iter().map(|kpi| kpi.value).sum();
                let totals: Vec<f64> = kpis.iter().filter_map(|kpi| kpi.total).collect();
                let total = (!totals.is_empty()).then(|| totals.iter().sum());
                ShownValue { text: text.clone(), value, total, days: Vec::new(), q: None }
            }
        }
    }

    fn element(&self, element: &CardElement) -> ShownElement {
        let (kind, text, types, range) = match element {
            CardElement::Numeric { text, value_type, default_time_range } => {
                (ElementKind::Numeric, text, std::slice::from_ref(value_type), default_time_range)
            }
            CardElement::Breakdown { text, value_types, default_time_range } => {
                (ElementKind::Breakdown, text, value_types.as_slice(), default_time_range)
            }
            CardElement::TimeSeries { text, value_types, default_time_range, .. } => {
                (ElementKind::TimeSeries, text, value_types.as_slice(), default_time_range)
            }
        };
        let stated = range.as_deref().and_then(|range| range.strip_suffix('d')?.parse().ok());
        let range: i64 = stated.unwrap_or(CARD_DAYS_MAX).clamp(1, CARD_DAYS_MAX);
        let is_series = kind == ElementKind::TimeSeries;
        let from = match self.starts.len().checked_sub(usize::try_from(range).unwrap_or(1)) {
            Some(first) if is_series => self.starts.get(first).copied(),
            None if is_series => self.starts.first().copied(),
            _ => None,
        };
        ShownElement {
            kind,
            text: text.clone(),
            values: types.iter().map(|of| self.value(of, range, is_series)).collect(),
            from: from.unwrap_or_else(|| self.now.plus_micros(-range * DAY_MICROS)).to_string(),
        }
    }
}

fn custom_sections(notes: &[(String, NoteWrite)], numbers: &Numbers<'_>) -> Vec<CardSection> {
    let mut cards: BTreeMap<&str, Vec<(u8, &str, &NoteWrite)>> = BTreeMap::new();
    for (provider, note) in notes {
        if let Some(card) = &note.card {
            let order = card.order.unwrap_or(u8::MAX);
            cards.entry(card.section.as_str()).or_default().push((order, provider, note));
        }
    }
    let image = |title: &str| {
        let sections = notes.iter().filter(|(_, note)| note.kind == NoteKind::Section);
        let section = sections.filter_map(|(_, note)| note.section.as_ref()).find(|section| section.title == title)?;
        Some(section.image.clone()).filter(|image| !image.is_empty())
    };
    let shown = |(title, mut cards): (&str, Vec<(u8, &str, &NoteWrite)>)| {
        cards.sort_by(|one, other| (one.0, one.1, &one.2.id).cmp(&(other.0, other.1, &other.2.id)));
        let cards = cards.into_iter().filter_map(|(_, provider, note)| shown_card(provider, note, numbers)).collect();
        CardSection { title: title.to_owned(), image: image(title), cards }
    };
    cards.into_iter().map(shown).collect()
}

fn shown_card(provider: &str, note: &NoteWrite, numbers: &Numbers<'_>) -> Option<ShownCard> {
    let card = note.card.as_ref()?;
    let names: Vec<&str> = card.finding_note_names.iter().map(String::as_str).collect();
    Some(ShownCard {
        provider: provider.to_owned(),
        id: note.id.clone(),
        title: card.title.clone(),
        subtitle: card.subtitle.clone(),
        badge_text: card.badge_text.clone(),
        badge_image: card.badge_image.clone(),
        requires_configuration: card.requires_configuration,
        elements: card.elements.iter().map(|element| numbers.element(element)).collect(),
        q: any_of(NOTE_NAME, &names),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap().at
    }

    #[test]
    fn days_begin_at_midnight_where_the_reader_is_also_when_the_clock_is_changed() {
        let told = |zone: chrono_tz::Tz, now: &str, count| -> Vec<String> {
            day_starts(zone, at(now), count).iter().map(Timestamp::to_string).collect()
        };
        assert_eq!(
            told(chrono_tz::Europe::Berlin, "2026-03-30T00:30:00Z", 3),
            ["2026-03-27T23:00:00.000000Z", "2026-03-28T23:00:00.000000Z", "2026-03-29T22:00:00.000000Z"]
                .map(|text| at(text).to_string())
        );
        assert_eq!(
            told(chrono_tz::UTC, "2026-03-01T00:00:00Z", 2),
            ["2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"].map(|text| at(text).to_string())
        );
        // In Lebanon the clock goes from midnight to one.
        assert_eq!(
            told(chrono_tz::Asia::Beirut, "2026-03-29T12:00:00Z", 1),
            ["2026-03-28T22:00:00Z"].map(|text| at(text).to_string())
        );
    }
}
