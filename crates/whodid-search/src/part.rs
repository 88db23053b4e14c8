//! A part of a snapshot (a batch in memory, or a row group of a segment) and reading its columns.
//!
//! Columns are named by their place in the stored schema (`whodid_lake::schema::column`). A column
//! comes as a dictionary where the file holds it as one, so that a test runs once a distinct value.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, take, take_record_batch};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use parquet::file::metadata::ColumnChunkMetaData;
use whodid_lake::schema::{column, stored_schema};
use whodid_lake::{Segment, TailBatch};

use crate::SearchError;
use crate::condition::trees_of;
use crate::opened::{Opened, unreadable};
use crate::selection::Selection;
use crate::stats::Meter;

/// Rows decoded at a time from columns that are read piecewise.
const CHUNK_ROWS: usize = 8192;
/// Decoded bytes of a batch that is aimed at: rows are few where they are large.
const BATCH_BYTES: usize = 8 << 20;
/// Decoded bytes of a piece that is looked at once and let go.
const LOOK_BYTES: usize = 512 << 10;
/// Expected bytes of a decoded value, for the memory bound, beside the size the file states.
const CODE_BYTES: usize = 8;

/// A batch in memory or a row group of a segment.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    rows: usize,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Memory(Arc<TailBatch>),
    Group { opened: Arc<Opened>, group: usize },
}

/// The forms in which text columns can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the stored schema says.
    Plain,
    /// As dictionaries where the file holds them so.
    Coded,
}

/// What reading takes beside the part: the bound on memory, and what is counted.
#[derive(Debug, Clone)]
pub(crate) struct Resources {
    pub(crate) memory: Arc<dyn MemoryPool>,
    pub(crate) memory_bytes: usize,
    pub(crate) meter: Arc<Meter>,
}

impl Resources {
    /// Takes `bytes` of the memory that all searches share, until what is returned is dropped.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<MemoryReservation, SearchError> {
        let reservation = MemoryConsumer::new("search").register(&self.memory);
        reservation.try_grow(bytes).map_err(|_| SearchError::Memory { bound_bytes: self.memory_bytes })?;
        Ok(reservation)
    }
}

impl Part {
    pub(crate) fn of_batch(batch: &Arc<TailBatch>) -> Self {
        Self { rows: batch.num_rows(), source: Source::Memory(batch.clone()) }
    }

