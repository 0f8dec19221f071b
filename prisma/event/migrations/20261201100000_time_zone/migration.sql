-- MariaDB cannot add a column at once, or without a lock, while a generated column has an index.
ALTER TABLE events DROP KEY events_unindexed_changes_idx, ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE events
  ADD COLUMN time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'UTC',
  ALGORITHM=INSTANT;

ALTER TABLE events
  ADD KEY events_unindexed_changes_idx (unindexed_changes),
  ALGORITHM=INPLACE, LOCK=NONE;
