//! Numbers: how many records match, over time, and by value.
//!
//! Each worker counts with small numbers for values (a dictionary column is looked at once a distinct
//! value); texts meet only when the workers' counts are added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::execution::memory_pool::MemoryReservation;
use futures::FutureExt;
use hashbrown::HashMap;
use whodid_lake::RawReader;
use whodid_lake::schema::column;
use whodid_model::field::Written;
use whodid_model::result::{DENIED, RESULTS, is_denied_code, is_denied_reason};
use whodid_model::{Field, Outcome, Timestamp};
use whodid_query::evaluate::{EventView, any_of_field_text};
use whodid_query::text::folded;
use whodid_query::walk::{Tree, encoded_tree};
use whodid_query::{RecordField, Target};

use crate::SearchError;
use crate::condition::{Condition, number_text};
use crate::part::{Form, Part, PartReader, Resources, all_columns, numbers, segment_bounds};
use crate::pool::Job;
use crate::selection::Selection;
use crate::template::ValuesAt;
use crate::view::RowView;

/// The most frequent values of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Top {
    /// Value and number, most frequent first, ties in text order.
    pub values: Vec<(String, u64)>,
    /// Number of the other values (of those with the prefix, when one was given).
    pub other: u64,
    /// Matching records without a value.
    pub missing: u64,
}

/// How many rows satisfy the condition.
pub(crate) async fn count(job: &Arc<Job>, condition: Condition) -> Result<u64, SearchError> {
    let mut known = 0;
    let mut unknown = Vec::new();
    for at in job.segments(&condition) {
        let segment = &job.snapshot.segments[at];
        if condition.is_always(&|column| segment_bounds(segment, column)) {
            known += segment.rows;
        } else {
            unknown.push(at);
        }
    }
    let mut parts = job.segment_parts(&unknown, &condition).await?;
    parts.extend(job.tail_parts(&condition));
    let counts = job
        .fold(parts, Arc::new(condition), |job, condition, _, part, count: &mut u64| {
            async move {
                let (selected, _) = select(job, condition, part, &[]).await?;
                *count += selected.count() as u64;
                Ok(())
            }
            .boxed()
        })
        .await?;
    Ok(known + counts.iter().sum::<u64>())
}

/// How many rows satisfy the condition in each bucket of time, by the values of `by`, which is not [`Target::Any`]; a
/// record counts once for each of its values.
pub(crate) async fn histogram(
    job: &Arc<Job>,
    condition: Condition,
    interval_micros: i64,
    by: Target,
    stream: &str,
) -> Result<Vec<(Timestamp, String, u64)>, SearchError> {
    let values = Values::of(&by, stream);
    let parts = job.parts(&condition).await?;
    let context = Arc::new((condition, values, interval_micros));
    let states = job
        .fold(parts, context, |job, context, _, part, bars: &mut Bars| {
            async move {
                let (condition, values, interval) = context;
                let mut columns = values.columns();
                columns.push(column::EVENT_TIME);
                let (selected, mut reader) = select(job, condition, part, &columns).await?;
                if selected.is_empty() {
                    return Ok(());
                }
                let rows = values.of_rows(&selected, &mut reader, &mut bars.names).await?;
                let times = reader.selected(column::EVENT_TIME, &selected).await?;
                bars.add(numbers(&times).unwrap_or(&[]), *interval, &rows);
                bars.bound(&job.resources)
            }
            .boxed()
        })
        .await?;
    let mut sums: BTreeMap<(i64, String), u64> = BTreeMap::new();
    for bars in states {
        for ((bucket, id), count) in &bars.counts {
            *sums.entry((*bucket, bars.names.text(*id).to_owned())).or_default() += count;
        }
    }
    Ok(sums.into_iter().map(|((bucket, value), count)| (Timestamp::from_micros(bucket), value, count)).collect())
}

