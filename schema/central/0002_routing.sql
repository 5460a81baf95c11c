-- Who hears what: engage modes, rights, destinations, sessions by thread, and what waits for a person's approval.
-- Tables that others refer to are replaced; the migrator checks every reference before it commits.

-- Whoever could speak to an agent before this migration still can; chats made from now on say what they want.
ALTER TABLE messaging_groups ADD COLUMN unknown_sender_policy TEXT NOT NULL DEFAULT 'strict'
  CHECK (unknown_sender_policy IN ('strict', 'request_approval', 'public'));
ALTER TABLE messaging_groups ADD COLUMN denied_at TEXT;
UPDATE messaging_groups SET unknown_sender_policy = 'public';

-- `shown` is the tick of the last change to what a running session of this agent group may know besides messages.
ALTER TABLE agent_groups ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;

CREATE TABLE wirings_new (
  id                     TEXT    NOT NULL PRIMARY KEY,
  messaging_group_id     TEXT    NOT NULL REFERENCES messaging_groups (id),
  agent_group_id         TEXT    NOT NULL REFERENCES agent_groups (id),
  engage_mode            TEXT    NOT NULL CHECK (engage_mode IN ('pattern', 'mention', 'mention-sticky')),
  engage_pattern         TEXT,
  sender_scope           TEXT    NOT NULL CHECK (sender_scope IN ('all', 'known')),
  ignored_message_policy TEXT    NOT NULL CHECK (ignored_message_policy IN ('drop', 'accumulate')),
  session_mode           TEXT    NOT NULL CHECK (session_mode IN ('shared', 'per-thread', 'agent-shared')),
  priority               INTEGER NOT NULL DEFAULT 0,
  created_at             TEXT    NOT NULL,
  UNIQUE (messaging_group_id, agent_group_id),
  CHECK ((engage_mode = 'pattern') = (engage_pattern IS NOT NULL))
) STRICT;
INSERT INTO wirings_new
  SELECT id, messaging_group_id, agent_group_id, 'pattern', '.', 'all', 'drop', 'shared', priority, created_at
    FROM wirings;
DROP TABLE wirings;
ALTER TABLE wirings_new RENAME TO wirings;
CREATE INDEX wirings_agent ON wirings (agent_group_id);

CREATE TABLE roles (
  id             TEXT NOT NULL PRIMARY KEY,
  user_id        TEXT NOT NULL REFERENCES users (id),
  role           TEXT NOT NULL CHECK (role IN ('owner', 'admin')),
  agent_group_id TEXT          REFERENCES agent_groups (id),
  granted_by     TEXT          REFERENCES users (id),
  granted_at     TEXT NOT NULL,
  CHECK (role <> 'owner' OR agent_group_id IS NULL)
) STRICT;
-- A constraint would take two global grants for two different ones: NULL equals nothing.
CREATE UNIQUE INDEX roles_once ON roles (user_id, role, coalesce(agent_group_id, ''));

CREATE TABLE members (
  user_id        TEXT NOT NULL REFERENCES users (id),
  agent_group_id TEXT NOT NULL REFERENCES agent_groups (id),
  added_by       TEXT          REFERENCES users (id),
  added_at       TEXT NOT NULL,
  PRIMARY KEY (user_id, agent_group_id)
) STRICT, WITHOUT ROWID;

-- A shared session has a chat, a per-thread one a chat and a thread, an agent-shared one neither.
-- `context_seq` is the number of the last row of its chat's own session that was copied into a thread's.
CREATE TABLE sessions_new (
  id                 TEXT    NOT NULL PRIMARY KEY,
  agent_group_id     TEXT    NOT NULL REFERENCES agent_groups (id),
  messaging_group_id TEXT             REFERENCES messaging_groups (id),
  thread_id          TEXT CHECK (thread_id <> ''),
  provider_state     TEXT    NOT NULL DEFAULT '{}',
  context_seq        INTEGER NOT NULL DEFAULT 0,
  created_at         TEXT    NOT NULL,
  CHECK (thread_id IS NULL OR messaging_group_id IS NOT NULL)
) STRICT;
INSERT INTO sessions_new (id, agent_group_id, messaging_group_id, provider_state, created_at)
  SELECT id, agent_group_id, messaging_group_id, provider_state, created_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_new RENAME TO sessions;
CREATE UNIQUE INDEX sessions_once
  ON sessions (agent_group_id, coalesce(messaging_group_id, ''), coalesce(thread_id, ''));
