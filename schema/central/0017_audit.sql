-- What was done by whoever has a say, one record an act: added to, and never changed.

-- `who` is a user, `agent:<agent group>` or `host`; `what` the act's own words; `subject` what it was about; `digest` the
-- SHA-256 of all that it was given, secrets left out. `begun`: the act takes time, and its end is a record of its own.
CREATE TABLE audit (
  number  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  at      TEXT    NOT NULL,
  who     TEXT    NOT NULL CHECK (length(who) > 0),
  what    TEXT    NOT NULL CHECK (length(what) > 0),
  subject TEXT,
  digest  TEXT,
  outcome TEXT    NOT NULL CHECK (outcome IN ('begun', 'done', 'refused', 'failed')),
  detail  TEXT
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (subject, who);
CREATE INDEX audit_removals ON audit (subject) WHERE what = 'audit remove';

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit is only added to');
END;
-- INSERT OR REPLACE removes without asking the trigger below.
CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit a WHERE a.number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit is only added to');
END;
-- What is old goes by a rule, and only after a record that says so: everything up to its subject.
CREATE TRIGGER audit_is_removed_by_rule BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit a WHERE a.what = 'audit remove' AND a.subject >= OLD.at AND a.number > OLD.number)
BEGIN
  SELECT RAISE(ABORT, 'the audit is only added to');
END;
