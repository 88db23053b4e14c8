//! Every matching row in order, as a stream that takes bounded memory.
//!
//! Parts whose times do not overlap are read one after the other, the next ones ahead; parts that do
//! overlap are merged. The rows in memory are sorted at the start.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{SortOptions, interleave_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use whodid_lake::Snapshot;
use whodid_lake::schema::{column, stored_schema};

use crate::condition::Condition;
use crate::part::{Form, Part, PartReader, columns_schema, numbers};
use crate::pool::{Job, Pool, broken};
use crate::selection::Selection;
use crate::stats::{Meter, Stats};
use crate::{Order, SearchError};

/// Rows of a batch at most.
const BATCH_ROWS: usize = 4096;
/// Rows of all batches that parts being merged hold ready, together; each holds at least [`BATCH_ROWS_MIN`].
const READY_ROWS: usize = 32 * 1024;
const BATCH_ROWS_MIN: usize = 64;
/// Batches that wait for their reader.
const WAITING_BATCHES: usize = 2;

/// Batches of matching rows in order. Dropping it ends the work.
#[derive(Debug)]
pub struct Export {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, SearchError>>,
    meter: Arc<Meter>,
    _tasks: JoinSet<()>,
}

impl Export {
    /// The columns of the batches, in the order asked for.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What it cost so far.
    pub fn stats(&self) -> Stats {
        self.meter.stats()
    }
}

impl Stream for Export {
    type Item = Result<RecordBatch, SearchError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(context)
    }
}

pub(crate) fn start(
    pool: &Pool,
    snapshot: &Snapshot,
    condition: Condition,
    order: Order,
    columns: Option<&[&str]>,
) -> Result<Export, SearchError> {
    let stored = stored_schema();
    let wanted: Vec<usize> = match columns {
        None => (0..column::COUNT).collect(),
        Some(names) => names
            .iter()
            .map(|name| stored.index_of(name))
            .collect::<Result<_, _>>()
            .map_err(|error| SearchError::internal("choosing the columns of an export", error))?,
    };
    let turn = pool.shared().export_turn()?;
    let job = pool.job(snapshot);
    let (sender, batches) = mpsc::channel(WAITING_BATCHES);
    let meter = job.resources.meter.clone();
    let schema = columns_schema(&wanted);
    let mut tasks = JoinSet::new();
    tasks.spawn_on(
        async move {
            let _turn = turn;
            if let Err(error) = run(&job, condition, order, wanted, &sender).await {
                // Nobody to tell it to is the same as nobody to send rows to.
                let _ = sender.send(Err(error)).await;
            }
        },
        pool.handle(),
    );
    Ok(Export { schema, batches, meter, _tasks: tasks })
}

/// What each part's reader needs to know.
#[derive(Debug)]
struct Plan {
    condition: Condition,
    order: Order,
    /// The wanted columns, and the keys where they are not among them.
    columns: Vec<usize>,
    schema: SchemaRef,
    /// Rows that a reader gives at a time when they are small, and that are given on when they are not.
    ready_rows: usize,
    rows_a_batch: usize,
}

