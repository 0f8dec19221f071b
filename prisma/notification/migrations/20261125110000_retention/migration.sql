ALTER TABLE dead_letters ADD KEY dead_letters_redriven_at_id_idx (redriven_at, id), ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE event_facts ADD KEY event_facts_starts_at_idx (starts_at), ALGORITHM=INPLACE, LOCK=NONE;