/// The most frequent values of each target among the rows that satisfy the condition.
pub(crate) async fn tops(
    job: &Arc<Job>,
    condition: Condition,
    targets: Vec<Target>,
    limit: usize,
    prefix: Option<String>,
    stream: &str,
) -> Result<Vec<Top>, SearchError> {
    let values: Vec<Values> = targets.iter().map(|target| Values::of(target, stream)).collect();
    let wanted = values.len();
    let parts = job.parts(&condition).await?;
    let states = job
        .fold(parts, Arc::new((condition, values)), |job, context, _, part, tallies: &mut Vec<Tally>| {
            async move {
                let (condition, values) = context;
                tallies.resize_with(values.len(), Tally::default);
                let columns: Vec<usize> = values.iter().flat_map(Values::columns).collect();
                let (selected, mut reader) = select(job, condition, part, &columns).await?;
                if selected.is_empty() {
                    return Ok(());
                }
                for (values, tally) in values.iter().zip(tallies.iter_mut()) {
                    let rows = values.of_rows(&selected, &mut reader, &mut tally.names).await?;
                    tally.add(&rows);
                    tally.bound(&job.resources)?;
                }
                Ok(())
            }
            .boxed()
        })
        .await?;
    let mut sums: Vec<Tally> = Vec::new();
    sums.resize_with(wanted, Tally::default);
    for state in states {
        for (sum, tally) in sums.iter_mut().zip(state) {
            sum.merge(tally);
        }
    }
    let prefix = prefix.as_deref().map(folded);
    Ok(sums.into_iter().map(|sum| sum.top(limit, prefix.as_deref())).collect())
}

/// The rows of a part that satisfy the condition, and its reader with the cheap ones of `columns` read already.
async fn select<'a>(
    job: &'a Job,
    condition: &Condition,
    part: &'a Part,
    columns: &[usize],
) -> Result<(Selection, PartReader<'a>), SearchError> {
    job.resources.meter.scanned(part.rows());
    let mut reader = PartReader::new(part, &job.resources);
    let mut together = columns.to_vec();
    condition.columns(&mut together);
    reader.prepare(&together).await?;
    let selected = condition.select(Selection::all(part.rows()), &mut reader).await?;
    Ok((selected, reader))
}

/// Where the values of a row are.
#[derive(Debug, Clone)]
enum Values {
    Result,
    Text(usize),
    Number(usize, RecordField),
    Constant(String),
    None,
    /// Several in a row, by whatever way the search language finds them.
    Many(Target),
}

/// The values of the selected rows, as numbers.
enum RowValues {
    /// One a row, [`MISSING`] where there is none.
    One(Vec<u32>),
    /// Any number a row: those of row `n` are `ids[ends[n - 1]..ends[n]]`.
    Many { ids: Vec<u32>, ends: Vec<usize> },
}

const MISSING: u32 = u32::MAX;

impl Values {
    fn of(target: &Target, stream: &str) -> Self {
        match target {
            Target::Field(field) if field.written() == Written::Text => Self::Text(column::of(*field)),
            Target::Record(RecordField::Space) => Self::Text(column::SPACE),
            Target::Record(RecordField::Source) => Self::Text(column::SOURCE),
            Target::Record(RecordField::TimeSource) => Self::Text(column::TIME_SOURCE),
            Target::Record(RecordField::Result) => Self::Result,
            Target::Record(RecordField::Stream) => Self::Constant(stream.to_owned()),
            Target::Record(field @ RecordField::Offset) => Self::Number(column::OFFSET, *field),
            Target::Record(field @ RecordField::RecordedAt) => Self::Number(column::RECORDED_AT, *field),
            Target::Record(field @ RecordField::EventTime) => Self::Number(column::EVENT_TIME, *field),
            Target::Any => Self::None,
            Target::Field(_) | Target::Json { .. } | Target::Raw(_) => Self::Many(target.clone()),
        }
    }

    /// Columns to read together with those of the condition.
    fn columns(&self) -> Vec<usize> {
        match self {
            Self::Result => RESULT_COLUMNS.to_vec(),
            Self::Text(column) | Self::Number(column, _) => vec![*column],
            Self::Many(_) => vec![column::RAW_TEMPLATE],
            Self::Constant(_) | Self::None => Vec::new(),
        }
    }

    async fn of_rows(
        &self,
        selected: &Selection,
        reader: &mut PartReader<'_>,
        names: &mut Names,
    ) -> Result<RowValues, SearchError> {
        match self {
            Self::Result => results(selected, reader, names).await,
            Self::Text(column) => Ok(RowValues::One(names.of_texts(&reader.selected(*column, selected).await?))),
            Self::Number(column, field) => {
                let array = reader.selected(*column, selected).await?;
                let values = numbers(&array).unwrap_or(&[]);
                Ok(RowValues::One(values.iter().map(|value| names.id(&number_text(*field, *value))).collect()))
            }
            Self::Constant(text) => Ok(RowValues::One(vec![names.id(text); selected.count()])),
            Self::None => Ok(RowValues::One(vec![MISSING; selected.count()])),
            Self::Many(target) => many(target, selected, reader, names).await,
        }
    }
}

