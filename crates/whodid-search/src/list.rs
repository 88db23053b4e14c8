//! Rows in order: pages of a list, single records, neighbours by id.
//!
//! First the places of the rows are found, reading only what the condition needs and stopping as soon as
//! no older (newer) part can change the page; then the full rows of the page alone are read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::DataType;
use futures::FutureExt;
use futures::future::BoxFuture;
use whodid_lake::schema::{column, stored_schema};
use whodid_model::{Offset, Timestamp};

use crate::condition::{Condition, within};
use crate::part::{Form, Part, PartReader, all_columns, numbers};
use crate::pool::Job;
use crate::selection::Selection;
use crate::stats::Stats;
use crate::{Order, SearchError};

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// Full rows in order; their schema is `whodid_lake::stored_schema`.
    pub rows: Vec<RecordBatch>,
    /// Whether there are further rows after these; a page of large rows may be shorter than was asked for.
    pub more: bool,
    /// What the page cost.
    pub stats: Stats,
}

/// Rows looked at first, at the end of a part where the page begins; then ever more.
const WINDOW_ROWS: usize = 4096;
/// Bytes of the rows of a page at most, but for a single larger row; the rest is for the next page.
pub(crate) const PAGE_BYTES: usize = 32 << 20;
/// Most segments looked at together.
const WAVE_SEGMENTS_MAX: usize = 32;

/// Where a row is in the order.
pub(crate) type Key = (i64, i64);

/// A row that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: Key,
    part: usize,
    row: u32,
}

/// What a list looks for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) condition: Condition,
    pub(crate) order: Order,
    pub(crate) after: Option<Key>,
    pub(crate) limit: usize,
}

impl Wanted {
    /// `after`: the last row of the page before.
    pub(crate) fn new(condition: Condition, order: Order, after: Option<(Timestamp, Offset)>, limit: usize) -> Self {
        let after = after.map(|(time, offset)| (time.micros(), i64::try_from(offset.0).unwrap_or(i64::MAX)));
        let condition = match (after, order) {
            (None, _) => condition,
            (Some((time, _)), Order::NewestFirst) => within_times(condition, i64::MIN, time),
            (Some((time, _)), Order::OldestFirst) => within_times(condition, time, i64::MAX),
        };
        Self { condition, order, after, limit }
    }

    fn is_after(&self, key: Key) -> bool {
        match (self.after, self.order) {
            (None, _) => true,
            (Some(after), Order::NewestFirst) => key < after,
            (Some(after), Order::OldestFirst) => key > after,
        }
    }

    /// The first rows of those found, in order, and at most so many.
    fn keep_first(&self, places: &mut Vec<Place>, count: usize) {
        match self.order {
            Order::NewestFirst => places.sort_unstable_by_key(|place| Reverse(*place)),
            Order::OldestFirst => places.sort_unstable(),
        }
        places.truncate(count);
    }
}

/// Event times beyond which no row can be on the page any more, because enough rows before them were found.
#[derive(Debug)]
struct Floor {
    order: Order,
    /// The worst time that is still of use.
    time: AtomicI64,
}

impl Floor {
    fn new(order: Order) -> Self {
        let time = match order {
            Order::NewestFirst => i64::MIN,
            Order::OldestFirst => i64::MAX,
        };
        Self { order, time: AtomicI64::new(time) }
    }

    /// Notes that a page's worth of rows at this time or better was found.
    fn raise(&self, time: i64) {
        match self.order {
            Order::NewestFirst => self.time.fetch_max(time, Ordering::Relaxed),
            Order::OldestFirst => self.time.fetch_min(time, Ordering::Relaxed),
        };
    }

    /// The times that are still of use; `None` when all are.
    fn bounds(&self) -> Option<RangeInclusive<i64>> {
        let time = self.time.load(Ordering::Relaxed);
        match self.order {
            Order::NewestFirst => (time > i64::MIN).then_some(time..=i64::MAX),
            Order::OldestFirst => (time < i64::MAX).then_some(i64::MIN..=time),
        }
    }

