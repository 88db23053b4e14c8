//! Tests on whole events: any value, paths of the raw text, leaves of JSON columns.
//!
//! Rebuilding and parsing the raw text is the expensive way. Before it, rows are screened: by the columns
//! themselves, which are values of the event too, and by [`crate::template`], which tells from the raw
//! template alone for most rows that they pass or that they cannot.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int32Type};
use whodid_lake::RawReader;
use whodid_lake::schema::column;
use whodid_model::Field;
use whodid_model::field::Written;
use whodid_query::{Expr, Path, Query, Target, Term};

use crate::SearchError;
use crate::condition::TextTest;
use crate::finder::{Finder, JsonFinder};
use crate::part::{Form, PartReader, all_columns};
use crate::selection::Selection;
use crate::template::{Screen, Verdict};
use crate::view::{JsonView, RowView};

/// A test on the leaves of a JSON column, or on those below a path of it.
#[derive(Debug, Clone)]
pub(crate) struct JsonTest {
    pub(crate) column: usize,
    field: Field,
    query: Query,
    finders: Vec<JsonFinder>,
}

impl JsonTest {
    pub(crate) fn new(field: Field, term: &Term) -> Self {
        Self {
            column: column::of(field),
            field,
            finders: finders_of(term),
            query: Query { expr: Expr::Term(term.clone()) },
        }
    }

    pub(crate) async fn select(&self, among: Selection, reader: &mut PartReader<'_>) -> Result<Selection, SearchError> {
        if reader.part.is_cheap(self.column) && (among.is_all() || reader.part.group().is_some()) {
            let whole = reader.whole(self.column).await?;
            return Ok(among.and(&self.rows(&whole)));
        }
        let mut batches = reader.read(&[self.column], &among, Form::Coded).await?;
        let mut bits = BooleanBufferBuilder::new(among.count());
        while let Some(batch) = batches.next().await? {
            bits.append_buffer(&self.rows(batch.column(0)));
        }
        Ok(among.narrowed(&bits.finish()))
    }

    fn rows(&self, array: &ArrayRef) -> BooleanBuffer {
        by_value(array, |texts| {
            let mut passed = BooleanBufferBuilder::new(texts.len());
            passed.append_n(texts.len(), false);
            for row in candidates(texts, &self.finders).set_indices() {
                if self.query.matches(&JsonView { field: self.field, text: texts.value(row) }) {
                    passed.set_bit(row, true);
                }
            }
            passed.finish()
        })
    }
}

/// A test that needs the whole event: any value, or a path of the raw text.
#[derive(Debug, Clone)]
pub(crate) struct EventTest {
    query: Query,
    finders: Vec<JsonFinder>,
    screen: Screen,
    /// For any value: the test of each column whose text is a value.
    texts: Vec<TextTest>,
    /// For any value: the tests of the JSON columns. For a path below one: that column's test.
    jsons: Vec<JsonTest>,
}

impl EventTest {
    pub(crate) fn new(term: &Term) -> Self {
        let is_any = term.target == Target::Any;
        let texts = Field::ALL.into_iter().filter(|field| is_any && field.written() == Written::Text);
        let json_fields: Vec<Field> = match &term.target {
            Target::Any => Field::ALL.into_iter().filter(|field| field.written() == Written::Json).collect(),
            Target::Json { field, .. } => vec![*field],
            _ => Vec::new(),
        };
        let json_term = |field: Field| match &term.target {
            Target::Any => Term { target: Target::Field(field), test: term.test.clone() },
            _ => term.clone(),
        };
        Self {
            query: Query { expr: Expr::Term(term.clone()) },
            finders: finders_of(term),
            screen: Screen::new(term),
            texts: texts.map(|field| TextTest::new(column::of(field), term.test.clone())).collect(),
            jsons: json_fields.into_iter().map(|field| JsonTest::new(field, &json_term(field))).collect(),
        }
    }

    pub(crate) async fn select(&self, among: Selection, reader: &mut PartReader<'_>) -> Result<Selection, SearchError> {
        let mut found = Selection::none(among.rows());
        let mut left = among;

        // What the template alone tells.
        let (passed, unsure) = self.screened(&left, reader).await?;
        found = found.or(&passed);
        left = left.minus(&passed);

        // Columns are values of the event in their own right, cheap ones first.
        let mut texts: Vec<&TextTest> = self.texts.iter().collect();
        texts.sort_by_key(|text| !reader.part.is_cheap(text.column));
        let columns: Vec<usize> = texts.iter().map(|text| text.column).collect();
        reader.prepare(&columns).await?;
        let mut unsure = unsure;
        for text in texts {
            if left.is_empty() {
                return Ok(found);
            }
            let (passed, trees) = text.select_values(left.clone(), reader).await?;
            unsure = unsure.or(&trees);
            found = found.or(&passed);
            left = left.minus(&passed);
        }
        for json in &self.jsons {
            if left.is_empty() {
                return Ok(found);
            }
            let passed = json.select(left.clone(), reader).await?;
            found = found.or(&passed);
            left = left.minus(&passed);
        }

        // The rest of the unsure rows, exactly.
        let unsure = unsure.minus(&found);
        if unsure.is_empty() {
            return Ok(found);
        }
        let passed = self.exactly(&unsure, reader).await?;
        Ok(found.or(&passed))
    }

