//! What rules would have found in what is stored: the very function that live detection runs, over a search for what
//! may concern the rules. Nothing is recorded and nobody is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::StreamExt;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccessScope, Field, StreamName, Timestamp};
use whodid_query::Expr;
use whodid_rules::{Hit, Place, RuleSet, SETTLE_MICROS, State, Unread};
use whodid_search::Order;

use crate::detect::{is_finding, sentence, subject};
use crate::engine::Engine;
use crate::error::Error;
use crate::read::{ReadRequest, search_error};
use crate::row::Row;

/// Samples of each kind.
const SAMPLES_MAX: usize = 20;
/// Actors that are told.
const ACTORS_MAX: usize = 10;
/// Actors that are counted; further ones are one.
const ACTORS_COUNTED_MAX: usize = 100_000;
/// Matches that two versions are compared by; beyond it only their numbers are.
const COMPARED_MAX: usize = 200_000;

/// What is to be tested, and on what.
#[derive(Debug)]
pub struct Backtest {
    /// The rules, with those that they refer to.
    pub rules: Arc<RuleSet>,
    /// Those to be compared with, such as the version that runs.
    pub compared: Option<Arc<RuleSet>>,
    /// The rule whose hits count; others only feed it.
    pub rule: String,
    /// Query, range, space and region; its stream is not looked at.
    pub request: ReadRequest,
    /// How long it may take; what is found until then is the answer.
    pub time_max: Duration,
}

/// Hits of a day, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BacktestDay {
    /// Matches and firings.
    pub matches: u64,
    /// Of these, what would have been findings.
    pub findings: u64,
}

/// One hit.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestSample {
    /// When.
    pub time: Timestamp,
    /// What happened, in a sentence.
    pub sentence: String,
    /// Who, where it is known.
    pub actor: Option<String>,
    /// Records that show it: `activity:42`, the newest last.
    pub evidence: Vec<String>,
    /// The exception that silences it.
    pub silenced_by: Option<String>,
}

/// How two versions differ.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BacktestDifference {
    /// Hits of both.
    pub both: u64,
    /// Hits of the tested version only.
    pub added: u64,
    /// Hits of the other version only.
    pub removed: u64,
    /// Some of the added ones.
    pub added_samples: Vec<BacktestSample>,
    /// Some of the removed ones.
    pub removed_samples: Vec<BacktestSample>,
}

/// What rules would have found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BacktestReport {
    /// Records that were read: those that may concern the rules.
    pub events_read: u64,
    /// Matches and firings.
    pub matches: u64,
    /// What would have been findings, after folding and exceptions.
    pub findings: u64,
    /// Matches that an exception silences.
    pub silenced: u64,
    /// By day since 1970, UTC; days without any are left out.
    pub days: BTreeMap<i64, BacktestDay>,
    /// Who did it most, with how often.
    pub actors: Vec<(String, u64)>,
    /// The first hits.
    pub samples: Vec<BacktestSample>,
    /// How the two versions differ; `None` where there is only one.
    pub difference: Option<BacktestDifference>,
    /// Where the time ran out: nothing after it was looked at.
    pub stopped_at: Option<Timestamp>,
    /// What correlations had to let go.
    pub drops: whodid_rules::Drops,
    /// How long it took.
    pub took: Duration,
}

impl Engine {
    /// Runs rules over what is stored, in the order of the events: of each stream that one of `scopes` is for.
    ///
    /// # Errors
    /// The range or the query cannot be read, or a part of the lake cannot.
    pub async fn backtest(&self, scopes: &[AccessScope], test: Backtest) -> Result<BacktestReport, Error> {
        let begun = Instant::now();
        let mut work = Work::new(&test);
        let mut required = test.rules.required().clone();
        if let Some(compared) = &test.compared {
            required = either(required, compared.required().clone());
        }
        let mut stopped_at = None;
        let mut until = None;
        let mut heads = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let Some(stream) = scope.stream() else { continue };
            let request = ReadRequest { stream: Some(stream.clone()), ..test.request.clone() };
            let mut view = self.view(scope, &request).await?;
            view.filter.before_offset = Some(view.snapshot.next_offset());
            view.filter.query.expr = Expr::and([required.clone(), view.filter.query.expr]);
            until = until.max(view.filter.to);
            let export = self.inner.searcher.export(&view.snapshot, &view.filter, Order::OldestFirst, None);
            let batches = export.map_err(search_error)?;
            heads.push(Head { stream: stream.clone(), batches, batch: None });
        }
        while let Some((stream, batch)) = next(&mut heads).await? {
            // CPU work: off the threads that answer requests.
            let (worked, last) = tokio::task::spawn_blocking(move || {
                let last = work.look(&batch, &stream);
                (work, last)
            })
            .await
            .map_err(|error| Error::internal("testing rules on what is stored", error))?;
            work = worked;
            if begun.elapsed() >= test.time_max {
                stopped_at = last;
                break;
            }
        }
        if stopped_at.is_none() {
            let now = (self.inner.options.clock)();
            // Judged as it was live: a while after the end.
            work.end(until.map_or(now, |until| until.plus_micros(SETTLE_MICROS).min(now)));
        }
        Ok(work.report(stopped_at, begun.elapsed()))
    }
}