/// The columns that tell a record's result, but for failures whose code and type of reason do not tell that they are
/// refusals: of those the reason's text may.
pub(crate) const RESULT_COLUMNS: [usize; 3] = [
    column::FIELDS + Field::Outcome as usize,
    column::FIELDS + Field::ReasonCode as usize,
    column::FIELDS + Field::ReasonType as usize,
];

async fn results(
    selected: &Selection,
    reader: &mut PartReader<'_>,
    names: &mut Names,
) -> Result<RowValues, SearchError> {
    let ids = RESULTS.map(|result| names.id(result));
    let results = results_of_rows(selected, reader).await?;
    Ok(RowValues::One(results.into_iter().map(|result| ids[usize::from(result)]).collect()))
}

/// The result of each selected row, by its place in [`RESULTS`].
pub(crate) async fn results_of_rows(selected: &Selection, reader: &mut PartReader<'_>) -> Result<Vec<u8>, SearchError> {
    let place = |result: &str| RESULTS.iter().position(|known| *known == result).unwrap_or_default() as u8;
    let unknown = place(Outcome::Unknown.as_str());
    let (failure, denied) = (place(Outcome::Failure.as_str()), place(DENIED));
    let outcomes = reader.selected(RESULT_COLUMNS[0], selected).await?;
    let outcomes =
        classes(&outcomes, unknown, |text| Outcome::parse(text).map_or(unknown, |outcome| place(outcome.as_str())));
    let codes = reader.selected(RESULT_COLUMNS[1], selected).await?;
    let codes = classes(&codes, 0, |code| u8::from(is_denied_code(code)));
    let reasons = reader.selected(RESULT_COLUMNS[2], selected).await?;
    let reasons = classes(&reasons, 0, |reason| u8::from(is_denied_reason(reason)));
    let of_row = |row: usize| match outcomes[row].unwrap_or(unknown) {
        outcome if outcome == failure && (codes[row] == Some(1) || reasons[row] == Some(1)) => denied,
        outcome => outcome,
    };
    let mut results: Vec<u8> = (0..outcomes.len()).map(of_row).collect();
    let failed = selected.narrowed(&BooleanBuffer::collect_bool(results.len(), |row| results[row] == failure));
    if failed.is_empty() {
        return Ok(results);
    }
    let texts = reader.selected(column::of(Field::ReasonText), &failed).await?;
    let texts = classes(&texts, 0, |text| u8::from(is_denied_reason(text)));
    let mut told = texts.into_iter();
    for result in results.iter_mut().filter(|result| **result == failure) {
        if told.next() == Some(Some(1)) {
            *result = denied;
        }
    }
    Ok(results)
}

/// A small number for each row's text; `none` for a value of a dictionary that is null.
fn classes(array: &ArrayRef, none: u8, class: impl Fn(&str) -> u8) -> Vec<Option<u8>> {
    match array.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let by_key: Vec<u8> =
                dictionary.values().as_string::<i32>().iter().map(|text| text.map_or(none, &class)).collect();
            dictionary.keys().iter().map(|key| Some(by_key[key? as usize])).collect()
        }
        DataType::Utf8 => array.as_string::<i32>().iter().map(|text| text.map(&class)).collect(),
        _ => vec![None; array.len()],
    }
}

async fn many(
    target: &Target,
    selected: &Selection,
    reader: &mut PartReader<'_>,
    names: &mut Names,
) -> Result<RowValues, SearchError> {
    if let Target::Raw(path) = target {
        return at_path(target, path.as_str(), selected, reader, names).await;
    }
    let (mut ids, mut ends) = (Vec::new(), Vec::with_capacity(selected.count()));
    if let Target::Field(field) = target {
        let mut batches = reader.read(&[column::of(*field)], selected, Form::Plain).await?;
        while let Some(batch) = batches.next().await? {
            for text in batch.column(0).as_string::<i32>() {
                let mut of_row = Vec::new();
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    any_of_field_text(*field, text, &mut |leaf| note(leaf, names, &mut of_row));
                }
                ids.append(&mut distinct(of_row));
                ends.push(ids.len());
            }
        }
        return Ok(RowValues::Many { ids, ends });
    }
    by_row(target, selected, reader, names, &mut |mut of_row| {
        ids.append(&mut of_row);
        ends.push(ids.len());
    })
    .await?;
    Ok(RowValues::Many { ids, ends })
}

