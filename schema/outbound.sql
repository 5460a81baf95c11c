-- outbound.db: what a runner asks for. One file an epoch, made empty by the host, written by the runner alone.
PRAGMA user_version = 2;

CREATE TABLE messages_out (
  id            TEXT    NOT NULL PRIMARY KEY,
  seq           INTEGER NOT NULL UNIQUE CHECK (seq > 0 AND seq % 2 = 1),
  in_reply_to   TEXT,
  timestamp     TEXT    NOT NULL,
  deliver_after TEXT,
  kind          TEXT    NOT NULL CHECK (kind IN ('chat', 'edit', 'reaction', 'card', 'ask_question', 'system')),
  destination   TEXT,
  content       TEXT    NOT NULL
) STRICT;

CREATE TABLE processing_ack (
  message_id     TEXT NOT NULL PRIMARY KEY,
  status         TEXT NOT NULL CHECK (status IN ('processing', 'completed', 'failed')),
  status_changed TEXT NOT NULL,
  error          TEXT
) STRICT;

CREATE TABLE session_state (
  key        TEXT NOT NULL PRIMARY KEY,
  value      TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE container_state (
  only                     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  current_tool             TEXT,
  tool_declared_timeout_ms INTEGER,
  tool_started_at          TEXT,
  phase                    TEXT    NOT NULL CHECK (phase IN ('starting', 'idle', 'turn', 'waiting_rate_limit', 'waiting_answer')),
  updated_at               TEXT    NOT NULL
) STRICT;

-- What is being written and not said yet: a row for each reply under way, gone when the reply is said.
CREATE TABLE drafts (
  reply       TEXT NOT NULL PRIMARY KEY,
  destination TEXT,
  in_reply_to TEXT,
  text        TEXT NOT NULL,
  tool        TEXT,
  updated_at  TEXT NOT NULL
) STRICT;

-- What each result took of its model, in tokens and money.
CREATE TABLE usage (
  seq      INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
  at       TEXT    NOT NULL,
  model    TEXT,
  read     INTEGER NOT NULL CHECK (read >= 0),
  written  INTEGER NOT NULL CHECK (written >= 0),
  cached   INTEGER NOT NULL DEFAULT 0 CHECK (cached >= 0),
  cost_usd REAL CHECK (cost_usd >= 0)
) STRICT;
