-- What a platform had taken may be rejected later: `rejected` is an end of its own. A table that others refer to is
-- replaced; the migrator checks every reference before it commits.

CREATE TABLE ledger_new (
  position            INTEGER PRIMARY KEY AUTOINCREMENT,
  id                  TEXT    NOT NULL UNIQUE,
  session_id          TEXT             REFERENCES sessions (id),
  epoch               INTEGER,
  runner_id           TEXT,
  digest              TEXT    NOT NULL,
  seq                 INTEGER CHECK (seq > 0),
  in_reply_to         TEXT,
  channel             TEXT    NOT NULL,
  platform_id         TEXT    NOT NULL,
  thread_id           TEXT,
  kind                TEXT    NOT NULL,
  content             TEXT    NOT NULL,
  state               TEXT    NOT NULL
                      CHECK (state IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'rejected')),
  attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  not_before          TEXT,
  platform_message_id TEXT,
  error               TEXT,
  created_at          TEXT    NOT NULL,
  settled_at          TEXT,
  touched             INTEGER NOT NULL,
  retries             INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
  about               TEXT,
  parts               INTEGER CHECK (parts >= 1),
  doubt               INTEGER NOT NULL DEFAULT 0 CHECK (doubt IN (0, 1)),
  UNIQUE (session_id, epoch, runner_id),
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, number),
  CHECK ((epoch IS NULL) = (runner_id IS NULL)),
  CHECK (session_id IS NOT NULL OR epoch IS NULL),
  CHECK ((session_id IS NULL) = (seq IS NULL)),
  CHECK ((epoch IS NULL) = (coalesce(seq, 0) % 2 = 0)),
  CHECK ((settled_at IS NULL) = (state IN ('pending', 'sending')))
) STRICT;
INSERT INTO ledger_new
  SELECT position, id, session_id, epoch, runner_id, digest, seq, in_reply_to, channel, platform_id, thread_id, kind,
         content, state, attempts, not_before, platform_message_id, error, created_at, settled_at, touched, retries,
         about, parts, doubt
    FROM ledger;
-- No position is used twice, also where the last rows were removed.
DELETE FROM sqlite_sequence WHERE name = 'ledger_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'ledger_new', seq FROM sqlite_sequence WHERE name = 'ledger';
DROP TABLE ledger;
ALTER TABLE ledger_new RENAME TO ledger;
CREATE INDEX ledger_open    ON ledger (channel, platform_id, position) WHERE state IN ('pending', 'sending');
CREATE INDEX ledger_touched ON ledger (session_id, touched);
CREATE INDEX ledger_due     ON ledger (not_before) WHERE state = 'pending';
CREATE INDEX ledger_dead    ON ledger (session_id) WHERE state IN ('dead', 'unknown', 'rejected');

-- Whoever says that a message was rejected knows it by its platform's name.
CREATE INDEX ledger_named       ON ledger (channel, platform_message_id) WHERE platform_message_id IS NOT NULL;
CREATE INDEX ledger_parts_named ON ledger_parts (platform_message_id) WHERE platform_message_id IS NOT NULL;
