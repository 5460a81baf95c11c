-- What is open or was given up, found without a walk over all that was ever said: for overviews of a running house.

CREATE INDEX inbound_paused ON inbound (session_id) WHERE status = 'paused';
CREATE INDEX inbound_failed ON inbound (session_id) WHERE status = 'failed';
CREATE INDEX ledger_dead    ON ledger  (session_id) WHERE state IN ('dead', 'unknown');