    /// The row groups of a segment, in order of time.
    pub(crate) fn of_segment(opened: &Arc<Opened>) -> Vec<Self> {
        let groups = opened.metadata.row_groups().iter().enumerate();
        groups
            .map(|(group, metadata)| Self {
                rows: metadata.num_rows() as usize,
                source: Source::Group { opened: opened.clone(), group },
            })
            .collect()
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.source, Source::Memory(_))
    }

    /// Whether its rows are sorted by (event_time, offset).
    pub(crate) fn is_sorted(&self) -> bool {
        matches!(self.source, Source::Group { .. })
    }

    /// The rows in the order of (event_time, offset), where that is not the order in which they stand.
    pub(crate) fn by_time(&self) -> Option<&[u32]> {
        match &self.source {
            Source::Memory(batch) => Some(batch.by_time()),
            Source::Group { .. } => None,
        }
    }

    /// The row group and the segment it is of; `None` for rows in memory.
    pub(crate) fn group(&self) -> Option<(&Arc<Opened>, usize)> {
        match &self.source {
            Source::Memory(_) => None,
            Source::Group { opened, group } => Some((opened, *group)),
        }
    }

    /// Least and greatest value of a number or time column, if they are known without reading it.
    pub(crate) fn bounds(&self, column: usize) -> Option<RangeInclusive<i64>> {
        use parquet::file::statistics::Statistics;
        match &self.source {
            Source::Memory(batch) if column == column::EVENT_TIME => {
                let (least, most) = batch.event_time();
                Some(least.micros()..=most.micros())
            }
            Source::Memory(batch) => {
                let values = numbers(batch.column(column))?;
                match column {
                    // Rows in memory stand in offset order.
                    column::OFFSET => Some(*values.first()?..=*values.last()?),
                    _ => Some(*values.iter().min()?..=*values.iter().max()?),
                }
            }
            Source::Group { opened, group } => match opened.chunk(*group, column)?.statistics()? {
                Statistics::Int64(known) => Some(*known.min_opt()?..=*known.max_opt()?),
                _ => None,
            },
        }
    }

    /// Whether reading the whole column costs little: it is in memory, a number or a dictionary.
    pub(crate) fn is_cheap(&self, column: usize) -> bool {
        match &self.source {
            Source::Memory(_) => true,
            Source::Group { opened, .. } => {
                opened.is_coded(column) || !is_text(column) || opened.leaf(column).is_none()
            }
        }
    }

    /// Decoded bytes of these columns for a row, on average.
    pub(crate) fn row_bytes(&self, columns: &[usize]) -> usize {
        let bytes: usize = match &self.source {
            Source::Memory(batch) => {
                let of = |column: usize| batch.column(column).to_data().get_slice_memory_size().unwrap_or_default();
                columns.iter().map(|column| of(*column)).sum()
            }
            Source::Group { opened, group } => {
                let chunks = columns.iter().filter_map(|column| opened.chunk(*group, *column));
                // A dictionary's texts are stored once and decoded for each row; the file tells how much that is.
                let of = |chunk: &ColumnChunkMetaData| {
                    let stored = usize::try_from(chunk.uncompressed_size()).unwrap_or_default();
                    let decoded = chunk.unencoded_byte_array_data_bytes().and_then(|bytes| usize::try_from(bytes).ok());
                    decoded.unwrap_or_default().max(stored)
                };
                chunks.map(of).sum()
            }
        };
        bytes / self.rows.max(1) + columns.len() * CODE_BYTES
    }

    /// How many rows of these columns make a batch, `most` at most.
    pub(crate) fn rows_a_batch(&self, columns: &[usize], most: usize) -> usize {
        (BATCH_BYTES / self.row_bytes(columns).max(1)).clamp(1, most.max(1))
    }

    /// The selected rows of these columns, in batches that fit their processing; the schema is that of
    /// [`columns_schema`] but for dictionaries.
    pub(crate) async fn read(
        &self,
        columns: &[usize],
        selection: &Selection,
        form: Form,
        rows_a_batch: usize,
        resources: &Resources,
    ) -> Result<Batches, SearchError> {
        match &self.source {
            Source::Memory(batch) => {
                let batch = batch.project(columns).map_err(|error| SearchError::internal("choosing columns", error))?;
                let rows = (!selection.is_all()).then(|| UInt32Array::from(selection.positions()));
                Ok(Batches { state: State::Memory { batch, rows, at: 0, rows_a_batch }, memory: None })
            }
            Source::Group { opened, group } => {
                read_group(opened, *group, columns, selection, form, rows_a_batch, resources).await
            }
        }
    }
}

fn is_text(column: usize) -> bool {
    matches!(stored_schema().field(column).data_type(), DataType::Utf8 | DataType::Binary)
}

/// The stored schema's fields of these columns.
pub(crate) fn columns_schema(columns: &[usize]) -> SchemaRef {
    let stored = stored_schema();
    Arc::new(Schema::new(columns.iter().map(|column| stored.field(*column).clone()).collect::<Vec<_>>()))
}

