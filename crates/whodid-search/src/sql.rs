//! Read-only SQL over table `events`.
//!
//! Three walls, each enough for itself: the statement's tree is checked against what is allowed
//! ([`guard`]); the session knows one table, no table function, no store and no statement that changes
//! anything; and answers are bounded in rows, memory and time.

mod allowed;
mod functions;
mod guard;
mod table;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;

pub(crate) use guard::check;

use crate::SearchError;
use crate::condition::Condition;
use crate::pool::Job;
use crate::stats::Stats;

/// Rows of an answer when nothing else is asked for, and at most.
pub const SQL_ROWS_MAX: usize = 10_000;
/// The one table.
pub(crate) const TABLE: &str = "events";

/// Rows that operators pass on together. What one operator makes of a batch is not counted before it is there.
const BATCH_ROWS: usize = 8192;

/// Bounds of one statement beside those of every search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlLimits {
    /// Rows given at most; beyond [`SQL_ROWS_MAX`] it counts as that.
    pub rows: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { rows: SQL_ROWS_MAX }
    }
}

/// The answer to a statement.
#[derive(Debug, Clone)]
pub struct SqlAnswer {
    /// Its columns. Texts are `Utf8View`.
    pub schema: SchemaRef,
    /// Its rows, in order.
    pub batches: Vec<RecordBatch>,
    /// Whether there were more rows than were allowed.
    pub truncated: bool,
    /// What it cost.
    pub stats: Stats,
}

pub(crate) async fn run(
    job: &Arc<Job>,
    statement: Statement,
    visible: Condition,
    limits: SqlLimits,
) -> Result<SqlAnswer, SearchError> {
    let failed = |error| told(error, job.resources.memory_bytes);
    job.shared.renew_spill();
    let state = session(job);
    let context = SessionContext::new_with_state(state.clone());
    let table = Arc::new(table::Events::new(job.clone(), visible));
    context.register_table(TABLE, table).map_err(failed)?;
    let plan = context.state().statement_to_plan(statement).await.map_err(failed)?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(failed)?;
    let rows_max = limits.rows.min(SQL_ROWS_MAX);
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    // One more than allowed tells whether there are more.
    let frame = frame.limit(0, Some(rows_max + 1)).map_err(failed)?;
    let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
    let mut stream = frame.execute_stream().await.map_err(failed)?;
    let held = job.resources.reserve(0)?;
    let mut batches = Vec::new();
    let (mut rows, mut truncated) = (0, false);
    while let Some(batch) = stream.next().await {
        let mut batch = batch.map_err(failed)?;
        if rows + batch.num_rows() > rows_max {
            batch = batch.slice(0, rows_max - rows);
            truncated = true;
        }
        rows += batch.num_rows();
        let batch = compacted(&batch).map_err(failed)?;
        held.try_grow(batch.get_array_memory_size())
            .map_err(|_| SearchError::Memory { bound_bytes: job.resources.memory_bytes })?;
        if batch.num_rows() > 0 {
            batches.push(batch);
        }
        if truncated {
            break;
        }
    }
    Ok(SqlAnswer { schema, batches, truncated, stats: Stats::default() })
}

/// A session that knows functions and nothing else.
fn session(job: &Job) -> SessionState {
    let config = SessionConfig::new()
        .with_target_partitions(job.shared.partitions)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true);
    let is_in = |names: &[&str], name: &str, aliases: &[String]| {
        names.contains(&name) || aliases.iter().any(|alias| names.contains(&alias.as_str()))
    };
    let mut scalars = SessionStateDefaults::default_scalar_functions();
    scalars.retain(|function| {
        function.name() != functions::CONCAT && is_in(&allowed::SCALARS, function.name(), function.aliases())
    });
    scalars.extend(functions::all());
    let mut aggregates = SessionStateDefaults::default_aggregate_functions();
    aggregates.retain(|function| {
        is_in(&allowed::AGGREGATES, function.name(), function.aliases())
            || is_in(&allowed::WINDOWS, function.name(), function.aliases())
    });
    let mut windows = SessionStateDefaults::default_window_functions();
    windows.retain(|function| is_in(&allowed::WINDOWS, function.name(), function.aliases()));
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, Arc::new(functions::BoundedJoin));
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(job.shared.environment.clone())
        .with_expr_planners(planners)
        .with_scalar_functions(scalars)
        .with_aggregate_functions(aggregates)
        .with_window_functions(windows)
        .build()
}

/// The batch without what its views leave out: a few short texts may point into large buffers.
fn compacted(batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let columns = batch.columns().iter().map(|array| match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()) as ArrayRef,
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()) as ArrayRef,
        _ => array.clone(),
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options)?)
}

/// What DataFusion says, for the writer of the statement.
fn told(error: DataFusionError, memory_bytes: usize) -> SearchError {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<SearchError>() {
            Ok(error) => *error,
            Err(other) => SearchError::internal("running a statement", other),
        },
        DataFusionError::Context(_, inner) => told(*inner, memory_bytes),
        error => match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => SearchError::Memory { bound_bytes: memory_bytes },
            DataFusionError::ArrowError(source, _) if is_spill_bound(source) => {
                SearchError::Spill { bound_bytes: memory_bytes }
            }
            // No statement is to blame for these, and they name paths of ours.
            DataFusionError::Internal(_) | DataFusionError::IoError(_) | DataFusionError::ExecutionJoin(_) => {
                SearchError::internal("running a statement", error)
            }
            DataFusionError::ArrowError(source, _) if matches!(**source, ArrowError::IoError(..)) => {
                SearchError::internal("running a statement", error)
            }
            root => SearchError::Sql { detail: sentence(&root.strip_backtrace()) },
        },
    }
}

/// Whether a write was refused because too much was spilled. DataFusion tells it as a text only, which names the
/// setting.
fn is_spill_bound(error: &ArrowError) -> bool {
    matches!(error, ArrowError::IoError(text, source)
        if source.raw_os_error().is_none() && text.contains("max_temp_directory_size"))
}

fn sentence(text: &str) -> String {
    const CHARS_MAX: usize = 500;
    text.chars().take(CHARS_MAX).collect()
}
