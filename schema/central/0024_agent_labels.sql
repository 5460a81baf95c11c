-- Whether agents' messages in a chat begin with their names, where its platform does not show who speaks.
ALTER TABLE messaging_groups
  ADD COLUMN agent_labels TEXT NOT NULL DEFAULT 'auto' CHECK (agent_labels IN ('auto', 'always', 'never'));
