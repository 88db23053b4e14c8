//! A filter as conditions on columns, and the rows of a part that satisfy one.
//!
//! Conditions are tested on the rows still in question only, cheap ones first, so that an expensive
//! column is read for few rows. Each gives exactly the rows of which `whodid_query` says so.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int32Type};
use futures::FutureExt;
use futures::future::BoxFuture;
use whodid_lake::schema::column;
use whodid_model::result::RESULTS;
use whodid_model::{Field, Timestamp};
use whodid_query::{Comparison, Expr, Operand, RecordField, Target, Term, Test, ast::TimePoint};

use crate::aggregate::{RESULT_COLUMNS, results_of_rows};
use crate::event::{EventTest, JsonTest};
use crate::finder::Finder;
use crate::part::{Form, Part, PartReader, numbers};
use crate::selection::Selection;
use crate::{Filter, SearchError};

/// What a row must satisfy.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// Every row.
    Always,
    /// All of these.
    And(Vec<Condition>),
    /// At least one of these.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A number or time within bounds, both held.
    Within { column: usize, bounds: RangeInclusive<i64> },
    /// A number among these, which ascend.
    OneOf { column: usize, values: Vec<i64> },
    /// An event of a space of these names, or of any; or one of no space.
    InSpaces { names: Option<Vec<String>>, account_events: bool },
    /// A test on a text column.
    Text(TextTest),
    /// A test on what the search language takes for the text of a number or time column.
    Number { column: usize, field: RecordField, test: Test },
    /// A test on how it ended: which of [`RESULTS`] pass.
    Results([bool; RESULTS.len()]),
    /// A test on the same text for every row.
    Constant(bool),
    /// A test on the leaves of a JSON column.
    Json(JsonTest),
    /// A test on the whole event.
    Event(Box<EventTest>),
}

/// A test on a text column.
#[derive(Debug, Clone)]
pub(crate) struct TextTest {
    pub(crate) column: usize,
    pub(crate) test: Test,
    finder: Option<Box<Finder>>,
}

impl TextTest {
    pub(crate) fn new(column: usize, test: Test) -> Self {
        Self { column, finder: Finder::of(&test).map(Box::new), test }
    }

    /// The text that a row must equal, when that is the test.
    fn equal_to(&self) -> Option<&str> {
        match &self.test {
            Test::Exact { text, case_sensitive: true } => Some(text),
            _ => None,
        }
    }

    /// The rows whose text passes, and those whose text is JSON of more than a scalar: its leaves may be values
    /// of the raw event.
    pub(crate) async fn select_values(
        &self,
        among: Selection,
        reader: &mut PartReader<'_>,
    ) -> Result<(Selection, Selection), SearchError> {
        if reader.part.is_cheap(self.column) {
            if is_small_share(&among) {
                let some = reader.selected(self.column, &among).await?;
                return Ok((among.narrowed(&self.rows(&some)), among.narrowed(&trees_of(&some))));
            }
            let whole = reader.whole(self.column).await?;
            let trees = reader.trees(self.column).await?;
            return Ok((among.and(&self.rows(&whole)), among.and(&trees)));
        }
        let mut batches = reader.read(&[self.column], &among, Form::Coded).await?;
        let mut passed = BooleanBufferBuilder::new(among.count());
        let mut trees = BooleanBufferBuilder::new(among.count());
        while let Some(batch) = batches.next().await? {
            passed.append_buffer(&self.rows(batch.column(0)));
            trees.append_buffer(&trees_of(batch.column(0)));
        }
        Ok((among.narrowed(&passed.finish()), among.narrowed(&trees.finish())))
    }

    /// One bit a row of `array`.
    pub(crate) fn rows(&self, array: &ArrayRef) -> BooleanBuffer {
        test_rows(array, self.finder.as_deref(), |text| self.test.matches(text))
    }
}

