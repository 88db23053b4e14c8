//! The searcher: the calls that make a search.

use std::path::PathBuf;
use std::time::Duration;

use arrow::array::RecordBatch;
use whodid_lake::Snapshot;
use whodid_lake::schema::column;
use whodid_model::{Field, Offset, Timestamp};
use whodid_query::{Target, Test};

use crate::aggregate::{self, Top};
use crate::condition::{Condition, TextTest};
use crate::export::{self, Export};
use crate::fields::{self, SeenField};
use crate::list::{self, Page, RowOrder, Wanted};
use crate::pool::Pool;
use crate::sql::{self, SqlAnswer, SqlLimits};
use crate::{Answer, Filter, Order, SearchError, Visible};

/// What a searcher is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes that all running searches may use together before SQL spills and others are refused.
    pub memory_bytes: usize,
    /// Where SQL may spill to; nowhere when not given.
    pub spill_dir: Option<PathBuf>,
    /// Longest a search may run, waiting for its turn included.
    pub timeout: Duration,
    /// Threads, and parts of a search that run at once.
    pub target_partitions: usize,
}

impl Default for Options {
    /// 256 MiB, 30 s, a thread for each processor.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_bytes: 256 << 20,
            spill_dir: None,
            timeout: Duration::from_secs(30),
            target_partitions: processors,
        }
    }
}

/// Searches snapshots, on threads and within bounds of its own. One serves a whole process.
#[derive(Debug)]
pub struct Searcher {
    pool: Pool,
}

impl Searcher {
    /// A searcher with its threads started.
    pub fn new(options: Options) -> Result<Self, SearchError> {
        Ok(Self { pool: Pool::new(&options)? })
    }

    /// Full rows in order, `limit` at most. `after`: the `(event_time, offset)` of the last row of the page
    /// before; with the same [`Filter::before_offset`] the pages together show each record once, however many
    /// arrive meanwhile.
    pub async fn list(
        &self,
        snapshot: &Snapshot,
        filter: &Filter,
        order: Order,
        after: Option<(Timestamp, Offset)>,
        limit: usize,
    ) -> Result<Page, SearchError> {
        let wanted = Wanted::new(Condition::of(filter), order, after, limit);
        let answer = self.pool.run(snapshot, |job| async move { list::page(&job, wanted).await }).await?;
        let (rows, more) = answer.value;
        Ok(Page { rows, more, stats: answer.stats })
    }

    /// Full rows with these offsets, in the order of offsets; those that are not there or not readable are left out.
    pub async fn get_by_offsets(
        &self,
        snapshot: &Snapshot,
        offsets: &[Offset],
        visible: &Visible,
    ) -> Result<Answer<Vec<RecordBatch>>, SearchError> {
        let mut values: Vec<i64> = offsets.iter().filter_map(|offset| i64::try_from(offset.0).ok()).collect();
        values.sort_unstable();
        values.dedup();
        let condition = Condition::and(vec![Condition::OneOf { column: column::OFFSET, values }, visible.condition()]);
        self.rows(snapshot, condition, RowOrder::Offset, usize::MAX).await
    }

    /// Full rows whose event id is exactly `id`, latest offset first, at most `limit`.
    pub async fn get_by_id(
        &self,
        snapshot: &Snapshot,
        id: &str,
        visible: &Visible,
        limit: usize,
    ) -> Result<Answer<Vec<RecordBatch>>, SearchError> {
        let condition = Condition::and(vec![equals(Field::Id, id), visible.condition()]);
        self.rows(snapshot, condition, RowOrder::LatestOffset, limit).await
    }

    /// Full rows that have one of these event ids or this correlation id, by event time, at most `limit`.
    pub async fn related(
        &self,
        snapshot: &Snapshot,
        ids: &[String],
        correlation_id: Option<&str>,
        visible: &Visible,
        limit: usize,
    ) -> Result<Answer<Vec<RecordBatch>>, SearchError> {
        let ids = ids.iter().map(|id| equals(Field::Id, id));
        let any = ids.chain(correlation_id.map(|id| equals(Field::CorrelationId, id))).collect();
        let condition = Condition::and(vec![Condition::Or(any), visible.condition()]);
        self.rows(snapshot, condition, RowOrder::Time, limit).await
    }

