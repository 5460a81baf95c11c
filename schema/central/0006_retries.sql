-- A message out that was given up can be tried again by a person; how often that has been. Each end of it is told.

ALTER TABLE ledger ADD COLUMN retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0);