impl Condition {
    /// The condition of a whole filter.
    pub(crate) fn of(filter: &Filter) -> Self {
        let stream = filter.visible.stream().as_str();
        let mut all = vec![
            times(column::EVENT_TIME, filter.from, filter.to),
            times(column::RECORDED_AT, filter.recorded_from, filter.recorded_to),
        ];
        if let Some(before) = filter.before_offset {
            // No record has an offset beyond i64::MAX.
            let most = i64::try_from(before.0).unwrap_or(i64::MAX).saturating_sub(1);
            all.push(Self::Within { column: column::OFFSET, bounds: i64::MIN..=most });
        }
        all.push(filter.visible.condition());
        if let Some(region) = &filter.region {
            all.push(Self::Text(TextTest::new(column::of(Field::Region), Test::exact(region, true))));
        }
        all.push(Self::of_expr(&filter.query.expr, stream));
        Self::and(all)
    }

    /// All of `members`.
    pub(crate) fn and(members: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for member in members {
            match member {
                Self::Always => {}
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Always,
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// Any of `members`; of none: no row.
    pub(crate) fn or(mut members: Vec<Self>) -> Self {
        match members.len() {
            0 => Self::Constant(false),
            1 => members.remove(0),
            _ => Self::Or(members),
        }
    }

    pub(crate) fn of_expr(expr: &Expr, stream: &str) -> Self {
        match expr {
            Expr::All => Self::Always,
            Expr::And(members) => Self::and(members.iter().map(|member| Self::of_expr(member, stream)).collect()),
            Expr::Or(members) => Self::Or(members.iter().map(|member| Self::of_expr(member, stream)).collect()),
            Expr::Not(member) => Self::Not(Box::new(Self::of_expr(member, stream))),
            Expr::Term(term) => Self::of_term(term, stream),
        }
    }

    fn of_term(term: &Term, stream: &str) -> Self {
        let test = term.test.clone();
        match &term.target {
            Target::Field(field @ (Field::RequestData | Field::ResponseData)) => {
                Self::Json(JsonTest::new(*field, term))
            }
            Target::Field(field) => Self::Text(TextTest::new(column::of(*field), test)),
            Target::Record(RecordField::Space) => Self::Text(TextTest::new(column::SPACE, test)),
            Target::Record(RecordField::Source) => Self::Text(TextTest::new(column::SOURCE, test)),
            Target::Record(RecordField::TimeSource) => Self::Text(TextTest::new(column::TIME_SOURCE, test)),
            Target::Record(RecordField::Result) => Self::Results(RESULTS.map(|result| test.matches(result))),
            Target::Record(RecordField::Stream) => Self::Constant(test.matches(stream)),
            Target::Record(field @ RecordField::Offset) => Self::number(column::OFFSET, *field, test),
            Target::Record(field @ RecordField::RecordedAt) => Self::number(column::RECORDED_AT, *field, test),
            Target::Record(field @ RecordField::EventTime) => Self::number(column::EVENT_TIME, *field, test),
            Target::Any | Target::Raw(_) | Target::Json { .. } => Self::Event(Box::new(EventTest::new(term))),
        }
    }

    fn number(column: usize, field: RecordField, test: Test) -> Self {
        if let Test::Compare(comparisons) = &test
            && let Some(bounds) = bounds_of(comparisons, field.is_time())
        {
            return Self::Within { column, bounds };
        }
        if let Test::Prefix { text, .. } = &test
            && field.is_time()
            && let Some(bounds) = times_of_prefix(&test, text)
        {
            return Self::Within { column, bounds };
        }
        Self::Number { column, field, test }
    }

    /// Columns that are read for every row in question, for reading the cheap ones together.
    pub(crate) fn columns(&self, into: &mut Vec<usize>) {
        match self {
            Self::Always | Self::Constant(_) => {}
            Self::And(members) | Self::Or(members) => members.iter().for_each(|member| member.columns(into)),
            Self::Not(member) => member.columns(into),
            Self::Within { column, .. } | Self::OneOf { column, .. } | Self::Number { column, .. } => {
                into.push(*column)
            }
            Self::InSpaces { .. } => into.push(column::SPACE),
            Self::Results(_) => into.extend(RESULT_COLUMNS),
            Self::Text(text) => into.push(text.column),
            Self::Json(json) => into.push(json.column),
            Self::Event(_) => {}
        }
    }

    /// Rough order of what testing a row costs.
    fn cost(&self, part: &Part) -> u32 {
        match self {
            Self::Always | Self::Constant(_) => 0,
            Self::Within { .. } | Self::OneOf { .. } => 1,
            Self::InSpaces { .. } => 2,
            Self::Text(text) if part.is_cheap(text.column) => 3,
            Self::Number { .. } | Self::Results(_) => 4,
            Self::Text(text) if text.equal_to().is_some() => 5,
            Self::Text(_) => 6,
            Self::Json(_) => 7,
            Self::Event(_) => 8,
            Self::Not(member) => member.cost(part),
            Self::And(members) => members.iter().map(|member| member.cost(part)).min().unwrap_or(0),
            Self::Or(members) => members.iter().map(|member| member.cost(part)).max().unwrap_or(0),
        }
    }

    /// Whether no row can satisfy the condition, given what is known of the columns' bounds.
    pub(crate) fn is_never(&self, known: &dyn Fn(usize) -> Option<RangeInclusive<i64>>) -> bool {
        match self {
            Self::Constant(holds) => !holds,
            Self::Within { column, bounds } => {
                bounds.is_empty()
                    || known(*column).is_some_and(|known| known.end() < bounds.start() || known.start() > bounds.end())
            }
            Self::OneOf { column, values } => known(*column).is_some_and(|known| {
                let next = values.partition_point(|value| value < known.start());
                values.get(next).is_none_or(|value| value > known.end())
            }),
            Self::And(members) => members.iter().any(|member| member.is_never(known)),
            Self::Or(members) => members.iter().all(|member| member.is_never(known)),
            Self::Not(member) => member.is_always(known),
            _ => false,
        }
    }

    /// Whether every row satisfies the condition, given what is known of the columns' bounds.
    pub(crate) fn is_always(&self, known: &dyn Fn(usize) -> Option<RangeInclusive<i64>>) -> bool {
        match self {
            Self::Always => true,
            Self::Constant(holds) => *holds,
            Self::Within { column, bounds } => {
                known(*column).is_some_and(|known| bounds.contains(known.start()) && bounds.contains(known.end()))
            }
            Self::And(members) => members.iter().all(|member| member.is_always(known)),
            Self::Or(members) => members.iter().any(|member| member.is_always(known)),
            Self::Not(member) => member.is_never(known),
            _ => false,
        }
    }

    /// The rows of `among` that satisfy the condition.
    pub(crate) fn select<'a>(
        &'a self,
        among: Selection,
        reader: &'a mut PartReader<'_>,
    ) -> BoxFuture<'a, Result<Selection, SearchError>> {
        async move {
            if among.is_empty() {
                return Ok(among);
            }
            match self {
                Self::Always | Self::Constant(true) => Ok(among),
                Self::Constant(false) => Ok(Selection::none(among.rows())),
                Self::And(members) => {
                    let mut left = among;
                    for member in by_cost(members, reader.part) {
                        left = member.select(left, reader).await?;
                    }
                    Ok(left)
                }
                Self::Or(members) => {
                    let mut found = Selection::none(among.rows());
                    let mut left = among;
                    for member in by_cost(members, reader.part) {
                        let more = member.select(left.clone(), reader).await?;
                        left = left.minus(&more);
                        found = found.or(&more);
                    }
                    Ok(found)
                }
                Self::Not(member) => {
                    let found = member.select(among.clone(), reader).await?;
                    Ok(among.minus(&found))
                }
                Self::Within { column, bounds } => within(*column, bounds, among, reader).await,
                Self::OneOf { column, values } => {
                    let array = reader.whole(*column).await?;
                    let numbers = numbers(&array).unwrap_or(&[]);
                    let bits =
                        BooleanBuffer::collect_bool(numbers.len(), |row| values.binary_search(&numbers[row]).is_ok());
                    Ok(among.and(&bits))
                }
                Self::InSpaces { names, account_events } => {
                    let spaces = reader.selected(column::SPACE, &among).await?;
                    // Not what stands in the value's place: a null has none.
                    let has_space = match spaces.logical_nulls() {
                        Some(nulls) => nulls.inner().clone(),
                        None => BooleanBuffer::new_set(spaces.len()),
                    };
                    let named = match names {
                        None => has_space.clone(),
                        Some(names) => test_rows(&spaces, None, |space| names.iter().any(|name| name == space)),
                    };
                    let readable = if *account_events { &named | &!&has_space } else { named };
                    Ok(among.narrowed(&readable))
                }
                Self::Text(text) => select_text(text, among, reader).await,
                Self::Number { column, field, test } => {
                    let array = reader.selected(*column, &among).await?;
                    let values = numbers(&array).unwrap_or(&[]);
                    let bits = BooleanBuffer::collect_bool(values.len(), |row| {
                        test.matches(&number_text(*field, values[row]))
                    });
                    Ok(among.narrowed(&bits))
                }
                Self::Results(wanted) => {
                    let results = results_of_rows(&among, reader).await?;
                    let bits = BooleanBuffer::collect_bool(results.len(), |row| wanted[usize::from(results[row])]);
                    Ok(among.narrowed(&bits))
                }
                Self::Json(json) => json.select(among, reader).await,
                Self::Event(event) => event.select(among, reader).await,
            }
        }
        .boxed()
    }
}

/// The text that the search language tests of a number or time of a record.
pub(crate) fn number_text(field: RecordField, value: i64) -> String {
    if field.is_time() { Timestamp::from_micros(value).to_string() } else { value.to_string() }
}

fn by_cost<'a>(members: &'a [Condition], part: &Part) -> Vec<&'a Condition> {
    let mut ordered: Vec<&Condition> = members.iter().collect();
    ordered.sort_by_key(|member| member.cost(part));
    ordered
}

