-- What the sandboxes of agents may reach besides their model, and what they asked for.

-- `said` is `host:port` as the host reads it, or the word for a preset. `methods` are words with commas; empty: all.
CREATE TABLE egress_rules (
  agent_group_id TEXT    NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
  said           TEXT    NOT NULL CHECK (length(said) > 0),
  methods        TEXT    NOT NULL DEFAULT '',
  path           TEXT    NOT NULL DEFAULT '',
  near           INTEGER NOT NULL DEFAULT 0 CHECK (near IN (0, 1)),
  added_at       TEXT    NOT NULL,
  PRIMARY KEY (agent_group_id, said)
) STRICT, WITHOUT ROWID;

-- One row a request. The oldest go as new ones come, so nothing refers to them and they refer to nothing.
CREATE TABLE egress_log (
  number         INTEGER NOT NULL PRIMARY KEY,
  at             TEXT    NOT NULL,
  agent_group_id TEXT    NOT NULL,
  session_id     TEXT    NOT NULL,
  method         TEXT    NOT NULL,
  place          TEXT    NOT NULL,
  outcome        TEXT    NOT NULL CHECK (outcome IN ('allowed', 'refused', 'failed')),
  why            TEXT    NOT NULL,
  sent           INTEGER NOT NULL CHECK (sent >= 0),
  received       INTEGER NOT NULL CHECK (received >= 0),
  milliseconds   INTEGER NOT NULL CHECK (milliseconds >= 0)
) STRICT;
CREATE INDEX egress_log_by_group ON egress_log (agent_group_id);
