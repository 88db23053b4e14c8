"""Reads a table with deltalake and DuckDB: arguments are the table, the expected raw texts (JSON), the SQL expression."""

import json
import sys

import deltalake
import duckdb

table, expected_file, expression = sys.argv[1:]
expected = json.load(open(expected_file))
delta = deltalake.DeltaTable(table)

files = delta.file_uris()
source = f"read_parquet({files!r}, hive_partitioning = true)"
count, dates, wrong_dates = duckdb.sql(
    f"SELECT count(*), count(DISTINCT event_date), count(*) FILTER (event_date <> (event_time AT TIME ZONE 'UTC')::DATE) FROM {source}"
).fetchone()
assert count == len(expected), f"{count} records of {len(expected)}"
assert dates > 1 and wrong_dates == 0, (dates, wrong_dates)

rows = duckdb.sql(f'SELECT "offset", {expression} AS raw FROM {source} ORDER BY "offset"').fetchall()
for (offset, raw), text in zip(rows, expected, strict=True):
    assert raw == text, f"record {offset}:\n{raw}\n{text}"

actions = delta.get_add_actions(flatten=True)
columns = {name: actions.column(name).to_pylist() for name in ("num_records", "min.offset", "max.offset")}
assert sum(columns["num_records"]) == count
assert min(columns["min.offset"]) == 0 and max(columns["max.offset"]) == count - 1
assert delta.transaction_version("whodid/activity") == count - 1
assert delta.metadata().partition_columns == ["event_date"]
assert delta.metadata().name == "activity"
print(f"{count} records in {len(files)} files")