/// A stream that is read, with what was read and not yet looked at.
struct Head<B> {
    stream: StreamName,
    batches: B,
    batch: Option<RecordBatch>,
}

/// The records that come next by the time of the event, of one stream.
async fn next<B>(heads: &mut [Head<B>]) -> Result<Option<(StreamName, RecordBatch)>, Error>
where
    B: futures::Stream<Item = Result<RecordBatch, whodid_search::SearchError>> + Unpin,
{
    for head in heads.iter_mut() {
        while head.batch.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
            match head.batches.next().await {
                Some(batch) => head.batch = Some(batch.map_err(search_error)?),
                None => {
                    head.batch = None;
                    break;
                }
            }
        }
    }
    let first = |head: &Head<B>| head.batch.as_ref().map(|batch| subject::event_time(batch, 0));
    let mut order: Vec<usize> = (0..heads.len()).filter(|index| heads[*index].batch.is_some()).collect();
    order.sort_by_key(|index| first(&heads[*index]));
    let Some(chosen) = order.first().copied() else { return Ok(None) };
    let other = order.get(1).and_then(|index| first(&heads[*index]));
    let head = &mut heads[chosen];
    let Some(batch) = head.batch.take() else { return Ok(None) };
    let rows = other.map_or(batch.num_rows(), |other| subject::rows_happened_until(&batch, other).max(1));
    if rows < batch.num_rows() {
        head.batch = Some(batch.slice(rows, batch.num_rows() - rows));
    }
    Ok(Some((head.stream.clone(), batch.slice(0, rows))))
}

fn either(one: Expr, other: Expr) -> Expr {
    if one == Expr::All || other == Expr::All { Expr::All } else { Expr::or([one, other]) }
}

/// One version at work.
struct Version {
    rules: Arc<RuleSet>,
    rule: Option<usize>,
    state: State,
    hits: Vec<Hit>,
}

impl Version {
    fn new(rules: &Arc<RuleSet>, id: &str) -> Self {
        Self {
            rule: rules.rules().iter().position(|rule| rule.meta.id == id),
            state: rules.new_state(),
            rules: Arc::clone(rules),
            hits: Vec::new(),
        }
    }
}

/// A hit is the same in two versions when it is of the same time and the same newest record.
type HitKey = (i64, String);

fn key_of(hit: &Hit) -> HitKey {
    let place = hit.evidence.last().map(|place| format!("{}:{}", place.stream, place.offset)).unwrap_or_default();
    (hit.time.micros(), place)
}

struct Work {
    tested: Version,
    compared: Option<Version>,
    report: BacktestReport,
    actors: HashMap<String, u64>,
    /// Hits of one version that the other has not had yet.
    only_tested: HashMap<HitKey, BacktestSample>,
    only_compared: HashMap<HitKey, BacktestSample>,
    both: u64,
    is_compared_in_full: bool,
    /// The latest time of an event so far.
    clock: Timestamp,
}

impl Work {
    fn new(test: &Backtest) -> Self {
        Self {
            tested: Version::new(&test.rules, &test.rule),
            compared: test.compared.as_ref().map(|compared| Version::new(compared, &test.rule)),
            report: BacktestReport::default(),
            actors: HashMap::new(),
            only_tested: HashMap::new(),
            only_compared: HashMap::new(),
            both: 0,
            is_compared_in_full: true,
            clock: Timestamp::default(),
        }
    }

    /// Takes records in; the event time of the last one.
    fn look(&mut self, batch: &RecordBatch, stream: &StreamName) -> Option<Timestamp> {
        let mut last = None;
        subject::each(batch, stream, &mut |row, event| {
            // Records come in the order of their events, so the clock is theirs: as if each had been taken in when it
            // happened. When it really came says nothing here; what was loaded years later would never be judged.
            self.clock = self.clock.max(row.event_time());
            let place = Place { recorded_at: self.clock, ..event.place.clone() };
            let event = &Unread { place: &place, ..*event };
            self.report.events_read += 1;
            last = Some(row.event_time());
            self.tested.rules.step(&mut self.tested.state, event, &mut self.tested.hits);
            if let Some(compared) = &mut self.compared {
                compared.rules.step(&mut compared.state, event, &mut compared.hits);
            }
            self.count(Some((row, stream)));
        });
        last
    }

