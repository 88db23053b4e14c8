-- A metadata file of the first release (schema version 1). Golden: never changed.
CREATE TABLE installation (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('administrator')),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    PRIMARY KEY (user, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE sign_in_links (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ingestion', 'service', 'administrator')),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user TEXT REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    CHECK ((kind = 'administrator') = (user IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_account ON keys (account, created_at);
INSERT INTO installation VALUES (1, 'install00001', 1794999000000000);
INSERT INTO accounts VALUES ('default', 1794999000000000), ('second', 1794999900000000);
INSERT INTO users VALUES ('user00000001', 'administrator', 'administrator', 1794999000000000, NULL);
INSERT INTO users VALUES ('user00000002', 'Carol', 'administrator', 1794999900000000, NULL);
INSERT INTO memberships VALUES ('user00000001', 'default'), ('user00000001', 'second'), ('user00000002', 'second');
INSERT INTO sign_in_links VALUES (x'6c1b3dc7a706b9dc81352a6716b9c666c608d8626272c64b914ab05572fc6e84', 'user00000001', 1794999000000000, 1795001000000000, NULL);
INSERT INTO sign_in_links VALUES (x'32da2bfb1cebc51fcb744ef4f2563438d0b5c85d9f01b9a950b10d0d67fe73cb', 'user00000001', 1794999000000000, 1795001000000000, 1794999900000000);
INSERT INTO sessions VALUES (x'd270772c1239382c5e490fdd8120013bc675e315c8c4ff40dd3abc6abc4019e3', 'session00001', 'user00000001', 1794999000000000, 1794999900000000, 1795100000000000, NULL,
    'agent', '192.0.2.1');
INSERT INTO sessions VALUES (x'78ef6073c333e909201d45de8bcef50cb904d55a11bfadb4e863f8696a9bcf73', 'session00002', 'user00000001', 1794999000000000, 1794999900000000, 1795100000000000, 1794999990000000,
    'agent', '192.0.2.1');
INSERT INTO keys VALUES ('ingestkey001', 'ingestion', 'default', NULL, 'first ingestion key', x'84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a', '00', 1794999000000000,
    NULL, NULL);
INSERT INTO keys VALUES ('servicekey01', 'service', 'default', NULL, 'first service key', x'84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a', '00', 1794999000000000,
    1794999900000000, NULL);
INSERT INTO keys VALUES ('admintoken01', 'administrator', 'default', 'user00000001', 'first administrator token',
    x'84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a', '00', 1794999000000000, NULL, NULL);
INSERT INTO keys VALUES ('revokedkey01', 'service', 'second', NULL, 'old', x'84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a', '00', 1794999000000000, NULL, 1794999900000000);
PRAGMA user_version = 1;
