-- Where the model's session was when a message was settled, to go back to that turn.

-- `state` is what the next sandbox is given then, as `sessions.provider_state` is: '{}' where it begins anew. A message
-- without a row was settled by one whose sandbox said nothing of it; the turn before it counts.
CREATE TABLE continuations (
  inbound_id TEXT NOT NULL PRIMARY KEY REFERENCES inbound (id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (json_valid(state))
) STRICT, WITHOUT ROWID;
