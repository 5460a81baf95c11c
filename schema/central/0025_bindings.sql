-- Which secret of the host's goes with what an agent asks of which host; and what else people may let an agent reach.

-- By `http://gw/NAME/…` an agent group reaches `place` (`host:port`), with `secret` in `header` as `template` says.
-- `asks`: when people are asked. The secret itself is in a file of the home, and never here.
CREATE TABLE secret_bindings (
  agent_group_id TEXT    NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
  name           TEXT    NOT NULL CHECK (length(name) > 0),
  secret         TEXT    NOT NULL CHECK (length(secret) > 0),
  place          TEXT    NOT NULL CHECK (length(place) > 0),
  header         TEXT    NOT NULL CHECK (length(header) > 0),
  template       TEXT    NOT NULL,
  asks           TEXT    NOT NULL CHECK (asks IN ('always', 'first', 'never')),
  near           INTEGER NOT NULL DEFAULT 0 CHECK (near IN (0, 1)),
  added_at       TEXT    NOT NULL,
  PRIMARY KEY (agent_group_id, name)
) STRICT, WITHOUT ROWID;

-- What people have let through. `digest`: of the one request that it is good for, once; empty: of all of that binding.
CREATE TABLE secret_passes (
  approval_id    TEXT NOT NULL PRIMARY KEY,
  agent_group_id TEXT NOT NULL,
  name           TEXT NOT NULL,
  digest         TEXT NOT NULL,
  until          TEXT CHECK ((until IS NULL) = (digest = '')),
  FOREIGN KEY (agent_group_id, name) REFERENCES secret_bindings (agent_group_id, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX secret_passes_by_binding ON secret_passes (agent_group_id, name);

-- A rule that holds for a while only.
ALTER TABLE egress_rules ADD COLUMN until TEXT;

-- Agent groups about whose refused requests people are asked.
CREATE TABLE egress_asking (
  agent_group_id TEXT NOT NULL PRIMARY KEY REFERENCES agent_groups (id) ON DELETE CASCADE,
  added_at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