CREATE INDEX sessions_chat ON sessions (messaging_group_id, thread_id);

-- This agent group has answered in this thread: what makes a mention-sticky wiring stick. Storing a message does not.
CREATE TABLE engagements (
  agent_group_id     TEXT NOT NULL REFERENCES agent_groups (id),
  messaging_group_id TEXT NOT NULL REFERENCES messaging_groups (id),
  thread_id          TEXT NOT NULL,
  engaged_at         TEXT NOT NULL,
  PRIMARY KEY (messaging_group_id, thread_id, agent_group_id)
) STRICT, WITHOUT ROWID;

-- `sender_id` is kept only where somebody heard the event or was kept from it. `mention`: was it said to us, as far as
-- its platform has told yet?
CREATE TABLE events_new (
  id                  TEXT    NOT NULL PRIMARY KEY,
  channel             TEXT    NOT NULL,
  platform_message_id TEXT    NOT NULL,
  platform_id         TEXT    NOT NULL,
  thread_id           TEXT,
  sender_id           TEXT,
  mention             INTEGER NOT NULL CHECK (mention IN (0, 1)),
  received_at         TEXT    NOT NULL,
  UNIQUE (channel, platform_message_id)
) STRICT;
INSERT INTO events_new
  SELECT id, channel, platform_message_id, platform_id, thread_id, sender_id, 1, received_at FROM events;
DROP TABLE events;
ALTER TABLE events_new RENAME TO events;

-- A task that comes again says when, in cron's words, and which of its runs belong together.
ALTER TABLE inbound ADD COLUMN recurrence TEXT;
ALTER TABLE inbound ADD COLUMN series_id  TEXT;

-- Edits and deletions of platform messages that somebody had heard; `revision` is the platform's own name of the change.
CREATE TABLE revisions (
  event_id    TEXT NOT NULL REFERENCES events (id),
  revision    TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('edit', 'deletion')),
  received_at TEXT NOT NULL,
  PRIMARY KEY (event_id, revision)
) STRICT, WITHOUT ROWID;