async fn read_group(
    opened: &Arc<Opened>,
    group: usize,
    columns: &[usize],
    selection: &Selection,
    form: Form,
    rows_a_batch: usize,
    resources: &Resources,
) -> Result<Batches, SearchError> {
    let failed = |source| unreadable(&opened.path, source);
    let reader = match form {
        Form::Plain => &opened.plain,
        Form::Coded => &opened.coded,
    };
    let leaves: Vec<usize> = columns.iter().filter_map(|column| opened.leaf(*column)).collect();
    let order = Order::of(columns, opened, reader, form);
    if leaves.is_empty() {
        return Ok(Batches { state: State::Nulls { order, rows: selection.count(), rows_a_batch }, memory: None });
    }
    let mut builder = ParquetPushDecoderBuilder::new_with_metadata(reader.clone())
        .with_row_groups(vec![group])
        .with_projection(ProjectionMask::leaves(reader.parquet_schema(), leaves))
        .with_batch_size(rows_a_batch.clamp(1, selection.count().max(1)));
    if let Some(selected) = selection.row_selection() {
        builder = builder.with_row_selection(selected);
    }
    let mut decoder = builder.build().map_err(failed)?;
    let mut memory: Option<MemoryReservation> = None;
    loop {
        match decoder.try_next_reader().map_err(failed)? {
            DecodeResult::NeedsData(ranges) => {
                let bytes = ranges.iter().map(|range| (range.end - range.start) as usize).sum();
                match &memory {
                    Some(memory) => memory
                        .try_grow(bytes)
                        .map_err(|_| SearchError::Memory { bound_bytes: resources.memory_bytes })?,
                    None => memory = Some(resources.reserve(bytes)?),
                }
                let data = opened
                    .store
                    .get_ranges(&opened.path, &ranges)
                    .await
                    .map_err(|source| unreadable(&opened.path, source))?;
                decoder.push_ranges(ranges, data).map_err(failed)?;
            }
            DecodeResult::Data(reader) => {
                return Ok(Batches { state: State::Group { reader, order, opened: opened.clone() }, memory });
            }
            DecodeResult::Finished => return Ok(Batches { state: State::Done, memory: None }),
        }
    }
}

/// How the columns of a file become those that were asked for.
#[derive(Debug)]
struct Order {
    schema: SchemaRef,
    /// Column of the decoded batch; `None` when the file has no such column.
    places: Vec<Option<usize>>,
}

impl Order {
    fn of(columns: &[usize], opened: &Opened, reader: &ArrowReaderMetadata, form: Form) -> Self {
        let stored = stored_schema();
        let mut leaves: Vec<usize> = columns.iter().filter_map(|column| opened.leaf(*column)).collect();
        leaves.sort_unstable();
        leaves.dedup();
        let places = columns.iter().map(|column| leaves.binary_search(&opened.leaf(*column)?).ok()).collect();
        let fields: Vec<_> = columns
            .iter()
            .map(|column| {
                let field = stored.field(*column).clone();
                match (form, opened.leaf(*column)) {
                    (Form::Coded, Some(leaf)) => field.with_data_type(reader.schema().field(leaf).data_type().clone()),
                    _ => field,
                }
            })
            .collect();
        Self { schema: Arc::new(Schema::new(fields)), places }
    }

