-- Channels that were added, what they remember, and messages that go out in parts.

-- What a channel is told that is no secret is here, as a JSON object of texts; secrets are in secrets/channels.json.
CREATE TABLE channels (
  name       TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 40 AND name NOT GLOB '*[^a-z0-9-]*'),
  kind       TEXT    NOT NULL,
  settings   TEXT    NOT NULL CHECK (json_type(settings) = 'object'),
  created_at TEXT    NOT NULL,
  enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
  channel TEXT NOT NULL REFERENCES channels (name) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  value   TEXT NOT NULL,
  at      TEXT NOT NULL,
  PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;

-- Into how many parts it was cut; NULL: nobody has decided yet, or its channel takes all messages whole.
ALTER TABLE ledger ADD COLUMN parts INTEGER CHECK (parts >= 1);
-- May what is next of it have arrived already?
ALTER TABLE ledger ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0 CHECK (doubt IN (0, 1));

-- The parts of a message that does not go out as it is. `files` are positions in ledger_files, as a JSON array.
CREATE TABLE ledger_parts (
  ledger_id           TEXT    NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
  part                INTEGER NOT NULL CHECK (part >= 0),
  text                TEXT    NOT NULL,
  changes             TEXT,
  files               TEXT    NOT NULL CHECK (json_type(files) = 'array'),
  arrived_at          TEXT,
  platform_message_id TEXT,
  PRIMARY KEY (ledger_id, part)
) STRICT, WITHOUT ROWID;
