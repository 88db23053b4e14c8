//! The table that statements read: the readable rows of a snapshot, with the raw text and the result as columns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use whodid_lake::RawReader;
use whodid_lake::schema::{column, stored_schema};
use whodid_model::{Field, result_of};
use whodid_query::Test;

use crate::SearchError;
use crate::condition::{Condition, TextTest};
use crate::export::wrapped;
use crate::part::{Batches, Form, Part, PartReader, all_columns};
use crate::pool::Job;
use crate::selection::Selection;

/// Rows of a batch: what operators make of it is not counted before it is there.
const BATCH_ROWS: usize = 8192;
/// Rows of a batch with raw texts.
const RAW_BATCH_ROWS: usize = 4096;
/// The column that is rebuilt.
const RAW: &str = "raw";
/// The column that is made of [`RESULT_FIELDS`].
const RESULT: &str = "result";
/// Where the two stand among the table's columns.
const RAW_PLACE: usize = column::RAW_TEMPLATE;
const RESULT_PLACE: usize = RAW_PLACE + 1;
/// What tells a result.
const RESULT_FIELDS: [Field; 4] = [Field::Outcome, Field::ReasonCode, Field::ReasonType, Field::ReasonText];

/// Table `events` for one statement.
#[derive(Debug)]
pub(super) struct Events {
    job: Arc<Job>,
    visible: Condition,
    schema: SchemaRef,
}

impl Events {
    pub(super) fn new(job: Arc<Job>, visible: Condition) -> Self {
        Self { job, visible, schema: schema() }
    }
}

/// The stored columns but those of the raw text, and the raw text and the result.
fn schema() -> SchemaRef {
    let stored = stored_schema();
    let shown = stored.fields()[..column::RAW_TEMPLATE].iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            // An offset needs no table of time zones.
            DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            other => other.clone(),
        };
        ArrowField::new(field.name(), kind, field.is_nullable())
    });
    let made = [ArrowField::new(RAW, DataType::Utf8View, true), ArrowField::new(RESULT, DataType::Utf8View, false)];
    Arc::new(Schema::new(shown.chain(made).collect::<Vec<_>>()))
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        // Inexact: what is not asked of the parts, or more narrowly, DataFusion asks again.
        let of = |filter: &&Expr| match condition_of(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let mut all = vec![self.visible.clone()];
        all.extend(filters.iter().filter_map(condition_of));
        let condition = Condition::and(all);
        let columns: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema: SchemaRef = Arc::new(self.schema.project(&columns)?);
        let parts = self.job.parts(&condition).await.map_err(wrapped)?;
        let read = columns_to_read(&columns);
        let scan = Arc::new(Scan {
            job: self.job.clone(),
            condition,
            columns,
            read,
            schema: schema.clone(),
            parts,
            next: AtomicUsize::new(0),
        });
        let partitions = self.job.shared.partitions.min(scan.parts.len()).max(1);
        let streams =
            (0..partitions).map(|_| Arc::new(Share { scan: scan.clone() }) as Arc<dyn PartitionStream>).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, streams, None, [], false, limit)?))
    }
}

/// One reading of the table, shared by its partitions.
#[derive(Debug)]
struct Scan {
    job: Arc<Job>,
    condition: Condition,
    /// Columns of the table.
    columns: Vec<usize>,
    /// Stored columns that they are made of.
    read: Vec<usize>,
    schema: SchemaRef,
    parts: Vec<Part>,
    next: AtomicUsize,
}

/// A partition: takes the next part that no other has taken.
#[derive(Debug)]
struct Share {
    scan: Arc<Scan>,
}

impl PartitionStream for Share {
    fn schema(&self) -> &SchemaRef {
        &self.scan.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let scan = self.scan.clone();
        Box::pin(RecordBatchStreamAdapter::new(scan.schema.clone(), batches(scan)))
    }
}

/// The batches of the parts that this partition takes, one after the other.
fn batches(scan: Arc<Scan>) -> impl futures::Stream<Item = Result<RecordBatch, DataFusionError>> + Send {
    futures::stream::try_unfold((scan, None::<Batches>), |(scan, mut current)| async move {
        loop {
            if let Some(open) = &mut current
                && let Some(batch) = open.next().await.map_err(wrapped)?
            {
                return Ok(Some((scan.shown(&batch)?, (scan, current))));
            }
            let Some(part) = scan.parts.get(scan.next.fetch_add(1, Ordering::Relaxed)) else { return Ok(None) };
            current = scan.open(part).await.map_err(wrapped)?;
        }
    })
}

impl Scan {
    fn wants_raw(&self) -> bool {
        self.columns.contains(&RAW_PLACE)
    }

    async fn open(&self, part: &Part) -> Result<Option<Batches>, SearchError> {
        let resources = &self.job.resources;
        resources.meter.scanned(part.rows());
        let mut reader = PartReader::new(part, resources);
        let selected = self.condition.select(Selection::all(part.rows()), &mut reader).await?;
        if selected.is_empty() {
            return Ok(None);
        }
        let (form, most) = if self.wants_raw() { (Form::Plain, RAW_BATCH_ROWS) } else { (Form::Coded, BATCH_ROWS) };
        let rows = part.rows_a_batch(&self.read, most);
        Ok(Some(part.read(&self.read, &selected, form, rows, resources).await?))
    }

