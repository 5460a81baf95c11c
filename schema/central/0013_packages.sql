-- Packages that an agent asks for, until their versions are known and people can be asked.

-- `id` is what the approval will be called; `packages` what its image would have in all, `before` what it has.
CREATE TABLE package_requests (
  id           TEXT NOT NULL PRIMARY KEY,
  session_id   TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  packages     TEXT NOT NULL,
  before       TEXT NOT NULL,
  reason       TEXT NOT NULL,
  requested_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