    /// Whether a row with one of these times may be on the page.
    fn admits(&self, times: RangeInclusive<i64>) -> bool {
        self.bounds().is_none_or(|useful| times.end() >= useful.start() && times.start() <= useful.end())
    }
}

fn within_times(condition: Condition, least: i64, most: i64) -> Condition {
    Condition::and(vec![Condition::Within { column: column::EVENT_TIME, bounds: least..=most }, condition])
}

/// The rows of the page, and whether there are more.
pub(crate) async fn page(job: &Arc<Job>, wanted: Wanted) -> Result<(Vec<RecordBatch>, bool), SearchError> {
    let wanted = Arc::new(wanted);
    // One more than the page tells whether there is a next one.
    let count = wanted.limit.saturating_add(1);
    let floor = Arc::new(Floor::new(wanted.order));
    let mut tail = job.tail_parts(&wanted.condition);
    match wanted.order {
        Order::NewestFirst => {
            tail.sort_by_key(|part| Reverse(part.bounds(column::EVENT_TIME).map(|times| *times.end())))
        }
        Order::OldestFirst => tail.sort_by_key(|part| part.bounds(column::EVENT_TIME).map(|times| *times.start())),
    }
    // All at once: a batch that cannot change the page is left out when its turn comes.
    let mut found = find(job, &wanted, &tail, 0, count, &floor).await?;
    wanted.keep_first(&mut found, count);
    let mut parts = tail;

    let mut segments = job.segments(&wanted.condition);
    let times = |at: usize| job.snapshot.segments[at].event_time;
    match wanted.order {
        Order::NewestFirst => segments.sort_by_key(|at| Reverse(times(*at).1)),
        Order::OldestFirst => segments.sort_by_key(|at| times(*at).0),
    }
    let mut wave = job.shared.partitions.min(WAVE_SEGMENTS_MAX);
    let mut rest = segments.as_slice();
    while !rest.is_empty() {
        // A segment that only begins after the last row found cannot change the page.
        if let Some(last) = found.get(count - 1) {
            floor.raise(last.key.0);
        }
        let may_change = |at: usize| floor.admits(times(at).0.micros()..=times(at).1.micros());
        let useful = rest.iter().take(wave).take_while(|at| may_change(**at)).count();
        if useful == 0 {
            break;
        }
        let (now, later) = rest.split_at(useful);
        rest = later;
        wave = (wave * 2).min(WAVE_SEGMENTS_MAX);
        let more = job.segment_parts(now, &wanted.condition).await?;
        found.extend(find(job, &wanted, &more, parts.len(), count, &floor).await?);
        wanted.keep_first(&mut found, count);
        parts.extend(more);
    }
    let more = found.len() > wanted.limit;
    found.truncate(wanted.limit);
    let (rows, given) = fetch_bounded(job, &parts, &found).await?;
    Ok((rows, more || given < found.len()))
}

/// Every row that satisfies the condition, in the given order of place; for conditions that few rows satisfy.
pub(crate) async fn all(
    job: &Arc<Job>,
    condition: Condition,
    order: RowOrder,
    limit: usize,
) -> Result<Vec<RecordBatch>, SearchError> {
    let wanted = Arc::new(Wanted::new(condition, Order::OldestFirst, None, limit));
    let parts = job.parts(&wanted.condition).await?;
    let floor = Arc::new(Floor::new(wanted.order));
    let mut found = find(job, &wanted, &parts, 0, usize::MAX, &floor).await?;
    match order {
        RowOrder::Time => found.sort_unstable(),
        RowOrder::Offset => found.sort_unstable_by_key(|place| place.key.1),
        RowOrder::LatestOffset => found.sort_unstable_by_key(|place| Reverse(place.key.1)),
    }
    found.truncate(limit);
    Ok(fetch_bounded(job, &parts, &found).await?.0)
}

/// How rows that were asked for by name are ordered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowOrder {
    /// By event time, then offset.
    Time,
    /// By offset.
    Offset,
    /// By offset, latest first.
    LatestOffset,
}

