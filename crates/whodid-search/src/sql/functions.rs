//! Functions for looking into events, beside DataFusion's own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, StringArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use whodid_decode::json::{self, Value};
use whodid_query::Test;

/// Every function.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let two_texts = || Signature::one_of(vec![TypeSignature::String(2)], Volatility::Immutable);
    vec![
        Arc::new(ScalarUDF::new_from_impl(JsonText { signature: two_texts() })),
        Arc::new(ScalarUDF::new_from_impl(InNetwork { signature: two_texts() })),
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