fn times(column: usize, from: Option<Timestamp>, to: Option<Timestamp>) -> Condition {
    if from.is_none() && to.is_none() {
        return Condition::Always;
    }
    let least = from.map_or(i64::MIN, Timestamp::micros);
    let most = to.map_or(i64::MAX, |to| to.micros() - 1);
    Condition::Within { column, bounds: least..=most }
}

/// The times whose text begins with a month, day, hour, minute or second, such as `2026-05-20T10`, and with which none
/// but these pass the test: no other place of a time's text looks so. `None` for any other text.
fn times_of_prefix(test: &Test, text: &str) -> Option<RangeInclusive<i64>> {
    const FULL: &str = "0000-01-01T00:00:00";
    const SECOND: i64 = 1_000_000;
    if !text.is_ascii() || !matches!(text.len(), 7 | 10 | 13 | 16 | 19) {
        return None;
    }
    let least = Timestamp::parse(&format!("{}{}Z", text.to_ascii_uppercase(), &FULL[text.len()..])).ok()?.at.micros();
    let length = match text.len() {
        7 => {
            let days = |month: &str| matches!(month, "01" | "03" | "05" | "07" | "08" | "10" | "12").then_some(31);
            let year: i64 = text[..4].parse().ok()?;
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match &text[5..] {
                "02" => 28 + i64::from(is_leap),
                month => days(month).unwrap_or(30),
            };
            days * 86_400 * SECOND
        }
        10 => 86_400 * SECOND,
        13 => 3600 * SECOND,
        16 => 60 * SECOND,
        _ => SECOND,
    };
    let most = least.checked_add(length - 1)?;
    // Both ends are asked: the text may be one that reads as a time but is not how times are written.
    let is_so = |micros: i64| {
        let written = Timestamp::from_micros(micros).to_string();
        test.matches(&written) && written.len() > text.len() && written[..text.len()].eq_ignore_ascii_case(text)
    };
    (is_so(least) && is_so(most) && !is_so(least.checked_sub(1)?) && !is_so(most.checked_add(1)?))
        .then_some(least..=most)
}

