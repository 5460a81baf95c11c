-- Messages of agents to agents. One is delivered in the ledger at once, and is a message in of a session of the other.

-- The session that a message to an agent came out of: where an answer to it goes.
ALTER TABLE inbound ADD COLUMN source_session_id TEXT REFERENCES sessions (id);
-- How many messages from agent to agent led to this one, with it; 0: it came from elsewhere.
ALTER TABLE inbound ADD COLUMN hops INTEGER NOT NULL DEFAULT 0 CHECK (hops >= 0);
-- What set them off: the id of the first message of the chain.
ALTER TABLE inbound ADD COLUMN chain TEXT;

CREATE INDEX inbound_hops ON inbound (session_id, timestamp)        WHERE hops > 0;
CREATE INDEX inbound_mail ON inbound (platform_id, timestamp)       WHERE channel = 'agent';
CREATE INDEX inbound_peer ON inbound (session_id, platform_id, seq) WHERE source_session_id IS NOT NULL;
