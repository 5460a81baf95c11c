-- What people have said about the work of sessions: set aside until somebody says otherwise, or not wanted any more.

-- As long as there is a row, nobody starts a sandbox for the session, and what comes for it waits. `who` is a user.
CREATE TABLE parkings (
  session_id TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  who        TEXT NOT NULL CHECK (length(who) > 0),
  because    TEXT NOT NULL CHECK (length(because) > 0),
  parked_at  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The message is not worked on any more, unless its turn ends before its sandbox does: decided as that epoch closes.
CREATE TABLE cancellations (
  inbound_id   TEXT    NOT NULL PRIMARY KEY REFERENCES inbound (id) ON DELETE CASCADE,
  session_id   TEXT    NOT NULL,
  epoch        INTEGER NOT NULL,
  who          TEXT    NOT NULL CHECK (length(who) > 0),
  because      TEXT    NOT NULL,
  cancelled_at TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cancellations_epoch ON cancellations (session_id, epoch);