    async fn rows(
        &self,
        snapshot: &Snapshot,
        condition: Condition,
        order: RowOrder,
        limit: usize,
    ) -> Result<Answer<Vec<RecordBatch>>, SearchError> {
        self.pool.run(snapshot, move |job| async move { list::all(&job, condition, order, limit).await }).await
    }

    /// How many records match.
    pub async fn count(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Answer<u64>, SearchError> {
        let condition = Condition::of(filter);
        self.pool.run(snapshot, |job| async move { aggregate::count(&job, condition).await }).await
    }

    /// How many records match in each bucket of time, by value: `(start of the bucket, value, number)`, ascending,
    /// only what occurs. Buckets start at multiples of the interval since 1970; the value of records without one is "".
    pub async fn histogram(
        &self,
        snapshot: &Snapshot,
        filter: &Filter,
        interval_micros: i64,
        by: &Target,
    ) -> Result<Answer<Vec<(Timestamp, String, u64)>>, SearchError> {
        let (condition, by, stream) = (Condition::of(filter), by.clone(), filter.visible.stream().clone());
        self.pool
            .run(snapshot, move |job| async move {
                aggregate::histogram(&job, condition, interval_micros.max(1), by, stream.as_str()).await
            })
            .await
    }

    /// The most frequent values of a target. `prefix`: only values that begin so, whatever their case.
    pub async fn top(
        &self,
        snapshot: &Snapshot,
        filter: &Filter,
        target: &Target,
        limit: usize,
        prefix: Option<&str>,
    ) -> Result<Answer<Top>, SearchError> {
        let (condition, targets, stream) =
            (Condition::of(filter), vec![target.clone()], filter.visible.stream().clone());
        let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned);
        let answer = self
            .pool
            .run(snapshot, move |job| async move {
                aggregate::tops(&job, condition, targets, limit, prefix, stream.as_str()).await
            })
            .await?;
        let value = answer.value.into_iter().next().unwrap_or_default();
        Ok(Answer { value, stats: answer.stats })
    }

    /// The most frequent values of several targets, in one pass.
    pub async fn facets(
        &self,
        snapshot: &Snapshot,
        filter: &Filter,
        targets: &[Target],
        limit: usize,
    ) -> Result<Answer<Vec<Top>>, SearchError> {
        let (condition, targets, stream) = (Condition::of(filter), targets.to_vec(), filter.visible.stream().clone());
        self.pool
            .run(snapshot, move |job| async move {
                aggregate::tops(&job, condition, targets, limit, None, stream.as_str()).await
            })
            .await
    }

    /// The paths of the raw events of the newest `sample` readable records, with the kinds of their values.
    pub async fn fields_seen(
        &self,
        snapshot: &Snapshot,
        visible: &Visible,
        sample: usize,
    ) -> Result<Answer<Vec<SeenField>>, SearchError> {
        let wanted = Wanted::new(visible.condition(), Order::NewestFirst, None, sample);
        self.pool.run(snapshot, |job| async move { fields::seen(&job, wanted).await }).await
    }

    /// Every matching record in order, as batches of bounded size. `columns`: those of the stored schema by name, all
    /// when not given. No bound on the whole: whoever reads sets the pace; the time bound is on each batch.
    pub fn export(
        &self,
        snapshot: &Snapshot,
        filter: &Filter,
        order: Order,
        columns: Option<&[&str]>,
    ) -> Result<Export, SearchError> {
        export::start(&self.pool, snapshot, Condition::of(filter), order, columns)
    }

    /// The answer to one read-only statement over table `events`.
    pub async fn sql(
        &self,
        snapshot: &Snapshot,
        text: &str,
        visible: &Visible,
        limits: SqlLimits,
    ) -> Result<SqlAnswer, SearchError> {
        let text = text.to_owned();
        let visible = visible.condition();
        // Parsing too runs on the search's own threads: they have the stack for a deep statement.
        let answer = self
            .pool
            .run(snapshot, move |job| async move {
                let statement = sql::check(&text)?;
                sql::run(&job, statement, visible, limits).await
            })
            .await?;
        Ok(SqlAnswer { stats: answer.stats, ..answer.value })
    }
}

fn equals(field: Field, text: &str) -> Condition {
    if text.is_empty() {
        return Condition::Constant(false);
    }
    Condition::Text(TextTest::new(column::of(field), Test::exact(text, true)))
}