/// The values at a path of the raw text: templates that hold them themselves answer for all their rows.
async fn at_path(
    target: &Target,
    path: &str,
    selected: &Selection,
    reader: &mut PartReader<'_>,
    names: &mut Names,
) -> Result<RowValues, SearchError> {
    let told = ValuesAt::new(path);
    let mut of_template = |template: Option<&str>| {
        let values = told.of(template?)?;
        Some(distinct(values.iter().map(|value| names.id(value)).collect()))
    };
    // `None` where the whole event must be read.
    let mut known: Vec<Option<Vec<u32>>> = Vec::with_capacity(selected.count());
    reader
        .look_at(column::RAW_TEMPLATE, selected, &mut |templates| match templates.data_type() {
            DataType::Dictionary(..) => {
                let dictionary = templates.as_dictionary::<Int32Type>();
                let texts = dictionary.values().as_string::<i32>();
                let by_key: Vec<Option<Vec<u32>>> = texts.iter().map(&mut of_template).collect();
                known.extend(dictionary.keys().iter().map(|key| by_key[key? as usize].clone()));
            }
            DataType::Utf8 => known.extend(templates.as_string::<i32>().iter().map(&mut of_template)),
            _ => known.resize(known.len() + templates.len(), None),
        })
        .await?;
    let unknown = selected.narrowed(&BooleanBuffer::collect_bool(known.len(), |row| known[row].is_none()));
    if !unknown.is_empty() {
        let mut left = known.iter_mut().filter(|values| values.is_none());
        by_row(target, &unknown, reader, names, &mut |of_row| {
            if let Some(values) = left.next() {
                *values = Some(of_row);
            }
        })
        .await?;
    }
    let (mut ids, mut ends) = (Vec::new(), Vec::with_capacity(known.len()));
    for values in known {
        ids.extend(values.unwrap_or_default());
        ends.push(ids.len());
    }
    Ok(RowValues::Many { ids, ends })
}

/// Gives on the distinct values of each row, for which the whole event is read.
async fn by_row(
    target: &Target,
    selected: &Selection,
    reader: &mut PartReader<'_>,
    names: &mut Names,
    give: &mut (dyn FnMut(Vec<u32>) + Send),
) -> Result<(), SearchError> {
    let mut batches = reader.read(&all_columns(), selected, Form::Plain).await?;
    while let Some(batch) = batches.next().await? {
        let raws = RawReader::new(&batch);
        for row in 0..batch.num_rows() {
            let raw = raws.text(row);
            let view = RowView::new(&batch, row, raw.as_deref().unwrap_or_default(), "");
            let mut of_row = Vec::new();
            let mut visit = |leaf: &str| note(leaf, names, &mut of_row);
            match target {
                Target::Raw(path) => view.any_at(path.as_str(), &mut visit),
                Target::Json { field, path } => {
                    if let Some((text, node)) = view.field(*field).and_then(|text| Some((text, encoded_tree(text)?))) {
                        Tree::new(text, &node).any_at(path.as_str(), &mut visit);
                    }
                    view.any_at(&format!("{}.{path}", field.path()), &mut visit)
                }
                _ => false,
            };
            give(distinct(of_row));
        }
    }
    Ok(())
}

/// Takes a value and asks for the next.
fn note(leaf: &str, names: &mut Names, ids: &mut Vec<u32>) -> bool {
    ids.push(names.id(leaf));
    false
}

fn distinct(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Numbers for texts.
#[derive(Debug, Default)]
struct Names {
    ids: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    bytes: usize,
}

/// What a name takes beside its text: map slot, list slot, counts.
const NAME_BYTES: usize = 80;

impl Names {
    fn id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.bytes += text.len() + NAME_BYTES;
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    fn text(&self, id: u32) -> &str {
        if id == MISSING { "" } else { &self.texts[id as usize] }
    }

    fn of_texts(&mut self, array: &ArrayRef) -> Vec<u32> {
        match array.data_type() {
            DataType::Dictionary(..) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let texts = dictionary.values().as_string::<i32>();
                // Only texts that occur among the rows get a number.
                const UNSEEN: u32 = u32::MAX - 1;
                let mut by_key = vec![UNSEEN; texts.len()];
                let mut of_key = |key: Option<i32>| {
                    let Some(key) = key else { return MISSING };
                    let known = &mut by_key[key as usize];
                    if *known == UNSEEN {
                        let text = texts.value(key as usize);
                        *known = if text.is_empty() { MISSING } else { self.id(text) };
                    }
                    *known
                };
                dictionary.keys().iter().map(&mut of_key).collect()
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>().iter();
                texts.map(|text| text.filter(|text| !text.is_empty()).map_or(MISSING, |text| self.id(text))).collect()
            }
            _ => vec![MISSING; array.len()],
        }
    }
}

