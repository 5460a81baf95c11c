-- inbound.db: what a sandbox may know. The host writes it, the sandbox sees it read-only; it can be rebuilt at any time.
PRAGMA user_version = 2;

CREATE TABLE messages_in (
  id                TEXT    NOT NULL PRIMARY KEY,
  seq               INTEGER NOT NULL UNIQUE CHECK (seq > 0 AND seq % 2 = 0),
  kind              TEXT    NOT NULL CHECK (kind IN ('chat', 'chat-sdk', 'task', 'webhook', 'system')),
  timestamp         TEXT    NOT NULL,
  status            TEXT    NOT NULL CHECK (status IN ('pending', 'completed', 'failed', 'paused')),
  process_after     TEXT,
  recurrence        TEXT,
  series_id         TEXT,
  tries             INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  trigger           INTEGER NOT NULL DEFAULT 1 CHECK (trigger IN (0, 1)),
  platform_id       TEXT,
  channel_type      TEXT,
  thread_id         TEXT,
  content           TEXT    NOT NULL,
  source_session_id TEXT,
  on_wake           INTEGER NOT NULL DEFAULT 0 CHECK (on_wake IN (0, 1))
) STRICT;

CREATE TABLE delivered (
  message_out_id      TEXT    NOT NULL PRIMARY KEY,
  seq                 INTEGER NOT NULL CHECK (seq > 0),
  platform_message_id TEXT,
  status              TEXT    NOT NULL CHECK (status IN ('delivered', 'failed', 'unknown')),
  delivered_at        TEXT    NOT NULL,
  channel_type        TEXT,
  platform_id         TEXT,
  thread_id           TEXT
) STRICT;

CREATE TABLE destinations (
  name           TEXT NOT NULL PRIMARY KEY,
  display_name   TEXT NOT NULL,
  type           TEXT NOT NULL CHECK (type IN ('channel', 'agent')),
  channel_type   TEXT,
  platform_id    TEXT,
  agent_group_id TEXT
) STRICT;

CREATE TABLE session_routing (
  only         INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  channel_type TEXT,
  platform_id  TEXT,
  thread_id    TEXT
) STRICT;

CREATE TABLE meta (
  only           INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  epoch          INTEGER NOT NULL CHECK (epoch > 0),
  seq_floor      INTEGER NOT NULL CHECK (seq_floor >= 0),
  provider_state TEXT    NOT NULL,
  timezone       TEXT    NOT NULL
) STRICT;
