-- How often an agent asked for something is counted; an agent that another one made begins with what it was told.

CREATE INDEX requests_lately ON requests (session_id, action, handled_at);

ALTER TABLE container_settings ADD COLUMN first_memory TEXT;
