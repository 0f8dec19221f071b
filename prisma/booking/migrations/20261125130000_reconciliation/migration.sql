ALTER TABLE inventories
  ADD COLUMN facts_correlation_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  ALGORITHM=INSTANT;

CREATE TABLE reconciliations (
  name           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  after_event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  due_at         DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

INSERT INTO reconciliations (name) VALUES ('bookings');
