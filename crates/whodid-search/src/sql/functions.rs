//! Functions for looking into events, beside DataFusion's own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, StringArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError, exec_err};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use whodid_decode::json::{self, Value};
use whodid_query::Test;

/// Every function.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let two_texts = || Signature::one_of(vec![TypeSignature::String(2)], Volatility::Immutable);
    vec![
        Arc::new(ScalarUDF::new_from_impl(JsonText { signature: two_texts() })),
        Arc::new(ScalarUDF::new_from_impl(InNetwork { signature: two_texts() })),
        Arc::new(ScalarUDF::new_from_impl(Joined::new(CONCAT))),
    ]
}

/// `json_text(json, path)`: the text at a path of a JSON text; of an object or array its JSON; null where there is none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonText {
    signature: Signature,
}

impl ScalarUDFImpl for JsonText {
    fn name(&self) -> &str {
        "json_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let (jsons, paths) = two_texts(&args)?;
        let mut values = StringViewBuilder::with_capacity(jsons.len());
        for row in 0..jsons.len() {
            let both = jsons.is_valid(row) && paths.is_valid(row);
            values.append_option(both.then(|| json_text(jsons.value(row), paths.value(row))).flatten());
        }
        Ok(ColumnarValue::Array(Arc::new(values.finish())))
    }
}

fn json_text(text: &str, path: &str) -> Option<String> {
    let root = json::parse(text).ok()?;
    let node = root.at(path)?;
    match &node.value {
        Value::Null => None,
        Value::Text(text) => Some(text.to_string()),
        _ => text.get(node.start..node.end).map(str::to_owned),
    }
}

/// `in_network(address, network)`: whether an address lies in a network such as `10.0.0.0/8`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct InNetwork {
    signature: Signature,
}

impl ScalarUDFImpl for InNetwork {
    fn name(&self) -> &str {
        "in_network"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let (addresses, networks) = two_texts(&args)?;
        let mut inside = BooleanBuilder::with_capacity(addresses.len());
        let mut known: Option<(&str, Test)> = None;
        for row in 0..addresses.len() {
            if addresses.is_null(row) || networks.is_null(row) {
                inside.append_null();
                continue;
            }
            let network = networks.value(row);
            let test = match &known {
                Some((text, test)) if *text == network => test,
                _ => {
                    let Ok(parsed) = network.parse() else {
                        return exec_err!("{network:?} is no network; write it like 10.0.0.0/8");
                    };
                    &known.insert((network, Test::Cidr(parsed))).1
                }
            };
            inside.append_value(test.matches(addresses.value(row)));
        }
        Ok(ColumnarValue::Array(Arc::new(inside.finish())))
    }
}

/// `concat(…)`, which leaves nulls out, and `||`, which gives null for them: with a bound on what a batch comes to.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    name: &'static str,
    signature: Signature,
}

/// Takes the place of DataFusion's own.
pub(super) const CONCAT: &str = "concat";
const JOIN: &str = "joined";
/// Bytes that joining may come to for one batch of rows.
const JOINED_BYTES_MAX: usize = 16 << 20;

impl Joined {
    fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let mut texts = Vec::with_capacity(args.args.len());
        for value in &args.args {
            // A constant stays one row: it is not repeated before it is joined.
            texts.push(match value {
                ColumnarValue::Array(array) => (cast(array, &DataType::Utf8View)?, true),
                ColumnarValue::Scalar(scalar) => (cast(&scalar.to_array()?, &DataType::Utf8View)?, false),
            });
        }
        let texts: Vec<_> = texts.iter().map(|(array, is_column)| (array.as_string_view(), *is_column)).collect();
        let gives_nulls = self.name == JOIN;
        let mut joined = StringViewBuilder::with_capacity(args.number_rows);
        let (mut row_text, mut bytes) = (String::new(), 0);
        for row in 0..args.number_rows {
            row_text.clear();
            let mut is_null = false;
            for (array, is_column) in &texts {
                let place = if *is_column { row } else { 0 };
                if array.is_null(place) {
                    is_null |= gives_nulls;
                    continue;
                }
                let text = array.value(place);
                if bytes + row_text.len() + text.len() > JOINED_BYTES_MAX {
                    return exec_err!(
                        "joining texts comes to more than {JOINED_BYTES_MAX} bytes for one batch of rows; join shorter ones"
                    );
                }
                row_text.push_str(text);
            }
            bytes += row_text.len();
            joined.append_option((!is_null).then_some(row_text.as_str()));
        }
        Ok(ColumnarValue::Array(Arc::new(joined.finish())))
    }
}

/// Plans `||` as [`Joined`].
#[derive(Debug)]
pub(super) struct BoundedJoin;

impl ExprPlanner for BoundedJoin {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        _: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>, DataFusionError> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        Ok(PlannerResult::Planned(ScalarUDF::new_from_impl(Joined::new(JOIN)).call(vec![expr.left, expr.right])))
    }
}

fn two_texts(args: &ScalarFunctionArgs) -> Result<(StringArray, StringArray), DataFusionError> {
    let text = |value: &ColumnarValue| -> Result<StringArray, DataFusionError> {
        let array: ArrayRef = value.to_array(args.number_rows)?;
        Ok(cast(&array, &DataType::Utf8)?.as_string::<i32>().clone())
    };
    match args.args.as_slice() {
        [first, second] => Ok((text(first)?, text(second)?)),
        _ => exec_err!("two texts are expected"),
    }
}
