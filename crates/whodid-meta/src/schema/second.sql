-- People, rights and what follows from them. The first tables are rebuilt: SQLite cannot change a CHECK in place.
ALTER TABLE accounts RENAME TO first_accounts;
ALTER TABLE users RENAME TO first_users;
ALTER TABLE memberships RENAME TO first_memberships;
ALTER TABLE sign_in_links RENAME TO first_links;
ALTER TABLE sessions RENAME TO first_sessions;
ALTER TABLE keys RENAME TO first_keys;
DROP INDEX keys_by_account;
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    storage TEXT,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    home TEXT REFERENCES accounts (name) ON DELETE SET NULL,
    also_known_as TEXT NOT NULL,
    is_operator INTEGER NOT NULL CHECK (is_operator IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('local', 'oidc')),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    password TEXT,
    password_set_at INTEGER,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    reset_requested_at INTEGER,
    last_signed_in_at INTEGER,
    last_read_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_account ON memberships (account);
CREATE TABLE links (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('sign-in', 'password-reset')),
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    display_name TEXT NOT NULL,
    bindings TEXT NOT NULL,
    group_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE user_groups (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE bindings (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT REFERENCES user_groups (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    spaces TEXT,
    query TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('manual', 'oidc')),
    created_at INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_account ON bindings (account);
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ingestion', 'service', 'personal')),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    sources TEXT,
    spaces TEXT,
    streams TEXT,
    permissions TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    last_used_from TEXT,
    successor_of TEXT,
    revoked_at INTEGER,
    CHECK ((kind = 'personal') = (user_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_account ON keys (account, created_at);
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT NOT NULL CHECK (method IN ('password', 'link', 'oidc', 'recovery')),
    mfa INTEGER NOT NULL CHECK (mfa IN (0, 1)),
    created_at INTEGER NOT NULL,
    fresh_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_reason TEXT,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE challenges (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lockouts (
    hash BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    window_at INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    locked_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lockouts_by_age ON lockouts (failed_at);
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE download_sessions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    space TEXT,
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    accessed_at INTEGER NOT NULL,
    from_day TEXT NOT NULL,
    to_day TEXT NOT NULL,
    search_hour INTEGER,
    account_level INTEGER NOT NULL CHECK (account_level IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE TABLE retention (
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    space TEXT NOT NULL,
    days INTEGER NOT NULL,
    PRIMARY KEY (account, space)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    stream TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_by_account ON outbox (account);
CREATE TABLE revision (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL,
    told INTEGER NOT NULL
) STRICT;
INSERT INTO revision (only, number, told) VALUES (1, 0, 0);
INSERT INTO accounts (name, title, created_at, settings) SELECT name, name, created_at, '{}' FROM first_accounts;
-- The first user made the installation, so they run it.
INSERT INTO users (id, name, folded, display_name, home, also_known_as, is_operator, source, created_at, disabled_at,
    must_change_password)
SELECT u.id, u.name, lower(u.name), u.name,
    (SELECT min(m.account) FROM first_memberships m WHERE m.user = u.id), '[]',
    CASE WHEN u.id = (SELECT id FROM first_users ORDER BY created_at, id LIMIT 1) THEN 1 ELSE 0 END,
    'local', u.created_at, u.disabled_at, 0
FROM first_users u;
INSERT INTO memberships (user_id, account, created_at)
SELECT m.user, m.account, u.created_at FROM first_memberships m JOIN first_users u ON u.id = m.user;
-- Every role of the first tables was that of an administrator.
INSERT INTO bindings (id, account, user_id, role, origin, created_at)
SELECT substr(lower(hex(randomblob(8))), 1, 12), m.account, m.user, 'administrator', 'manual', u.created_at
FROM first_memberships m JOIN first_users u ON u.id = m.user;
INSERT INTO links (hash, kind, user_id, created_at, expires_at, used_at)
SELECT hash, 'sign-in', user, created_at, expires_at, used_at FROM first_links;
INSERT INTO keys (id, kind, account, user_id, name, hash, hint, created_at, created_by, last_used_at, revoked_at)
SELECT id, CASE kind WHEN 'administrator' THEN 'personal' ELSE kind END, account, user, name, hash, hint, created_at,
    coalesce(user, ''), last_used_at, revoked_at
FROM first_keys;
INSERT INTO sessions (hash, id, user_id, method, mfa, created_at, fresh_at, last_seen_at, expires_at, ended_at,
    ended_reason, agent, address)
SELECT hash, id, user, 'link', 0, created_at, created_at, last_seen_at, expires_at, ended_at,
    CASE WHEN ended_at IS NULL THEN NULL ELSE 'signed out' END, agent, address
FROM first_sessions;
DROP TABLE first_memberships;
DROP TABLE first_links;
DROP TABLE first_sessions;
DROP TABLE first_keys;
DROP TABLE first_users;
DROP TABLE first_accounts;
