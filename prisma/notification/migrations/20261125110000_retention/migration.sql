CREATE INDEX dead_letters_redriven_at_id_idx ON dead_letters (redriven_at, id);

CREATE INDEX event_facts_starts_at_idx ON event_facts (starts_at);