    fn arrange(&self, batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
        let rows = batch.num_rows();
        let mut columns = Vec::with_capacity(self.places.len());
        for (place, field) in self.places.iter().zip(self.schema.fields()) {
            columns.push(match place {
                Some(place) if batch.column(*place).data_type() == field.data_type() => batch.column(*place).clone(),
                Some(place) => cast(batch.column(*place), field.data_type())?,
                None => new_null_array(field.data_type(), rows),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}

/// Batches of one part, one after the other.
pub(crate) struct Batches {
    state: State,
    memory: Option<MemoryReservation>,
}

enum State {
    /// `rows`: those that are selected; all when not given.
    Memory {
        batch: RecordBatch,
        rows: Option<UInt32Array>,
        at: usize,
        rows_a_batch: usize,
    },
    Nulls {
        order: Order,
        rows: usize,
        rows_a_batch: usize,
    },
    Group {
        reader: ParquetRecordBatchReader,
        order: Order,
        opened: Arc<Opened>,
    },
    Done,
}

impl Batches {
    /// The next batch; gives other searches of the thread their turn first.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, SearchError> {
        // A search that was given up ends here, and one that ran too long.
        tokio::task::yield_now().await;
        match &mut self.state {
            State::Memory { batch, rows, at, rows_a_batch } => {
                let all = rows.as_ref().map_or(batch.num_rows(), Array::len);
                let count = (*rows_a_batch).min(all - *at);
                if count == 0 {
                    return Ok(None);
                }
                let start = *at;
                *at += count;
                match rows {
                    // Without a column it does not matter which rows these are.
                    _ if batch.num_columns() == 0 => Ok(Some(batch.slice(start, count))),
                    None => Ok(Some(batch.slice(start, count))),
                    Some(rows) => take_record_batch(batch, &rows.slice(start, count))
                        .map(Some)
                        .map_err(|error| SearchError::internal("choosing rows", error)),
                }
            }
            State::Nulls { order, rows, rows_a_batch } => {
                let count = (*rows_a_batch).min(*rows);
                if count == 0 {
                    return Ok(None);
                }
                *rows -= count;
                let options = RecordBatchOptions::new().with_row_count(Some(count));
                let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options);
                let batch = empty.and_then(|empty| order.arrange(&empty));
                batch.map(Some).map_err(|error| SearchError::internal("filling missing columns", error))
            }
            State::Group { reader, order, opened } => {
                let batch =
                    reader.next().transpose().and_then(|batch| batch.map(|batch| order.arrange(&batch)).transpose());
                batch.map_err(|source| unreadable(&opened.path, source))
            }
            State::Done => Ok(None),
        }
    }

    /// Takes more memory for what is made of the batches; given back with them.
    pub(crate) fn memory(&self) -> Option<&MemoryReservation> {
        self.memory.as_ref()
    }
}

/// Reads columns of one part for one search and keeps the cheap ones.
pub(crate) struct PartReader<'a> {
    pub(crate) part: &'a Part,
    pub(crate) resources: &'a Resources,
    whole: HashMap<usize, ArrayRef>,
    trees: HashMap<usize, BooleanBuffer>,
    memory: Vec<MemoryReservation>,
}

impl<'a> PartReader<'a> {
    pub(crate) fn new(part: &'a Part, resources: &'a Resources) -> Self {
        Self { part, resources, whole: HashMap::new(), trees: HashMap::new(), memory: Vec::new() }
    }