-- The names an agent group may write to, and so its permission to.
CREATE TABLE destinations (
  agent_group_id        TEXT NOT NULL REFERENCES agent_groups (id),
  name                  TEXT NOT NULL,
  messaging_group_id    TEXT          REFERENCES messaging_groups (id),
  target_agent_group_id TEXT          REFERENCES agent_groups (id),
  made_by               TEXT NOT NULL CHECK (made_by IN ('wiring', 'operator', 'agent')),
  created_at            TEXT NOT NULL,
  PRIMARY KEY (agent_group_id, name),
  UNIQUE (agent_group_id, messaging_group_id),
  UNIQUE (agent_group_id, target_agent_group_id),
  CHECK ((messaging_group_id IS NULL) <> (target_agent_group_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX destinations_chat  ON destinations (messaging_group_id)    WHERE messaging_group_id IS NOT NULL;
CREATE INDEX destinations_agent ON destinations (target_agent_group_id) WHERE target_agent_group_id IS NOT NULL;

-- What is set for one agent group and not for the whole home; NULL: as the home says.
CREATE TABLE container_settings (
  agent_group_id          TEXT    NOT NULL PRIMARY KEY REFERENCES agent_groups (id) ON DELETE CASCADE,
  provider                TEXT,
  model                   TEXT,
  effort                  TEXT,
  assistant_name          TEXT,
  image_tag               TEXT,
  max_messages_per_prompt INTEGER CHECK (max_messages_per_prompt > 0),
  skills                  TEXT    NOT NULL DEFAULT '"all"',
  mcp_servers             TEXT    NOT NULL DEFAULT '{}',
  packages                TEXT    NOT NULL DEFAULT '{}',
  additional_mounts       TEXT    NOT NULL DEFAULT '[]',
  admin_scope             TEXT    NOT NULL DEFAULT 'group' CHECK (admin_scope IN ('disabled', 'group', 'global')),
  updated_at              TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a user can be written to without having written first, once an adapter has found out.
CREATE TABLE direct_messages (
  user_id            TEXT NOT NULL REFERENCES users (id),
  channel            TEXT NOT NULL,
  messaging_group_id TEXT NOT NULL REFERENCES messaging_groups (id),
  resolved_at        TEXT NOT NULL,
  PRIMARY KEY (user_id, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE questions (
  id                 TEXT NOT NULL PRIMARY KEY,
  session_id         TEXT NOT NULL REFERENCES sessions (id),
  ledger_id          TEXT          REFERENCES ledger (id),
  title              TEXT NOT NULL,
  options            TEXT NOT NULL,
  asked_at           TEXT NOT NULL,
  answered_at        TEXT,
  answered_by        TEXT          REFERENCES users (id),
  answer             TEXT,
  CHECK ((answered_at IS NULL) = (answer IS NULL))
) STRICT;

-- What waits for a person. `subject` makes asking for the same thing twice one row while it waits.
CREATE TABLE approvals (
  id                 TEXT NOT NULL PRIMARY KEY,
  kind               TEXT NOT NULL CHECK (kind IN ('chat', 'sender', 'request')),
  subject            TEXT NOT NULL,
  messaging_group_id TEXT          REFERENCES messaging_groups (id),
  agent_group_id     TEXT          REFERENCES agent_groups (id),
  session_id         TEXT          REFERENCES sessions (id),
  payload            TEXT NOT NULL,
  digest             TEXT NOT NULL,
  state              TEXT NOT NULL CHECK (state IN ('pending', 'executing', 'done', 'rejected', 'expired', 'failed')),
  requested_at       TEXT NOT NULL,
  expires_at         TEXT,
  answered_by        TEXT          REFERENCES users (id),
  answered_at        TEXT,
  result             TEXT
) STRICT;
CREATE UNIQUE INDEX approvals_waiting ON approvals (kind, subject) WHERE state IN ('pending', 'executing');

-- What the host itself says to a chat belongs to no session, so it has no number either.
CREATE TABLE ledger_new (
  position            INTEGER PRIMARY KEY AUTOINCREMENT,
  id                  TEXT    NOT NULL UNIQUE,
  session_id          TEXT             REFERENCES sessions (id),
  epoch               INTEGER,
  runner_id           TEXT,
  digest              TEXT    NOT NULL,
  seq                 INTEGER CHECK (seq > 0),
  in_reply_to         TEXT,
  channel             TEXT    NOT NULL,
  platform_id         TEXT    NOT NULL,
  thread_id           TEXT,
  kind                TEXT    NOT NULL,
  content             TEXT    NOT NULL,
  state               TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'unknown', 'dead')),
  attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  not_before          TEXT,
  platform_message_id TEXT,
  error               TEXT,
  created_at          TEXT    NOT NULL,
  settled_at          TEXT,
  touched             INTEGER NOT NULL,
  UNIQUE (session_id, epoch, runner_id),
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, number),
  CHECK ((epoch IS NULL) = (runner_id IS NULL)),
  CHECK (session_id IS NOT NULL OR epoch IS NULL),
  CHECK ((session_id IS NULL) = (seq IS NULL)),
  CHECK ((epoch IS NULL) = (coalesce(seq, 0) % 2 = 0)),
  CHECK ((settled_at IS NULL) = (state IN ('pending', 'sending')))
) STRICT;
INSERT INTO ledger_new SELECT * FROM ledger;
DROP TABLE ledger;
ALTER TABLE ledger_new RENAME TO ledger;
CREATE INDEX ledger_open    ON ledger (channel, platform_id, position) WHERE state IN ('pending', 'sending');
CREATE INDEX ledger_touched ON ledger (session_id, touched);

-- Every wiring has its destination; those from before get it now, by the rule of nanoclaw/core/destinations.py as far
-- as SQL can say it: the first agent group of a home was wired to one chat, the terminal.
INSERT INTO destinations (agent_group_id, name, messaging_group_id, made_by, created_at)
  SELECT w.agent_group_id,
         'chat-' || row_number() OVER (PARTITION BY w.agent_group_id ORDER BY w.created_at, w.id),
         w.messaging_group_id, 'wiring', w.created_at
    FROM wirings w;
UPDATE destinations SET name = 'terminal'
 WHERE name = 'chat-1'
   AND messaging_group_id IN (SELECT id FROM messaging_groups WHERE name = 'Terminal');

-- Which agent group a drop kept from hearing; an event can be refused by one and heard by another.
ALTER TABLE drops ADD COLUMN agent_group_id TEXT REFERENCES agent_groups (id);
ALTER TABLE drops ADD COLUMN messaging_group_id TEXT REFERENCES messaging_groups (id);
ALTER TABLE drops ADD COLUMN sender_id TEXT;
CREATE INDEX drops_when ON drops (dropped_at);
