//! `whodid config check`

use serde_json::json;

use crate::config::Config;
use crate::output::{self, Output};
use crate::{End, Usage, server};

/// Prints every value with its origin. A wrong configuration does not come this far, but for what only starting would
/// find out.
pub fn run(config: &Config, output: Output) -> anyhow::Result<End> {
    server::provider(config).map_err(|error| Usage(format!("{error:#}")))?;
    let rows: Vec<_> = config.origins().iter().map(|origin| json!(origin)).collect();
    let columns = [("key", "/key"), ("value", "/value"), ("from", "/source"), ("meaning", "/meaning")];
    output::rows(output, &columns, &rows, &json!({ "config": rows }))?;
    Ok(End::Done)
}