/// The whole numbers that satisfy every comparison; `None` when they cannot be told as bounds.
fn bounds_of(comparisons: &[(Comparison, Operand)], is_time: bool) -> Option<RangeInclusive<i64>> {
    let (mut least, mut most) = (i64::MIN, i64::MAX);
    for (comparison, operand) in comparisons {
        let value = match (operand, is_time) {
            (Operand::Int(value), false) => *value,
            (Operand::Time(TimePoint::At(at)), true) => at.micros(),
            _ => return None,
        };
        match comparison {
            Comparison::Less => most = most.min(value.checked_sub(1)?),
            Comparison::LessOrEqual => most = most.min(value),
            Comparison::Greater => least = least.max(value.checked_add(1)?),
            Comparison::GreaterOrEqual => least = least.max(value),
        }
    }
    Some(least..=most)
}

/// The rows of `among` whose number or time lies within bounds.
pub(crate) async fn within(
    column: usize,
    bounds: &RangeInclusive<i64>,
    among: Selection,
    reader: &mut PartReader<'_>,
) -> Result<Selection, SearchError> {
    if let Some(known) = reader.part.bounds(column) {
        if bounds.contains(known.start()) && bounds.contains(known.end()) {
            return Ok(among);
        }
        if known.end().cmp(bounds.start()) == Ordering::Less || known.start() > bounds.end() {
            return Ok(Selection::none(among.rows()));
        }
    }
    let array = reader.whole(column).await?;
    let values = numbers(&array).unwrap_or(&[]);
    if column == column::EVENT_TIME && reader.part.is_sorted() {
        let start = values.partition_point(|value| value < bounds.start());
        let end = values.partition_point(|value| value <= bounds.end()).max(start);
        let range = Selection::range(among.rows(), start..end);
        return Ok(match range.mask() {
            None => among,
            Some(mask) => among.and(mask),
        });
    }
    let (least, most) = (*bounds.start(), *bounds.end());
    Ok(among.and(&BooleanBuffer::collect_bool(values.len(), |row| least <= values[row] && values[row] <= most)))
}

