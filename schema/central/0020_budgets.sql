-- What agents may take of their models, and what they took, as the gateway counts it.

-- A number that is NULL is no limit. `micros` are millionths of a dollar.
CREATE TABLE budgets (
  agent_group_id TEXT    NOT NULL PRIMARY KEY REFERENCES agent_groups (id) ON DELETE CASCADE,
  tokens_day     INTEGER CHECK (tokens_day > 0),
  tokens_month   INTEGER CHECK (tokens_month > 0),
  micros_day     INTEGER CHECK (micros_day > 0),
  micros_month   INTEGER CHECK (micros_month > 0),
  set_at         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A day is one of the home's own zone. `read` are all tokens that a model read, of which `cached` came from its cache;
-- `estimated` are calls whose answer did not say, or was not heard to its end.
CREATE TABLE spending (
  agent_group_id TEXT    NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
  day            TEXT    NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  session_id     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  model          TEXT    NOT NULL,
  calls          INTEGER NOT NULL CHECK (calls >= 0),
  estimated      INTEGER NOT NULL CHECK (estimated >= 0),
  read           INTEGER NOT NULL CHECK (read >= 0),
  cached         INTEGER NOT NULL CHECK (cached >= 0),
  written        INTEGER NOT NULL CHECK (written >= 0),
  micros         INTEGER NOT NULL CHECK (micros >= 0),
  PRIMARY KEY (agent_group_id, day, session_id, model)
) STRICT, WITHOUT ROWID;