#[derive(Default)]
struct Found {
    places: Vec<Place>,
}

/// The first `count` rows of each of these parts, which are numbered from `first_part` on.
async fn find(
    job: &Arc<Job>,
    wanted: &Arc<Wanted>,
    parts: &[Part],
    first_part: usize,
    count: usize,
    floor: &Arc<Floor>,
) -> Result<Vec<Place>, SearchError> {
    let context = Arc::new((wanted.clone(), first_part, count, floor.clone()));
    let states = job
        .fold(parts.to_vec(), context, |job, context, at, part, found: &mut Found| {
            let (wanted, first_part, count, floor) = context;
            find_in_part(job, wanted, first_part + at, part, *count, floor, found).boxed()
        })
        .await?;
    Ok(states.into_iter().flat_map(|state| state.places).collect())
}

async fn find_in_part(
    job: &Job,
    wanted: &Wanted,
    number: usize,
    part: &Part,
    count: usize,
    floor: &Floor,
    found: &mut Found,
) -> Result<(), SearchError> {
    if part.bounds(column::EVENT_TIME).is_some_and(|times| !floor.admits(times)) {
        return Ok(());
    }
    let mut reader = PartReader::new(part, &job.resources);
    let mut places = Vec::new();
    for window in windows(part, wanted.order, count) {
        let among = match part.by_time() {
            Some(rows) => Selection::of_rows(part.rows(), &rows[window]),
            None => Selection::range(part.rows(), window),
        };
        let among = match floor.bounds() {
            None => among,
            Some(bounds) => within(column::EVENT_TIME, &bounds, among, &mut reader).await?,
        };
        // Further windows are further from where the page begins.
        if among.is_empty() {
            break;
        }
        job.resources.meter.scanned(among.count());
        let selected = wanted.condition.select(among, &mut reader).await?;
        if selected.is_empty() {
            continue;
        }
        reader.prepare(&[column::EVENT_TIME, column::OFFSET]).await?;
        let (times, offsets) = (reader.whole(column::EVENT_TIME).await?, reader.whole(column::OFFSET).await?);
        let (times, offsets) = (of_numbers(&times)?, of_numbers(&offsets)?);
        for row in selected.positions() {
            let key = (times[row as usize], offsets[row as usize]);
            if wanted.is_after(key) {
                places.push(Place { key, part: number, row });
            }
        }
        // Windows go the way of the list: what comes later is further from its beginning.
        if places.len() >= count {
            break;
        }
    }
    wanted.keep_first(&mut places, count);
    if let Some(last) = count.checked_sub(1).and_then(|last| places.get(last)) {
        floor.raise(last.key.0);
    }
    found.places.append(&mut places);
    Ok(())
}

/// Ranges of rows, in order of time, in which a part is looked at.
fn windows(part: &Part, order: Order, count: usize) -> Vec<std::ops::Range<usize>> {
    let rows = part.rows();
    if count == usize::MAX {
        return std::iter::once(0..rows).collect();
    }
    let mut windows = Vec::new();
    let (mut seen, mut size) = (0, WINDOW_ROWS.max(count.min(rows)));
    while seen < rows {
        let size_now = size.min(rows - seen);
        windows.push(match order {
            Order::NewestFirst => rows - seen - size_now..rows - seen,
            Order::OldestFirst => seen..seen + size_now,
        });
        seen += size_now;
        size *= 4;
    }
    windows
}

fn of_numbers(array: &ArrayRef) -> Result<&[i64], SearchError> {
    numbers(array).ok_or_else(|| SearchError::internal("reading keys", "event_time or offset is no number"))
}

