-- Programs that MCP servers are started with, as they were when somebody approved them: their agents could change them.

CREATE TABLE programs (
  agent_group_id TEXT NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
  digest         TEXT NOT NULL,
  content        BLOB NOT NULL,
  kept_at        TEXT NOT NULL,
  PRIMARY KEY (agent_group_id, digest)
) STRICT;
