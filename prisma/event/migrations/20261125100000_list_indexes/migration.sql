ALTER TABLE events ADD COLUMN indexed_version INT NOT NULL DEFAULT 0, ALGORITHM=INSTANT;

ALTER TABLE events
  ADD COLUMN unindexed_changes INT GENERATED ALWAYS AS (version - indexed_version) VIRTUAL,
  ALGORITHM=INSTANT;

ALTER TABLE events
  ADD KEY events_status_starts_at_id_idx (status, starts_at, id),
  ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE events
  ADD KEY events_unindexed_changes_idx (unindexed_changes),
  ALGORITHM=INPLACE, LOCK=NONE;

CREATE TABLE event_name_prefixes (
  event_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  prefix    VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  starts_at DATETIME(3) NOT NULL,
  status    VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (event_id, prefix),
  KEY event_name_prefixes_search_idx (prefix, starts_at, event_id, status)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
