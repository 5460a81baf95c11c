-- Whom an agent lets answer a question, where it says so: what its words meant in that chat, as JSON.
ALTER TABLE questions ADD COLUMN responders TEXT CHECK (json_valid(responders));
