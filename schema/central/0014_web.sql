-- The web page: what its conversations show, in order, and who may open it.

-- A row for each message that belongs on a page, in the order in which it came to be there; pages that were away ask
-- for what is behind the last that they saw. What it says is in the row that it names, and goes with it.
CREATE TABLE web_feed (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  platform_id TEXT NOT NULL,
  event_id    TEXT UNIQUE REFERENCES events (id) ON DELETE CASCADE,
  ledger_id   TEXT UNIQUE REFERENCES ledger (id) ON DELETE CASCADE,
  CHECK ((event_id IS NULL) <> (ledger_id IS NULL))
) STRICT;
CREATE INDEX web_feed_place ON web_feed (platform_id, position);

-- A link that lets somebody in once, or a browser that was let in. The secret itself is nowhere, its SHA-256 is.
CREATE TABLE web_keys (
  digest     TEXT NOT NULL PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('link', 'login')),
  handle     TEXT NOT NULL,
  name       TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
