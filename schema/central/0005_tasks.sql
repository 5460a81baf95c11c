-- What is due at a time: tasks, their occurrences, what agents asked of the host, and indexes for whatever is due.

-- `cron` NULL: it comes once, at `first_at`. `timezone` is an IANA name: what the wall clock of the task is.
CREATE TABLE tasks (
  id          TEXT    NOT NULL PRIMARY KEY,
  session_id  TEXT    NOT NULL REFERENCES sessions (id),
  prompt      TEXT    NOT NULL,
  script      TEXT,
  channel     TEXT,
  platform_id TEXT,
  thread_id   TEXT,
  timezone    TEXT    NOT NULL,
  cron        TEXT,
  first_at    TEXT    NOT NULL,
  misfire     TEXT    NOT NULL CHECK (misfire IN ('latest', 'all', 'skip')),
  state       TEXT    NOT NULL CHECK (state IN ('active', 'paused', 'done', 'cancelled')),
  reason      TEXT,
  failures    INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
  made_by     TEXT    NOT NULL CHECK (made_by IN ('agent', 'operator', 'import')),
  created_at  TEXT    NOT NULL,
  changed_at  TEXT    NOT NULL
) STRICT;
CREATE INDEX tasks_live ON tasks (session_id) WHERE state IN ('active', 'paused');

-- Made before its time; `queued_at` is when its message was made, which is the only way to `inbound_id`.
CREATE TABLE occurrences (
  task_id    TEXT NOT NULL REFERENCES tasks (id),
  due_at     TEXT NOT NULL,
  inbound_id TEXT UNIQUE REFERENCES inbound (id),
  queued_at  TEXT,
  outcome    TEXT CHECK (outcome IN ('ran', 'late', 'missed', 'skipped', 'failed')),
  reason     TEXT,
  decided_at TEXT,
  PRIMARY KEY (task_id, due_at),
  CHECK ((inbound_id IS NULL) = (queued_at IS NULL)),
  CHECK ((outcome IS NULL) = (decided_at IS NULL)),
  CHECK (outcome IS NULL OR (outcome IN ('missed', 'skipped')) OR queued_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
-- At most one plan for each task: what comes after it is planted when it is taken up.
CREATE UNIQUE INDEX occurrences_planned ON occurrences (task_id) WHERE outcome IS NULL AND queued_at IS NULL;
CREATE INDEX occurrences_due  ON occurrences (due_at)  WHERE outcome IS NULL AND queued_at IS NULL;
CREATE INDEX occurrences_open ON occurrences (task_id) WHERE outcome IS NULL AND queued_at IS NOT NULL;

-- What agents asked of the host itself; the key makes a request that is read twice one.
CREATE TABLE requests (
  session_id TEXT    NOT NULL REFERENCES sessions (id),
  epoch      INTEGER NOT NULL,
  runner_id  TEXT    NOT NULL,
  action     TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  accepted   INTEGER NOT NULL CHECK (accepted IN (0, 1)),
  result     TEXT    NOT NULL,
  handled_at TEXT    NOT NULL,
  PRIMARY KEY (session_id, epoch, runner_id),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, number)
) STRICT, WITHOUT ROWID;

-- What is due, in the order of its time, however many sessions rest.
CREATE INDEX inbound_due        ON inbound   (process_after) WHERE status = 'pending' AND trigger = 1;
CREATE INDEX ledger_due         ON ledger    (not_before)    WHERE state = 'pending';
CREATE INDEX approvals_expiring ON approvals (expires_at)    WHERE state = 'pending' AND expires_at IS NOT NULL;

-- Tasks that an import brought as paused messages. Their zone was not written down; resuming one shows its next runs.
INSERT INTO tasks (id, session_id, prompt, script, channel, platform_id, thread_id, timezone, cron, first_at, misfire,
                   state, reason, made_by, created_at, changed_at)
  SELECT id, session_id, json_extract(content, '$.prompt'), json_extract(content, '$.script'), channel, platform_id,
         thread_id, 'UTC', recurrence, coalesce(process_after, timestamp), 'latest', 'paused', 'it was imported',
         'import', timestamp, timestamp
    FROM inbound WHERE kind = 'task' AND status = 'paused';
DELETE FROM inbound WHERE kind = 'task' AND status = 'paused';