    /// What is due when no more comes.
    fn end(&mut self, at: Timestamp) {
        self.tested.rules.tick(&mut self.tested.state, at, &mut self.tested.hits);
        if let Some(compared) = &mut self.compared {
            compared.rules.tick(&mut compared.state, at, &mut compared.hits);
        }
        self.count(None);
    }

    fn count(&mut self, row: Option<(Row<'_>, &StreamName)>) {
        let rule = self.tested.rule;
        let mut hits = std::mem::take(&mut self.tested.hits);
        for hit in hits.drain(..).filter(|hit| Some(hit.rule) == rule) {
            // What time completed has nothing to do with the record that came next.
            let row = row.as_ref().filter(|_| hit.by.is_some());
            let day = self.report.days.entry(hit.time.micros().div_euclid(MICROS_A_DAY)).or_default();
            day.matches += 1;
            self.report.matches += 1;
            let is_silenced = hit.silenced_by.is_some();
            if is_silenced {
                self.report.silenced += 1;
            } else if is_finding(&hit) {
                day.findings += 1;
                self.report.findings += 1;
            }
            if let Some(actor) = actor(&hit, row) {
                let is_full = self.actors.len() >= ACTORS_COUNTED_MAX;
                if !is_full || self.actors.contains_key(&actor) {
                    *self.actors.entry(actor).or_default() += 1;
                }
            }
            if self.report.samples.len() < SAMPLES_MAX {
                self.report.samples.push(sample(&self.tested.rules, &hit, row));
            }
            if self.compared.is_some() {
                self.compare(&hit, row, true);
            }
        }
        self.tested.hits = hits;
        let Some(compared) = &mut self.compared else { return };
        let rule = compared.rule;
        let hits = std::mem::take(&mut compared.hits);
        for hit in hits.into_iter().filter(|hit| Some(hit.rule) == rule) {
            let row = row.as_ref().filter(|_| hit.by.is_some());
            self.compare(&hit, row, false);
        }
    }

    fn compare(&mut self, hit: &Hit, row: Option<&(Row<'_>, &StreamName)>, is_tested: bool) {
        let key = key_of(hit);
        let (own, other) = match is_tested {
            true => (&mut self.only_tested, &mut self.only_compared),
            false => (&mut self.only_compared, &mut self.only_tested),
        };
        if other.remove(&key).is_some() {
            self.both += 1;
        } else if own.len() < COMPARED_MAX {
            let version = if is_tested { Some(&self.tested) } else { self.compared.as_ref() };
            if let Some(version) = version {
                own.insert(key, sample(&version.rules, hit, row));
            }
        } else {
            self.is_compared_in_full = false;
        }
    }

    fn report(mut self, stopped_at: Option<Timestamp>, took: Duration) -> BacktestReport {
        let mut actors: Vec<(String, u64)> = self.actors.into_iter().collect();
        actors.sort_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
        actors.truncate(ACTORS_MAX);
        let count = |only: &HashMap<HitKey, BacktestSample>| only.len() as u64;
        let difference = (self.compared.is_some() && self.is_compared_in_full).then(|| BacktestDifference {
            both: self.both,
            added: count(&self.only_tested),
            removed: count(&self.only_compared),
            added_samples: first(std::mem::take(&mut self.only_tested)),
            removed_samples: first(std::mem::take(&mut self.only_compared)),
        });
        BacktestReport { actors, difference, stopped_at, took, drops: self.tested.state.drops(), ..self.report }
    }
}

fn first(only: HashMap<HitKey, BacktestSample>) -> Vec<BacktestSample> {
    let mut samples: Vec<(HitKey, BacktestSample)> = only.into_iter().collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    samples.into_iter().take(SAMPLES_MAX).map(|(_, sample)| sample).collect()
}

fn actor(hit: &Hit, row: Option<&(Row<'_>, &StreamName)>) -> Option<String> {
    let of_row = row.and_then(|(row, _)| row.field(Field::InitiatorName).or_else(|| row.field(Field::InitiatorId)));
    of_row.map(str::to_owned).or_else(|| hit.group.first().map(|(_, value)| value.clone()))
}

fn sample(rules: &RuleSet, hit: &Hit, row: Option<&(Row<'_>, &StreamName)>) -> BacktestSample {
    BacktestSample {
        time: hit.time,
        sentence: sentence(&rules.rules()[hit.rule], hit, row),
        actor: actor(hit, row),
        evidence: hit.evidence.iter().map(|place| format!("{}:{}", place.stream, place.offset)).collect(),
        silenced_by: hit.silenced_by.clone(),
    }
}
