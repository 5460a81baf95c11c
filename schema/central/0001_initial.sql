-- nanoclaw.db, the one truth: who there is, what was accepted, what became of it.
-- Times are UTC text of one width (schema/times.py). Never edit a released migration; add the next.

CREATE TABLE home (
  only       INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  install_id TEXT    NOT NULL,
  created_at TEXT    NOT NULL
) STRICT;

-- One counter for the whole file. A row that is projected into a session's link carries the tick of its last
-- change, so that a session actor asks for what changed since its last look and for nothing else.
CREATE TABLE ticks (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  last INTEGER NOT NULL
) STRICT;
INSERT INTO ticks (only, last) VALUES (1, 0);

CREATE TABLE agent_groups (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  folder     TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE messaging_groups (
  id          TEXT    NOT NULL PRIMARY KEY,
  channel     TEXT    NOT NULL,
  platform_id TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  is_group    INTEGER NOT NULL CHECK (is_group IN (0, 1)),
  created_at  TEXT    NOT NULL,
  UNIQUE (channel, platform_id)
) STRICT;

CREATE TABLE wirings (
  id                 TEXT    NOT NULL PRIMARY KEY,
  messaging_group_id TEXT    NOT NULL REFERENCES messaging_groups (id),
  agent_group_id     TEXT    NOT NULL REFERENCES agent_groups (id),
  priority           INTEGER NOT NULL DEFAULT 0,
  created_at         TEXT    NOT NULL,
  UNIQUE (messaging_group_id, agent_group_id)
) STRICT;

CREATE TABLE users (
  id           TEXT NOT NULL PRIMARY KEY,
  display_name TEXT NOT NULL,
  first_seen   TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
  id                 TEXT NOT NULL PRIMARY KEY,
  agent_group_id     TEXT NOT NULL REFERENCES agent_groups (id),
  messaging_group_id TEXT NOT NULL REFERENCES messaging_groups (id),
  provider_state     TEXT NOT NULL DEFAULT '{}',
  created_at         TEXT NOT NULL,
  UNIQUE (agent_group_id, messaging_group_id)
) STRICT;

CREATE TABLE events (
  id                  TEXT NOT NULL PRIMARY KEY,
  channel             TEXT NOT NULL,
  platform_message_id TEXT NOT NULL,
  platform_id         TEXT NOT NULL,
  thread_id           TEXT,
  sender_id           TEXT NOT NULL,
  received_at         TEXT NOT NULL,
  UNIQUE (channel, platform_message_id)
) STRICT;

-- One life of one sandbox. `cursor` is the last row of its outbox that was absorbed.
CREATE TABLE epochs (
  session_id TEXT    NOT NULL REFERENCES sessions (id),
  number     INTEGER NOT NULL CHECK (number > 0),
  engine     TEXT    NOT NULL,
  started_at TEXT    NOT NULL,
  cursor     INTEGER NOT NULL DEFAULT 0,
  ended_at   TEXT,
  ending     TEXT CHECK (ending IN ('exited', 'stopped', 'killed', 'host-died', 'quarantined', 'not-started')),
  detail     TEXT,
  PRIMARY KEY (session_id, number),
  CHECK ((ended_at IS NULL) = (ending IS NULL))
) STRICT;
CREATE UNIQUE INDEX epochs_live ON epochs (session_id) WHERE ended_at IS NULL;

CREATE TABLE inbound (
  id            TEXT    NOT NULL PRIMARY KEY,
  session_id    TEXT    NOT NULL REFERENCES sessions (id),
  event_id      TEXT             REFERENCES events (id),
  seq           INTEGER NOT NULL CHECK (seq > 0 AND seq % 2 = 0),
  kind          TEXT    NOT NULL CHECK (kind IN ('chat', 'chat-sdk', 'task', 'webhook', 'system')),
  timestamp     TEXT    NOT NULL,
  status        TEXT    NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed', 'failed', 'paused')),
  process_after TEXT,
  tries         INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  trigger       INTEGER NOT NULL CHECK (trigger IN (0, 1)),
  channel       TEXT,
  platform_id   TEXT,
  thread_id     TEXT,
  content       TEXT    NOT NULL,
  claimed_epoch INTEGER,
  claimed_at    TEXT,
  settled_at    TEXT,
  error         TEXT,
  touched       INTEGER NOT NULL,
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, claimed_epoch) REFERENCES epochs (session_id, number),
  CHECK ((claimed_epoch IS NULL) = (claimed_at IS NULL)),
  CHECK (claimed_epoch IS NULL OR status = 'pending'),
  CHECK ((settled_at IS NULL) = (status IN ('pending', 'paused')))
) STRICT;
CREATE INDEX inbound_open    ON inbound (session_id) WHERE status = 'pending';
CREATE INDEX inbound_touched ON inbound (session_id, touched);
CREATE INDEX inbound_event   ON inbound (event_id);

-- The outbound ledger. `position` is the host's own order: the order in which it first saw the rows.
CREATE TABLE ledger (
  position            INTEGER PRIMARY KEY AUTOINCREMENT,
  id                  TEXT    NOT NULL UNIQUE,
  session_id          TEXT    NOT NULL REFERENCES sessions (id),
  epoch               INTEGER,
  runner_id           TEXT,
  digest              TEXT    NOT NULL,
  seq                 INTEGER NOT NULL CHECK (seq > 0),
  in_reply_to         TEXT,
  channel             TEXT    NOT NULL,
  platform_id         TEXT    NOT NULL,
  thread_id           TEXT,
  kind                TEXT    NOT NULL,
  content             TEXT    NOT NULL,
  state               TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'unknown', 'dead')),
  attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  not_before          TEXT,
  platform_message_id TEXT,
  error               TEXT,
  created_at          TEXT    NOT NULL,
  settled_at          TEXT,
  touched             INTEGER NOT NULL,
  UNIQUE (session_id, epoch, runner_id),
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, number),
  CHECK ((epoch IS NULL) = (runner_id IS NULL)),
  CHECK ((epoch IS NULL) = (seq % 2 = 0)),
  CHECK ((settled_at IS NULL) = (state IN ('pending', 'sending')))
) STRICT;
CREATE INDEX ledger_open    ON ledger (channel, platform_id, position) WHERE state IN ('pending', 'sending');
CREATE INDEX ledger_touched ON ledger (session_id, touched);

-- Whatever was not passed on, and why. `key` makes recording the same drop twice one row.
CREATE TABLE drops (
  key        TEXT    NOT NULL PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('event', 'outbound', 'epoch')),
  event_id   TEXT             REFERENCES events (id),
  session_id TEXT             REFERENCES sessions (id),
  epoch      INTEGER,
  reference  TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  dropped_at TEXT    NOT NULL
) STRICT;
CREATE INDEX drops_event ON drops (event_id);
