-- MariaDB cannot add a column at once, or without a lock, while a generated column has an index.
ALTER TABLE events DROP KEY events_unindexed_changes_idx, ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE events
  ADD COLUMN cancellation_deadline DATETIME(3) NULL,
  ADD COLUMN cancellation_reason VARCHAR(500) NULL,
  ALGORITHM=INSTANT;

ALTER TABLE events
  ADD KEY events_unindexed_changes_idx (unindexed_changes),
  ALGORITHM=INPLACE, LOCK=NONE;
