-- What the buttons of agents' questions say to us, as those of cards do in approval_tokens, and never in the same table.

-- Questions that were asked before have none: what their buttons say is an option's number or value, which still counts.
CREATE TABLE question_tokens (
  token       TEXT NOT NULL PRIMARY KEY,
  question_id TEXT NOT NULL REFERENCES questions (id) ON DELETE CASCADE,
  value       TEXT NOT NULL,
  UNIQUE (question_id, value)
) STRICT, WITHOUT ROWID;
