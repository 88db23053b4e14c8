-- A download session gives its events once.
ALTER TABLE download_sessions ADD COLUMN downloaded_at BIGINT;
-- Which key the installation goes with, so that another one is noticed; not the key.
CREATE TABLE secrets_key (
    "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
    fingerprint TEXT NOT NULL,
    is_given BIGINT NOT NULL CHECK (is_given IN (0, 1))
);
-- Names were kept under a plain hash. What is counted of them lasts a quarter of an hour.
DELETE FROM lockouts;
-- A link ends with the rights of who made it. Those that are open now do not say; they end within a day.
ALTER TABLE links ADD COLUMN made_by TEXT;
