-- Files that travel with messages. `spool_id` is the name of the host's own copy in spool/, `digest` its SHA-256.

CREATE TABLE attachments (
  event_id  TEXT    NOT NULL REFERENCES events (id),
  position  INTEGER NOT NULL CHECK (position >= 0),
  name      TEXT    NOT NULL CHECK (name <> ''),
  mime_type TEXT,
  size      INTEGER NOT NULL CHECK (size >= 0),
  digest    TEXT    NOT NULL,
  spool_id  TEXT    NOT NULL UNIQUE,
  PRIMARY KEY (event_id, position)
) STRICT, WITHOUT ROWID;

-- Once its message is decided, a row is the record of a file that is gone from the spool.
CREATE TABLE ledger_files (
  ledger_id TEXT    NOT NULL REFERENCES ledger (id),
  position  INTEGER NOT NULL CHECK (position >= 0),
  name      TEXT    NOT NULL CHECK (name <> ''),
  size      INTEGER NOT NULL CHECK (size >= 0),
  digest    TEXT    NOT NULL,
  spool_id  TEXT    NOT NULL UNIQUE,
  PRIMARY KEY (ledger_id, position)
) STRICT, WITHOUT ROWID;