    /// A batch of the part as the table shows it.
    fn shown(&self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        let stored = |wanted: usize| {
            let place = self.read.binary_search(&wanted);
            place
                .map(|place| batch.column(place))
                .map_err(|_| DataFusionError::Internal("a column was not read".into()))
        };
        for (wanted, field) in self.columns.iter().zip(self.schema.fields()) {
            columns.push(match *wanted {
                RAW_PLACE => raw_texts(batch),
                RESULT_PLACE => {
                    let of =
                        |field: Field| Ok::<_, DataFusionError>(cast(stored(column::of(field))?, &DataType::Utf8)?);
                    let [outcome, code, kind, text] = RESULT_FIELDS;
                    results([of(outcome)?, of(code)?, of(kind)?, of(text)?])
                }
                wanted => cast(stored(wanted)?, field.data_type())?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// The stored columns that columns of the table are made of, ascending.
fn columns_to_read(columns: &[usize]) -> Vec<usize> {
    if columns.contains(&RAW_PLACE) {
        return all_columns();
    }
    let mut read: Vec<usize> = columns.iter().copied().filter(|wanted| *wanted < RAW_PLACE).collect();
    if columns.contains(&RESULT_PLACE) {
        read.extend(RESULT_FIELDS.map(column::of));
    }
    read.sort_unstable();
    read.dedup();
    read
}

/// The result of each row, of the texts of [`RESULT_FIELDS`].
fn results(texts: [ArrayRef; 4]) -> ArrayRef {
    let [outcomes, codes, kinds, texts] = texts.each_ref().map(|array| array.as_string::<i32>());
    let mut results = StringViewBuilder::with_capacity(outcomes.len());
    for row in 0..outcomes.len() {
        let [outcome, code, kind, text] = [outcomes, codes, kinds, texts].map(|array| text_of(array, row));
        results.append_value(result_of(outcome, code, kind, text));
    }
    Arc::new(results.finish())
}

fn text_of(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

fn raw_texts(batch: &RecordBatch) -> ArrayRef {
    let raws = RawReader::new(batch);
    let mut texts = StringViewBuilder::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        texts.append_option(raws.text(row));
    }
    Arc::new(texts.finish())
}

/// What a filter asks of the stored columns, or something that holds wherever it does; `None` when that is nothing.
fn condition_of(filter: &Expr) -> Option<Condition> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (condition_of(left), condition_of(right)) {
                (Some(left), Some(right)) => Some(Condition::and(vec![left, right])),
                (one, other) => one.or(other),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Condition::Or(vec![condition_of(left)?, condition_of(right)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => comparison(&column.name, *op, value),
            (Expr::Literal(value, _), Expr::Column(column)) => comparison(&column.name, op.swap()?, value),
            _ => None,
        },
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = list.expr.as_ref() else { return None };
            let one = |item: &Expr| match item {
                Expr::Literal(value, _) => comparison(&column.name, Operator::Eq, value),
                _ => None,
            };
            Some(Condition::Or(list.list.iter().map(one).collect::<Option<_>>()?))
        }
        Expr::Between(between) if !between.negated => {
            match (between.expr.as_ref(), between.low.as_ref(), between.high.as_ref()) {
                (Expr::Column(column), Expr::Literal(low, _), Expr::Literal(high, _)) => Some(Condition::and(vec![
                    comparison(&column.name, Operator::GtEq, low)?,
                    comparison(&column.name, Operator::LtEq, high)?,
                ])),
                _ => None,
            }
        }
        _ => None,
    }
}

fn comparison(name: &str, operator: Operator, value: &ScalarValue) -> Option<Condition> {
    let place = stored_schema().index_of(name).ok()?;
    if place >= column::RAW_TEMPLATE {
        return None;
    }
    let number = match value {
        ScalarValue::Int64(Some(number)) if place == column::OFFSET => *number,
        ScalarValue::TimestampMicrosecond(Some(micros), Some(_))
            if matches!(place, column::EVENT_TIME | column::RECORDED_AT) =>
        {
            *micros
        }
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            let is_text = *stored_schema().field(place).data_type() == DataType::Utf8;
            // The search language's tests pass no empty text.
            let can = is_text && operator == Operator::Eq && !text.is_empty();
            return can.then(|| Condition::Text(TextTest::new(place, Test::exact(text, true))));
        }
        _ => return None,
    };
    let bounds = match operator {
        Operator::Eq => number..=number,
        Operator::Lt => i64::MIN..=number.checked_sub(1)?,
        Operator::LtEq => i64::MIN..=number,
        Operator::Gt => number.checked_add(1)?..=i64::MAX,
        Operator::GtEq => number..=i64::MAX,
        _ => return None,
    };
    Some(Condition::Within { column: place, bounds })
}
