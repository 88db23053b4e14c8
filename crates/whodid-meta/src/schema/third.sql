-- A download session gives its events once.
ALTER TABLE download_sessions ADD COLUMN downloaded_at INTEGER;
-- Which key the installation goes with, so that another one is noticed; not the key.
CREATE TABLE secrets_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    fingerprint TEXT NOT NULL,
    is_given INTEGER NOT NULL CHECK (is_given IN (0, 1))
) STRICT;
-- Names were kept under a plain hash. What is counted of them lasts a quarter of an hour.
DELETE FROM lockouts;
-- A link ends with the rights of who made it. Those that are open now do not say; they end within a day.
ALTER TABLE links ADD COLUMN made_by TEXT;
-- When somebody last looked at events is the business of the account that they looked at.
ALTER TABLE memberships ADD COLUMN last_read_at INTEGER;
UPDATE memberships SET last_read_at =
    (SELECT last_read_at FROM users WHERE id = memberships.user_id AND home = memberships.account);
UPDATE users SET last_read_at = NULL;
