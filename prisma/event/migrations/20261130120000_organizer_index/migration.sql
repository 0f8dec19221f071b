ALTER TABLE events
  ADD KEY events_organizer_id_starts_at_id_idx (organizer_id, starts_at, id),
  ALGORITHM=INPLACE, LOCK=NONE;
