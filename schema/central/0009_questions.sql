-- What agents ask people to choose, and what their models took.

-- Nobody wrote questions before. `id` is the runner's name for it; `asked_of` is who triggered the turn that asks.
DROP TABLE questions;
CREATE TABLE questions (
  id          TEXT NOT NULL PRIMARY KEY,
  session_id  TEXT NOT NULL REFERENCES sessions (id),
  ledger_id   TEXT NOT NULL UNIQUE REFERENCES ledger (id),
  asked_of    TEXT          REFERENCES users (id),
  channel     TEXT NOT NULL,
  platform_id TEXT NOT NULL,
  thread_id   TEXT,
  title       TEXT NOT NULL,
  question    TEXT NOT NULL,
  options     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('open', 'answered', 'expired', 'undelivered')),
  asked_at    TEXT NOT NULL,
  expires_at  TEXT,
  ended_at    TEXT,
  answered_by TEXT          REFERENCES users (id),
  answer      TEXT,
  CHECK ((ended_at IS NULL) = (state = 'open')),
  CHECK ((answer IS NOT NULL) = (state = 'answered')),
  CHECK ((answered_by IS NOT NULL) = (state = 'answered'))
) STRICT;
CREATE INDEX questions_open     ON questions (channel, platform_id) WHERE state = 'open';
CREATE INDEX questions_session  ON questions (session_id)           WHERE state = 'open';
CREATE INDEX questions_expiring ON questions (expires_at)           WHERE state = 'open' AND expires_at IS NOT NULL;

-- A row for each result of a model, as its runner counts them; `at` is when the host heard of it.
CREATE TABLE usage (
  session_id TEXT    NOT NULL REFERENCES sessions (id),
  epoch      INTEGER NOT NULL,
  seq        INTEGER NOT NULL CHECK (seq >= 0),
  at         TEXT    NOT NULL,
  model      TEXT,
  read       INTEGER NOT NULL CHECK (read >= 0),
  written    INTEGER NOT NULL CHECK (written >= 0),
  cached     INTEGER NOT NULL CHECK (cached >= 0),
  cost_usd   REAL CHECK (cost_usd >= 0),
  PRIMARY KEY (session_id, epoch, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, number)
) STRICT, WITHOUT ROWID;
