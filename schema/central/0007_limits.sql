-- What the sandboxes of an agent group reach, and what they may take of the machine.

ALTER TABLE container_settings ADD COLUMN network TEXT NOT NULL DEFAULT 'none' CHECK (network IN ('none', 'open'));
-- JSON: `memory`, `cpus`, `pids`; what is not in it is as usual.
ALTER TABLE container_settings ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
