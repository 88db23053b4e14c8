"""An independent answer to which events rules match: pySigma with its SQLite backend.

judge.py RULES EVENTS matches|correlations prints one JSON line for each match {rule_id, event_index}, or for each
firing {rule_id, group, time}, as `whodid rules match` does.
"""
import datetime
import json
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.backends.sqlite.runtime import execute_plan
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule


def flatten(value, path, columns, leaves):
    """Objects become columns of their members, and a column of their own JSON text."""
    if isinstance(value, dict):
        if path:
            columns[path] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for name, member in value.items():
            flatten(member, f"{path}.{name}" if path else name, columns, leaves)
    elif isinstance(value, list):
        columns[path] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for member in value:
            flatten(member, path + "[]", {}, leaves)
    else:
        if value is not None:
            leaves.append(json.dumps(value) if not isinstance(value, str) else value)
        columns[path] = ("true" if value else "false") if isinstance(value, bool) else value


def main():
    rules, events, what = sys.argv[1:4]
    time_field = sys.argv[4] if len(sys.argv) > 4 else "time"
    connection = sqlite3.connect(":memory:")
    connection.create_function(
        "REGEXP", 2, lambda pattern, value: value is not None and re.search(pattern, str(value)) is not None
    )
    rows, names = [], {}
    for line in open(events, encoding="utf-8"):
        columns, leaves = {}, []
        flatten(json.loads(line), "", columns, leaves)
        columns["_all"] = "\n".join(leaves)
        rows.append(columns)
        for name in columns:
            names.setdefault(name.lower(), name)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names.values()]
    connection.execute(f"CREATE TABLE logs (_eid INTEGER, {', '.join(q + ' COLLATE NOCASE' for q in quoted)})")
    for index, row in enumerate(rows):
        values = [row.get(name) for name in names.values()]
        connection.execute(f"INSERT INTO logs VALUES ({','.join('?' * (len(values) + 1))})", [index] + values)
    collection = SigmaCollection.from_yaml(open(rules, encoding="utf-8").read())
    backend = sqliteBackend(fulltext_field="_all", timestamp_field=time_field, event_id_field="_eid")
    if what == "matches":
        for rule in collection.rules:
            if isinstance(rule, SigmaCorrelationRule):
                continue
            found = set()
            for query in backend.convert_rule(rule):
                fields = {name for name in backend.required_fields(rule)}
                missing = [name for name in fields if name.lower() not in names]
                for name in missing:
                    names[name.lower()] = name
                    connection.execute(f'ALTER TABLE logs ADD COLUMN "{name}" COLLATE NOCASE')
                where = query.split(" WHERE ", 1)[1]
                found.update(row[0] for row in connection.execute(f"SELECT _eid FROM logs WHERE {where}"))
            for index in sorted(found):
                print(json.dumps({"rule_id": str(rule.id or rule.name or rule.title), "event_index": index}))
        return
    for text in json.loads(backend.convert(collection, output_format="zircolite")):
        if not text.get("correlation"):
            continue
        alerts, _ = execute_plan(connection, text["correlation_plan"], include_events=False)
        for alert in alerts:
            time = datetime.datetime.fromtimestamp(alert["occurrence_time"], datetime.timezone.utc)
            group = {name: str(value) for name, value in alert["group_keys"].items()}
            print(json.dumps({"rule_id": text["id"], "group": group, "time": time.isoformat(timespec="milliseconds")}))


main()