/// Counts by bucket and value.
#[derive(Debug, Default)]
struct Bars {
    names: Names,
    counts: HashMap<(i64, u32), u64>,
    memory: Option<MemoryReservation>,
}

impl Bars {
    fn add(&mut self, times: &[i64], interval: i64, rows: &RowValues) {
        let mut run = (0, MISSING, 0);
        let mut bucket_from = i64::MIN;
        let mut bucket_to = i64::MIN;
        let mut count = |time: i64, id: u32| {
            if !(bucket_from..bucket_to).contains(&time) {
                bucket_from = time.div_euclid(interval) * interval;
                bucket_to = bucket_from.saturating_add(interval);
            }
            if (run.0, run.1) != (bucket_from, id) {
                if run.2 > 0 {
                    *self.counts.entry((run.0, run.1)).or_default() += run.2;
                }
                run = (bucket_from, id, 0);
            }
            run.2 += 1;
        };
        match rows {
            RowValues::One(ids) => times.iter().zip(ids).for_each(|(time, id)| count(*time, *id)),
            RowValues::Many { ids, ends } => {
                let mut start = 0;
                for (time, end) in times.iter().zip(ends) {
                    match &ids[start..*end] {
                        [] => count(*time, MISSING),
                        ids => ids.iter().for_each(|id| count(*time, *id)),
                    }
                    start = *end;
                }
            }
        }
        if run.2 > 0 {
            *self.counts.entry((run.0, run.1)).or_default() += run.2;
        }
    }

    fn bound(&mut self, resources: &Resources) -> Result<(), SearchError> {
        bound(&mut self.memory, self.names.bytes + self.counts.len() * BAR_BYTES, resources)
    }
}

const BAR_BYTES: usize = 32;

/// Counts by value.
#[derive(Debug, Default)]
struct Tally {
    names: Names,
    counts: Vec<u64>,
    missing: u64,
    memory: Option<MemoryReservation>,
}

impl Tally {
    fn add(&mut self, rows: &RowValues) {
        self.counts.resize(self.names.texts.len(), 0);
        let ids = match rows {
            RowValues::One(ids) => ids,
            RowValues::Many { ids, ends } => {
                let mut start = 0;
                for end in ends {
                    self.missing += u64::from(start == *end);
                    start = *end;
                }
                ids
            }
        };
        for id in ids {
            match self.counts.get_mut(*id as usize) {
                Some(count) => *count += 1,
                None => self.missing += 1,
            }
        }
    }

    fn bound(&mut self, resources: &Resources) -> Result<(), SearchError> {
        bound(&mut self.memory, self.names.bytes, resources)
    }

    fn merge(&mut self, other: Self) {
        if self.names.texts.is_empty() {
            let missing = self.missing + other.missing;
            *self = Self { missing, ..other };
            return;
        }
        self.missing += other.missing;
        for (text, count) in other.names.texts.iter().zip(&other.counts) {
            let id = self.names.id(text) as usize;
            self.counts.resize(self.names.texts.len(), 0);
            self.counts[id] += count;
        }
    }

    fn top(self, limit: usize, prefix: Option<&str>) -> Top {
        let begins = |text: &str| prefix.is_none_or(|prefix| folded(text).starts_with(prefix));
        let mut values: Vec<(&Arc<str>, u64)> = self
            .names
            .texts
            .iter()
            .zip(self.counts.iter().copied())
            .filter(|(text, count)| *count > 0 && begins(text))
            .collect();
        let total: u64 = values.iter().map(|(_, count)| count).sum();
        let first = |a: &(&Arc<str>, u64), b: &(&Arc<str>, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0));
        if limit > 0 && values.len() > limit {
            values.select_nth_unstable_by(limit - 1, first);
        }
        values.truncate(limit);
        values.sort_unstable_by(first);
        let listed: u64 = values.iter().map(|(_, count)| count).sum();
        let values = values.into_iter().map(|(text, count)| (text.to_string(), count)).collect();
        Top { values, other: total - listed, missing: self.missing }
    }
}

fn bound(memory: &mut Option<MemoryReservation>, bytes: usize, resources: &Resources) -> Result<(), SearchError> {
    match memory {
        Some(memory) => {
            memory.try_resize(bytes).map_err(|_| SearchError::Memory { bound_bytes: resources.memory_bytes })
        }
        None => {
            *memory = Some(resources.reserve(bytes)?);
            Ok(())
        }
    }
}
