-- The final shape of the SQLite steps in PostgreSQL's types; a test compares the two column by column.
CREATE TABLE installation (
    "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
    id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    storage TEXT,
    settings TEXT NOT NULL
);
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    home TEXT REFERENCES accounts (name) ON DELETE SET NULL,
    also_known_as TEXT NOT NULL,
    is_operator BIGINT NOT NULL CHECK (is_operator IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('local', 'oidc')),
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    password TEXT,
    password_set_at BIGINT,
    must_change_password BIGINT NOT NULL CHECK (must_change_password IN (0, 1)),
    reset_requested_at BIGINT,
    last_signed_in_at BIGINT,
    last_read_at BIGINT
);
CREATE TABLE memberships (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, account)
);
CREATE INDEX memberships_by_account ON memberships (account);
CREATE TABLE links (
    hash BYTEA PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('sign-in', 'password-reset')),
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    display_name TEXT NOT NULL,
    bindings TEXT NOT NULL,
    group_ids TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE user_groups (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account, name)
);
CREATE TABLE bindings (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT REFERENCES user_groups (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    spaces TEXT,
    query TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('manual', 'oidc')),
    created_at BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);
CREATE INDEX bindings_by_account ON bindings (account);
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ingestion', 'service', 'personal')),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    sources TEXT,
    spaces TEXT,
    streams TEXT,
    permissions TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    last_used_from TEXT,
    successor_of TEXT,
    revoked_at BIGINT,
    CHECK ((kind = 'personal') = (user_id IS NOT NULL))
);
CREATE INDEX keys_by_account ON keys (account, created_at);
CREATE TABLE sessions (
    hash BYTEA PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT NOT NULL CHECK (method IN ('password', 'link', 'oidc', 'recovery')),
    mfa BIGINT NOT NULL CHECK (mfa IN (0, 1)),
    created_at BIGINT NOT NULL,
    fresh_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_reason TEXT,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE TABLE challenges (
    hash BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE lockouts (
    hash BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    window_at BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    locked_until BIGINT
);
CREATE INDEX lockouts_by_age ON lockouts (failed_at);
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE TABLE download_sessions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    space TEXT,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    accessed_at BIGINT NOT NULL,
    from_day TEXT NOT NULL,
    to_day TEXT NOT NULL,
    search_hour BIGINT,
    account_level BIGINT NOT NULL CHECK (account_level IN (0, 1))
);
CREATE TABLE retention (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    space TEXT NOT NULL,
    days BIGINT NOT NULL,
    PRIMARY KEY (account, space)
);
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    stream TEXT NOT NULL,
    event TEXT NOT NULL
);
CREATE INDEX outbox_by_account ON outbox (account);
CREATE TABLE revision (
    "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
    number BIGINT NOT NULL,
    told BIGINT NOT NULL
);
INSERT INTO revision ("only", number, told) VALUES (1, 0, 0);