    /// Reads those of the columns that are cheap, all rows of them, in one request.
    pub(crate) async fn prepare(&mut self, columns: &[usize]) -> Result<(), SearchError> {
        let mut wanted: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|column| self.part.is_cheap(*column) && !self.whole.contains_key(column))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(());
        }
        if let Source::Memory(batch) = &self.part.source {
            self.whole.extend(wanted.into_iter().map(|column| (column, batch.column(column).clone())));
            return Ok(());
        }
        let rows = self.part.rows;
        self.memory.push(self.resources.reserve(rows * CODE_BYTES * wanted.len())?);
        let all = Selection::all(rows);
        // One batch of all rows: all pages of a column share one dictionary within a row group.
        let mut batches = self.part.read(&wanted, &all, Form::Coded, rows.max(1), self.resources).await?;
        let mut pieces = Vec::new();
        while let Some(batch) = batches.next().await? {
            pieces.push(batch);
        }
        for (place, column) in wanted.iter().enumerate() {
            let arrays: Vec<&dyn Array> = pieces.iter().map(|piece| piece.column(place).as_ref()).collect();
            let whole = match arrays.as_slice() {
                [] => new_null_array(stored_schema().field(*column).data_type(), 0),
                [_] => pieces[0].column(place).clone(),
                several => {
                    arrow::compute::concat(several).map_err(|error| SearchError::internal("joining a column", error))?
                }
            };
            self.whole.insert(*column, whole);
        }
        Ok(())
    }

    /// All rows of a cheap column.
    pub(crate) async fn whole(&mut self, column: usize) -> Result<ArrayRef, SearchError> {
        debug_assert!(self.part.is_cheap(column));
        self.prepare(&[column]).await?;
        Ok(self.whole[&column].clone())
    }

    /// One bit a row of a cheap column: whether its text may be JSON of more than a scalar. Worked out once.
    pub(crate) async fn trees(&mut self, column: usize) -> Result<BooleanBuffer, SearchError> {
        let whole = self.whole(column).await?;
        Ok(self.trees.entry(column).or_insert_with(|| trees_of(&whole)).clone())
    }

    /// The selected rows of a column, in the form that costs least.
    pub(crate) async fn selected(&mut self, column: usize, selection: &Selection) -> Result<ArrayRef, SearchError> {
        if self.part.is_cheap(column) {
            let whole = self.whole(column).await?;
            return compact(&whole, selection);
        }
        let mut batches = self.read(&[column], selection, Form::Coded).await?;
        let mut pieces: Vec<ArrayRef> = Vec::new();
        while let Some(batch) = batches.next().await? {
            if let Some(memory) = batches.memory() {
                memory
                    .try_grow(batch.get_array_memory_size())
                    .map_err(|_| SearchError::Memory { bound_bytes: self.resources.memory_bytes })?;
            }
            pieces.push(batch.column(0).clone());
        }
        if pieces.len() == 1 {
            return Ok(pieces.remove(0));
        }
        if pieces.is_empty() {
            return Ok(new_null_array(stored_schema().field(column).data_type(), 0));
        }
        let arrays: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        arrow::compute::concat(&arrays).map_err(|error| SearchError::internal("joining a column", error))
    }

    /// Shows `look` the selected rows of a column in pieces, in the form that costs least. Where the column must be
    /// decoded, a piece stays in the nearer caches between that and the look.
    pub(crate) async fn look_at(
        &mut self,
        column: usize,
        selection: &Selection,
        look: &mut (dyn FnMut(&ArrayRef) + Send),
    ) -> Result<(), SearchError> {
        if self.part.is_cheap(column) {
            look(&compact(&self.whole(column).await?, selection)?);
            return Ok(());
        }
        let rows = (LOOK_BYTES / self.part.row_bytes(&[column]).max(1)).clamp(1, CHUNK_ROWS);
        let mut batches = self.part.read(&[column], selection, Form::Coded, rows, self.resources).await?;
        while let Some(batch) = batches.next().await? {
            look(batch.column(0));
        }
        Ok(())
    }

    /// The selected rows of these columns, piecewise.
    pub(crate) async fn read(
        &self,
        columns: &[usize],
        selection: &Selection,
        form: Form,
    ) -> Result<Batches, SearchError> {
        let rows = self.part.rows_a_batch(columns, CHUNK_ROWS);
        self.part.read(columns, selection, form, rows, self.resources).await
    }
}

/// The selected rows of a whole column.
pub(crate) fn compact(whole: &ArrayRef, selection: &Selection) -> Result<ArrayRef, SearchError> {
    if selection.is_all() {
        return Ok(whole.clone());
    }
    let positions = UInt32Array::from(selection.positions());
    take(whole, &positions, None).map_err(|error| SearchError::internal("choosing rows", error))
}

/// The values of a number or time column.
pub(crate) fn numbers(array: &ArrayRef) -> Option<&[i64]> {
    match array.data_type() {
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(..) => Some(array.as_primitive_opt::<TimestampMicrosecondType>()?.values()),
        _ => None,
    }
}

/// Least and greatest value of a column of a segment, if the list of segments tells.
pub(crate) fn segment_bounds(segment: &Segment, column: usize) -> Option<RangeInclusive<i64>> {
    match column {
        column::EVENT_TIME => Some(segment.event_time.0.micros()..=segment.event_time.1.micros()),
        column::RECORDED_AT => Some(segment.recorded_at.0.micros()..=segment.recorded_at.1.micros()),
        column::OFFSET => Some(i64::try_from(segment.offsets.0.0).ok()?..=i64::try_from(segment.offsets.1.0).ok()?),
        _ => None,
    }
}

/// Every column of the stored schema.
pub(crate) fn all_columns() -> Vec<usize> {
    (0..column::COUNT).collect()
}
