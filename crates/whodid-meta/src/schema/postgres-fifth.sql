-- What alerts on saved searches remember: how far an account's records were looked at, and what was counted.
CREATE TABLE watch_states (
    account TEXT PRIMARY KEY REFERENCES accounts (name),
    body TEXT NOT NULL
);
