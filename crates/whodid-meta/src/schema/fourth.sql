-- What people configure for detection, one kind beside the other: rules, packages, exceptions, channels and more.
CREATE TABLE documents (
    account TEXT NOT NULL REFERENCES accounts (name),
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    sealed BLOB,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (account, kind, id)
) STRICT;
-- Findings as people handle them.
CREATE TABLE alerts (
    account TEXT NOT NULL REFERENCES accounts (name),
    id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    group_key TEXT NOT NULL,
    status TEXT NOT NULL,
    severity INTEGER NOT NULL,
    assignee TEXT,
    opened_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    escalates_at INTEGER,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX alerts_by_time ON alerts (account, last_at);
CREATE INDEX alerts_by_group ON alerts (account, rule_id, group_key);
CREATE INDEX alerts_by_escalation ON alerts (escalates_at) WHERE escalates_at IS NOT NULL;
-- How far the findings of an account became alerts.
CREATE TABLE alert_cursors (
    account TEXT PRIMARY KEY REFERENCES accounts (name),
    next_offset INTEGER NOT NULL
) STRICT;
-- What channels are told, and what became of it.
CREATE TABLE deliveries (
    account TEXT NOT NULL REFERENCES accounts (name),
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    alert TEXT,
    state TEXT NOT NULL,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX deliveries_by_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_by_channel ON deliveries (account, channel, created_at);
-- Secrets of the whole installation, sealed: the key that notices are signed with.
CREATE TABLE installation_secrets (
    name TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
);