/// The full rows at these places, in their order, as many as fit into [`PAGE_BYTES`] and at least one; and how many.
async fn fetch_bounded(
    job: &Arc<Job>,
    parts: &[Part],
    places: &[Place],
) -> Result<(Vec<RecordBatch>, usize), SearchError> {
    let columns = all_columns();
    let numbers: BTreeSet<usize> = places.iter().map(|place| place.part).collect();
    let at_once = numbers.iter().map(|number| parts[*number].rows_a_batch(&columns, places.len())).min().unwrap_or(1);
    let (mut batches, mut given, mut bytes) = (Vec::new(), 0, 0);
    for some in places.chunks(at_once) {
        for batch in fetch(job, parts, some).await? {
            for row in 0..batch.num_rows() {
                bytes += row_bytes(&batch, row);
                if bytes > PAGE_BYTES && given + row > 0 {
                    if row > 0 {
                        batches.push(compacted(&batch.slice(0, row))?);
                    }
                    return Ok((batches, given + row));
                }
            }
            given += batch.num_rows();
            batches.push(batch);
        }
    }
    Ok((batches, given))
}

/// Bytes of the texts of a row.
fn row_bytes(batch: &RecordBatch, row: usize) -> usize {
    let of = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value_length(row) as usize,
        DataType::Binary => array.as_binary::<i32>().value_length(row) as usize,
        _ => 0,
    };
    batch.columns().iter().map(of).sum()
}

/// The rows of a slice without what else its buffers hold.
fn compacted(slice: &RecordBatch) -> Result<RecordBatch, SearchError> {
    let rows = UInt32Array::from_iter_values(0..slice.num_rows() as u32);
    take_record_batch(slice, &rows).map_err(|error| SearchError::internal("cutting a page", error))
}

#[derive(Default)]
struct Fetched {
    by_part: Vec<(usize, RecordBatch)>,
}

/// The full rows at these places, in their order.
async fn fetch(job: &Arc<Job>, parts: &[Part], places: &[Place]) -> Result<Vec<RecordBatch>, SearchError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows_by_part: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for place in places {
        rows_by_part.entry(place.part).or_default().push(place.row);
    }
    let mut selections = Vec::with_capacity(rows_by_part.len());
    for (number, rows) in &mut rows_by_part {
        rows.sort_unstable();
        let mut mask = vec![false; parts[*number].rows()];
        rows.iter().for_each(|row| mask[*row as usize] = true);
        selections.push(Selection::from_mask(mask.into()));
    }
    let wanted_parts: Vec<Part> = rows_by_part.keys().map(|number| parts[*number].clone()).collect();
    let states = job
        .fold(wanted_parts, Arc::new(selections), |job, selections, at, part, fetched: &mut Fetched| {
            fetch_of_part(job, part, &selections[at], at, fetched).boxed()
        })
        .await?;
    let mut batches: Vec<(usize, RecordBatch)> = states.into_iter().flat_map(|state| state.by_part).collect();
    batches.sort_by_key(|(at, _)| *at);
    let order_of_part: BTreeMap<usize, usize> =
        rows_by_part.keys().enumerate().map(|(at, number)| (*number, at)).collect();
    let indices: Vec<(usize, usize)> = places
        .iter()
        .map(|place| {
            let at = order_of_part[&place.part];
            let rows = &rows_by_part[&place.part];
            (at, rows.binary_search(&place.row).unwrap_or_default())
        })
        .collect();
    let sources: Vec<&RecordBatch> = batches.iter().map(|(_, batch)| batch).collect();
    let rows =
        interleave_record_batch(&sources, &indices).map_err(|error| SearchError::internal("ordering rows", error))?;
    Ok(vec![rows])
}

fn fetch_of_part<'a>(
    job: &'a Job,
    part: &'a Part,
    selection: &'a Selection,
    at: usize,
    fetched: &'a mut Fetched,
) -> BoxFuture<'a, Result<(), SearchError>> {
    async move {
        let columns = all_columns();
        let mut batches = part.read(&columns, selection, Form::Plain, selection.count(), &job.resources).await?;
        let mut pieces = Vec::new();
        while let Some(batch) = batches.next().await? {
            pieces.push(batch);
        }
        let whole = arrow::compute::concat_batches(&stored_schema(), &pieces)
            .map_err(|error| SearchError::internal("joining rows", error))?;
        fetched.by_part.push((at, whole));
        Ok(())
    }
    .boxed()
}