async fn run(
    job: &Arc<Job>,
    condition: Condition,
    order: Order,
    wanted: Vec<usize>,
    sender: &mpsc::Sender<Result<RecordBatch, SearchError>>,
) -> Result<(), SearchError> {
    let parts = in_time(job, job.segment_parts(&job.segments(&condition), &condition)).await??;
    let tail = job.tail_parts(&condition);
    let mut columns = wanted.clone();
    columns.extend([column::EVENT_TIME, column::OFFSET].into_iter().filter(|key| !wanted.contains(key)));
    let chains = chains(parts, order);
    let ready = (READY_ROWS / (chains.len() + 1)).clamp(BATCH_ROWS_MIN, BATCH_ROWS);
    // What is merged may take from the part with the largest rows only.
    let all_parts = chains.iter().flatten().chain(&tail);
    let rows_a_batch = all_parts.map(|part| part.rows_a_batch(&columns, ready)).min().unwrap_or(ready);
    let schema = columns_schema(&columns);
    let plan = Arc::new(Plan { condition, order, columns, schema, ready_rows: ready, rows_a_batch });

    let mut streams = Vec::new();
    for chain in chains {
        streams.push(chain_stream(job, &plan, chain));
    }
    if !tail.is_empty() {
        streams.push(tail_stream(job, &plan, tail));
    }
    let keep: Vec<usize> = (0..wanted.len()).collect();
    let mut merged = merge(job, &plan, streams)?;
    loop {
        let Some(batch) = in_time(job, merged.next()).await? else { return Ok(()) };
        let batch = batch.map_err(unwrapped)?;
        if batch.num_rows() == 0 {
            continue;
        }
        let batch = batch.project(&keep).map_err(|error| SearchError::internal("choosing columns", error))?;
        if sender.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
}

/// Bounds the time of one step; how long the reader takes between two is not ours to bound.
async fn in_time<T>(job: &Job, step: impl Future<Output = T>) -> Result<T, SearchError> {
    let bound = job.shared.timeout;
    tokio::time::timeout(bound, step).await.map_err(|_| SearchError::Timeout { seconds: bound.as_secs_f64() })
}

/// Parts in sequences within which their times do not overlap.
fn chains(mut parts: Vec<Part>, order: Order) -> Vec<Vec<Part>> {
    let times =
        |part: &Part| part.bounds(column::EVENT_TIME).map_or((i64::MIN, i64::MAX), |bounds| bounds.into_inner());
    // Stable: row groups of one segment keep their order.
    parts.sort_by_key(times);
    let mut chains: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        let follows = |chain: &&mut Vec<Part>| {
            chain.last().is_some_and(|last| {
                let next_group = match (last.group(), part.group()) {
                    (Some((last, group)), Some((next, next_group))) => Arc::ptr_eq(last, next) && group < next_group,
                    _ => false,
                };
                next_group || times(last).1 < times(&part).0
            })
        };
        match chains.iter_mut().find(follows) {
            Some(chain) => chain.push(part),
            None => chains.push(vec![part]),
        }
    }
    if order == Order::NewestFirst {
        chains.iter_mut().for_each(|chain| chain.reverse());
    }
    chains
}