    /// The rows that the template proves to pass, and those that it cannot tell of.
    async fn screened(
        &self,
        among: &Selection,
        reader: &mut PartReader<'_>,
    ) -> Result<(Selection, Selection), SearchError> {
        let mut memo = self.screen.memo();
        let mut passed = BooleanBufferBuilder::new(among.count());
        let mut unsure = BooleanBufferBuilder::new(among.count());
        let mut note = |verdict: Verdict| {
            passed.append(verdict == Verdict::Passes);
            unsure.append(verdict == Verdict::Unsure);
        };
        if reader.part.is_in_memory() {
            let templates = reader.whole(column::RAW_TEMPLATE).await?;
            let templates = templates.as_string::<i32>();
            // Neighbours often share theirs.
            let mut before = None;
            among.each(|row| {
                let template = templates.is_valid(row).then(|| templates.value(row));
                let verdict = match (template, before) {
                    (Some(template), Some((known, verdict))) if template == known => verdict,
                    (Some(template), _) => memo.verdict(template),
                    (None, _) => Verdict::Unsure,
                };
                before = template.map(|template| (template, verdict));
                note(verdict);
            });
            return Ok((among.narrowed(&passed.finish()), among.narrowed(&unsure.finish())));
        }
        reader
            .look_at(column::RAW_TEMPLATE, among, &mut |templates| match templates.data_type() {
                DataType::Dictionary(..) => {
                    let dictionary = templates.as_dictionary::<Int32Type>();
                    let values = dictionary.values().as_string::<i32>();
                    let mut verdicts: Vec<Option<Verdict>> = vec![None; values.len()];
                    for key in dictionary.keys() {
                        note(match key {
                            None => Verdict::Unsure,
                            Some(key) => {
                                *verdicts[key as usize].get_or_insert_with(|| memo.verdict(values.value(key as usize)))
                            }
                        });
                    }
                }
                DataType::Utf8 => {
                    for template in templates.as_string::<i32>() {
                        note(template.map_or(Verdict::Unsure, |template| memo.verdict(template)));
                    }
                }
                _ => (0..templates.len()).for_each(|_| note(Verdict::Unsure)),
            })
            .await?;
        Ok((among.narrowed(&passed.finish()), among.narrowed(&unsure.finish())))
    }

    async fn exactly(&self, among: &Selection, reader: &mut PartReader<'_>) -> Result<Selection, SearchError> {
        let mut batches = reader.read(&all_columns(), among, Form::Plain).await?;
        let mut bits = BooleanBufferBuilder::new(among.count());
        while let Some(batch) = batches.next().await? {
            let raws = RawReader::new(&batch);
            for row in 0..batch.num_rows() {
                let raw = raws.text(row);
                let raw = raw.as_deref().unwrap_or_default();
                // The rebuilt text decides more cheaply than its parsing; its columns were asked already.
                let may = is_candidate(raw, &self.finders);
                bits.append(may && self.query.matches(&RowView::new(&batch, row, raw, "")));
            }
        }
        Ok(among.narrowed(&bits.finish()))
    }
}

/// What the JSON text must hold for the term to be satisfied: a text of the value, and the last key of the path.
pub(crate) fn finders_of(term: &Term) -> Vec<JsonFinder> {
    let path = match &term.target {
        Target::Raw(path) | Target::Json { path, .. } => Some(path),
        Target::Any | Target::Field(_) | Target::Record(_) => None,
    };
    let key = path.and_then(last_key).and_then(|key| Finder::of_text(&key));
    Finder::of(&term.test).into_iter().chain(key).map(JsonFinder::new).collect()
}

/// The last segment of a path that is no index: some key ends with it.
fn last_key(path: &Path) -> Option<String> {
    let is_index = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
    path.as_str().rsplit('.').find(|segment| !is_index(segment)).map(str::to_owned)
}

/// Whether a JSON text can hold what the finders look for.
fn is_candidate(text: &str, finders: &[JsonFinder]) -> bool {
    finders.iter().all(|finder| finder.may_be_in(text))
}

/// One bit a text: whether it can hold what the finders look for.
fn candidates(texts: &StringArray, finders: &[JsonFinder]) -> BooleanBuffer {
    finders.iter().map(|finder| finder.rows(texts)).reduce(|a, b| &a & &b).unwrap_or_else(|| match texts.nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(texts.len()),
    })
}

/// One bit a row, of one bit a distinct text.
fn by_value(array: &ArrayRef, test: impl Fn(&StringArray) -> BooleanBuffer) -> BooleanBuffer {
    match array.data_type() {
        DataType::Utf8 => test(array.as_string()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let passes = test(dictionary.values().as_string());
            BooleanBuffer::collect_bool(array.len(), |row| dictionary.key(row).is_some_and(|key| passes.value(key)))
        }
        _ => BooleanBuffer::new_unset(array.len()),
    }
}
