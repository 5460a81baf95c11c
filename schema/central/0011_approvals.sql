-- What a person has to decide: all that would be done and how it is shown, the cards that show it, what is kept meanwhile.

-- `title`, `lines` and `options` are what people are shown, `payload` is what is done; neither changes. `needs`: who
-- may decide, admins of the agent group or only those who are over all of them. Nobody asked for a 'request' before.
CREATE TABLE approvals_new (
  id                 TEXT NOT NULL PRIMARY KEY,
  kind               TEXT NOT NULL CHECK (kind <> ''),
  subject            TEXT NOT NULL,
  messaging_group_id TEXT          REFERENCES messaging_groups (id),
  agent_group_id     TEXT          REFERENCES agent_groups (id),
  session_id         TEXT          REFERENCES sessions (id),
  payload            TEXT NOT NULL,
  digest             TEXT NOT NULL,
  title              TEXT NOT NULL,
  lines              TEXT NOT NULL,
  options            TEXT NOT NULL,
  needs              TEXT NOT NULL CHECK (needs IN ('admin', 'global admin')),
  state              TEXT NOT NULL CHECK (state IN ('pending', 'executing', 'done', 'rejected', 'expired', 'failed')),
  requested_at       TEXT NOT NULL,
  expires_at         TEXT,
  answer             TEXT,
  answered_by        TEXT          REFERENCES users (id),
  answered_at        TEXT,
  answered_in        TEXT,
  result             TEXT,
  ended_at           TEXT,
  CHECK ((ended_at IS NULL) = (state IN ('pending', 'executing'))),
  CHECK (state <> 'executing' OR answer IS NOT NULL)
) STRICT;
INSERT INTO approvals_new
  SELECT id, kind, subject, messaging_group_id, agent_group_id, session_id, payload, digest,
         CASE kind WHEN 'chat' THEN 'A chat that no agent hears' ELSE 'Somebody who may not speak here' END,
         json_array(payload),
         CASE kind WHEN 'chat' THEN '{"options":[{"label":"Reject","value":"reject"}]}'
                   ELSE '{"options":[{"label":"Allow","value":"approve"},{"label":"Deny","value":"reject"}]}' END,
         CASE kind WHEN 'chat' THEN 'global admin' ELSE 'admin' END,
         state, requested_at, expires_at, NULL, answered_by, answered_at, NULL, result,
         CASE WHEN state NOT IN ('pending', 'executing') THEN coalesce(answered_at, requested_at) END
    FROM approvals WHERE kind <> 'request' AND state <> 'executing';
DROP TABLE approvals;
ALTER TABLE approvals_new RENAME TO approvals;
CREATE UNIQUE INDEX approvals_waiting  ON approvals (kind, subject) WHERE state IN ('pending', 'executing');
CREATE INDEX approvals_expiring ON approvals (expires_at)    WHERE state = 'pending' AND expires_at IS NOT NULL;
CREATE INDEX approvals_open     ON approvals (state)         WHERE state IN ('pending', 'executing');

-- An edit of the host's own message: which one it is about.
ALTER TABLE ledger ADD COLUMN about TEXT;

-- An approval as it was sent to one person. `code` has to be typed where there are no buttons.
CREATE TABLE approval_cards (
  id          TEXT NOT NULL PRIMARY KEY,
  approval_id TEXT NOT NULL REFERENCES approvals (id),
  ledger_id   TEXT NOT NULL UNIQUE REFERENCES ledger (id),
  approver    TEXT NOT NULL,
  channel     TEXT NOT NULL,
  platform_id TEXT NOT NULL,
  code        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('open', 'over', 'lost')),
  sent_at     TEXT NOT NULL
) STRICT;
CREATE INDEX approval_cards_open     ON approval_cards (channel, platform_id) WHERE state = 'open';
CREATE INDEX approval_cards_approval ON approval_cards (approval_id);

-- One for each option of each card: what its button says to us.
CREATE TABLE approval_tokens (
  token   TEXT NOT NULL PRIMARY KEY,
  card_id TEXT NOT NULL REFERENCES approval_cards (id) ON DELETE CASCADE,
  value   TEXT NOT NULL,
  UNIQUE (card_id, value)
) STRICT, WITHOUT ROWID;

-- What somebody said who may not yet be heard. It goes when that is decided, whatever the decision.
CREATE TABLE kept_messages (
  approval_id TEXT NOT NULL PRIMARY KEY REFERENCES approvals (id) ON DELETE CASCADE,
  event_id    TEXT NOT NULL             REFERENCES events (id) ON DELETE CASCADE,
  message     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
