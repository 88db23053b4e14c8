-- A download session gives its events once.
ALTER TABLE download_sessions ADD COLUMN downloaded_at BIGINT;