fn chain_stream(job: &Arc<Job>, plan: &Arc<Plan>, parts: Vec<Part>) -> SendableRecordBatchStream {
    let (job, plan, schema) = (job.clone(), plan.clone(), plan.schema.clone());
    let ahead = job.shared.partitions;
    let mut parts = parts.into_iter();
    let mut reading: VecDeque<Reading> = VecDeque::new();
    // Not `buffered`, which starts no further part while one that is ready is being taken.
    let batches = futures::stream::poll_fn(move |context| {
        loop {
            while reading.len() < ahead
                && let Some(part) = parts.next()
            {
                reading.push_back(Reading::start(&job, &plan, part));
            }
            let Some(first) = reading.front_mut() else { return Poll::Ready(None) };
            match std::task::ready!(first.poll_next(context)) {
                Some(batch) => return Poll::Ready(Some(batch.map_err(wrapped))),
                None => reading.pop_front(),
            };
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

/// A part that is being read. Dropping it ends that.
struct Reading {
    batches: mpsc::Receiver<Result<RecordBatch, SearchError>>,
    task: JoinSet<()>,
}

impl Reading {
    /// Must be called on the pool's runtime.
    fn start(job: &Arc<Job>, plan: &Arc<Plan>, part: Part) -> Self {
        let (job, plan) = (job.clone(), plan.clone());
        let (sender, batches) = mpsc::channel(WAITING_BATCHES);
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = read_part(&job, &plan, &part, &sender).await {
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { batches, task }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch, SearchError>>> {
        match std::task::ready!(self.batches.poll_recv(context)) {
            Some(batch) => Poll::Ready(Some(batch)),
            // A task that broke must not look like the end of its rows.
            None => match self.task.poll_join_next(context) {
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(broken(error)))),
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

async fn read_part(
    job: &Job,
    plan: &Plan,
    part: &Part,
    sender: &mpsc::Sender<Result<RecordBatch, SearchError>>,
) -> Result<(), SearchError> {
    job.resources.meter.scanned(part.rows());
    let mut reader = PartReader::new(part, &job.resources);
    let mut together = Vec::new();
    plan.condition.columns(&mut together);
    reader.prepare(&together).await?;
    let selected = plan.condition.select(Selection::all(part.rows()), &mut reader).await?;
    if selected.is_empty() {
        return Ok(());
    }
    drop(reader);
    let rows_a_batch = part.rows_a_batch(&plan.columns, plan.ready_rows);
    if plan.order == Order::OldestFirst {
        let mut batches = part.read(&plan.columns, &selected, Form::Plain, rows_a_batch, &job.resources).await?;
        while let Some(batch) = batches.next().await? {
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        return Ok(());
    }
    let mut end = part.rows();
    while end > 0 {
        // Whole pages, from the back.
        let start = end.saturating_sub(1) / rows_a_batch * rows_a_batch;
        let window = match Selection::range(part.rows(), start..end).mask() {
            None => selected.clone(),
            Some(mask) => selected.and(mask),
        };
        end = start;
        if window.is_empty() {
            continue;
        }
        let mut batches = part.read(&plan.columns, &window, Form::Plain, window.count(), &job.resources).await?;
        let mut pieces = Vec::new();
        while let Some(batch) = batches.next().await? {
            pieces.push(batch);
        }
        for batch in pieces.into_iter().rev() {
            let backwards = UInt32Array::from_iter_values((0..batch.num_rows() as u32).rev());
            let batch =
                take_record_batch(&batch, &backwards).map_err(|error| SearchError::internal("ordering rows", error))?;
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn tail_stream(job: &Arc<Job>, plan: &Arc<Plan>, parts: Vec<Part>) -> SendableRecordBatchStream {
    let (job, plan, schema) = (job.clone(), plan.clone(), plan.schema.clone());
    let rows_a_batch = plan.rows_a_batch;
    let start = async move {
        let mut batches = Vec::with_capacity(parts.len());
        let mut rows: Vec<((i64, i64), usize, usize)> = Vec::new();
        for part in &parts {
            job.resources.meter.scanned(part.rows());
            let mut reader = PartReader::new(part, &job.resources);
            let selected = plan.condition.select(Selection::all(part.rows()), &mut reader).await?;
            let times = reader.whole(column::EVENT_TIME).await?;
            let offsets = reader.whole(column::OFFSET).await?;
            let (times, offsets) = (numbers(&times).unwrap_or(&[]), numbers(&offsets).unwrap_or(&[]));
            for row in selected.positions() {
                let row = row as usize;
                rows.push(((times[row], offsets[row]), batches.len(), row));
            }
            let mut whole = part
                .read(&plan.columns, &Selection::all(part.rows()), Form::Plain, part.rows(), &job.resources)
                .await?;
            batches.extend(whole.next().await?);
        }
        rows.sort_unstable();
        if plan.order == Order::NewestFirst {
            rows.reverse();
        }
        let places: Vec<(usize, usize)> = rows.into_iter().map(|(_, batch, row)| (batch, row)).collect();
        Ok::<_, SearchError>((batches, places))
    };
    let stream = futures::stream::once(start).flat_map(move |sorted| match sorted {
        Err(error) => futures::stream::iter(vec![Err(wrapped(error))]).boxed(),
        Ok((batches, places)) => {
            let chunks: Vec<Vec<(usize, usize)>> = places.chunks(rows_a_batch).map(<[_]>::to_vec).collect();
            futures::stream::iter(chunks)
                .map(move |places| {
                    let sources: Vec<&RecordBatch> = batches.iter().collect();
                    interleave_record_batch(&sources, &places).map_err(DataFusionError::from)
                })
                .boxed()
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}

fn merge(
    job: &Arc<Job>,
    plan: &Plan,
    mut streams: Vec<SendableRecordBatchStream>,
) -> Result<SendableRecordBatchStream, SearchError> {
    if streams.len() == 1 {
        return Ok(streams.remove(0));
    }
    if streams.is_empty() {
        return Ok(Box::pin(RecordBatchStreamAdapter::new(plan.schema.clone(), futures::stream::empty())));
    }
    let options = SortOptions { descending: plan.order == Order::NewestFirst, nulls_first: false };
    let key = |wanted: usize| {
        let place = plan.columns.iter().position(|column| *column == wanted).expect("keys are among the columns");
        let name = stored_schema().field(wanted).name().clone();
        PhysicalSortExpr::new(Arc::new(Column::new(&name, place)), options)
    };
    let ordering = LexOrdering::new([key(column::EVENT_TIME), key(column::OFFSET)]).expect("two keys are an ordering");
    StreamingMergeBuilder::new()
        .with_streams(streams)
        .with_schema(plan.schema.clone())
        .with_expressions(&ordering)
        .with_metrics(BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0))
        .with_batch_size(plan.rows_a_batch)
        .with_reservation(job.resources.reserve(0)?)
        .build()
        .map_err(|error| SearchError::internal("merging parts", error))
}

/// A search's error on its way through DataFusion.
pub(crate) fn wrapped(error: SearchError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A search's error back from DataFusion, or DataFusion's own.
pub(crate) fn unwrapped(error: DataFusionError) -> SearchError {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<SearchError>() {
            Ok(error) => *error,
            Err(other) => SearchError::internal("merging rows", other),
        },
        other => SearchError::internal("merging rows", other),
    }
}