async fn select_text(text: &TextTest, among: Selection, reader: &mut PartReader<'_>) -> Result<Selection, SearchError> {
    if let (Some(wanted), Some((opened, group))) = (text.equal_to(), reader.part.group())
        && !opened.may_hold(group, text.column, wanted).await?
    {
        return Ok(Selection::none(among.rows()));
    }
    if reader.part.is_cheap(text.column) {
        let whole = reader.whole(text.column).await?;
        // A dictionary is tested once for all rows; plain texts only where it is still in question.
        if !is_small_share(&among) || matches!(whole.data_type(), DataType::Dictionary(..)) {
            return Ok(among.and(&text.rows(&whole)));
        }
    }
    let mut batches = reader.read(&[text.column], &among, Form::Coded).await?;
    let mut bits = BooleanBufferBuilder::new(among.count());
    while let Some(batch) = batches.next().await? {
        bits.append_buffer(&text.rows(batch.column(0)));
    }
    Ok(among.narrowed(&bits.finish()))
}

/// Whether so few rows are in question that copying them together costs less than looking at all.
fn is_small_share(among: &Selection) -> bool {
    const SHARE: usize = 4;
    among.count() < among.rows() / SHARE
}

/// One bit a row: whether it has a text that holds the finder's needle and that `matches`.
/// A dictionary is asked once a value.
pub(crate) fn test_rows(array: &ArrayRef, finder: Option<&Finder>, matches: impl Fn(&str) -> bool) -> BooleanBuffer {
    match array.data_type() {
        DataType::Utf8 => test_texts(array.as_string(), finder, matches),
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let passes = test_texts(dictionary.values().as_string(), finder, matches);
            if passes.count_set_bits() == 0 {
                return BooleanBuffer::new_unset(array.len());
            }
            let keys = dictionary.keys().values();
            // The key of a null is any number.
            let passed = BooleanBuffer::collect_bool(keys.len(), |row| {
                let key = keys[row] as usize;
                key < passes.len() && passes.value(key)
            });
            match dictionary.keys().nulls() {
                Some(nulls) => &passed & nulls.inner(),
                None => passed,
            }
        }
        // Only a column that the segment does not have.
        _ => BooleanBuffer::new_unset(array.len()),
    }
}

/// One bit a row: whether its text may be JSON of more than a scalar.
pub(crate) fn trees_of(array: &ArrayRef) -> BooleanBuffer {
    let may = |text: &str| match text.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => true,
        Some(first) if *first <= b' ' || !first.is_ascii() => text.trim_start().starts_with(['{', '[', '"']),
        _ => false,
    };
    test_rows(array, None, may)
}

fn test_texts(array: &StringArray, finder: Option<&Finder>, matches: impl Fn(&str) -> bool) -> BooleanBuffer {
    let Some(finder) = finder else {
        return BooleanBuffer::collect_bool(array.len(), |row| array.is_valid(row) && matches(array.value(row)));
    };
    let candidates = finder.rows(array);
    let mut passed = BooleanBufferBuilder::new(array.len());
    passed.append_n(array.len(), false);
    for row in candidates.set_indices() {
        if matches(array.value(row)) {
            passed.set_bit(row, true);
        }
    }
    passed.finish()
}
