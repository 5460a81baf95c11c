-- Sandboxes that are told to start anew.

-- Why somebody wants the epoch to end now, whatever its agent does; NULL: nobody does.
ALTER TABLE epochs ADD COLUMN told_to_end TEXT;

-- A message that only this epoch and later ones may see: what a new sandbox is told as it wakes. NULL: any.
ALTER TABLE inbound ADD COLUMN from_epoch INTEGER CHECK (from_epoch > 0);
