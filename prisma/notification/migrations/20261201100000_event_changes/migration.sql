ALTER TABLE event_facts
  ADD COLUMN status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'SCHEDULED',
  ALGORITHM=INSTANT;

ALTER TABLE notifications
  ADD COLUMN change_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ALGORITHM=INSTANT;

CREATE TABLE event_bookings (
  event_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  booking_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seat_count   INT NOT NULL,
  confirmed_at DATETIME(3) NULL,
  is_cancelled BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (event_id, user_id, booking_id),
  KEY event_bookings_user_id_idx (user_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE event_changes (
  id                 VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  starts_at          DATETIME(3) NOT NULL,
  venue              VARCHAR(200) NULL,
  previous_starts_at DATETIME(3) NOT NULL,
  previous_venue     VARCHAR(200) NULL,
  changed_at         DATETIME(3) NOT NULL,
  request_id         VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  after_user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  due_at             DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY event_changes_event_id_changed_at_idx (event_id, changed_at),
  KEY event_changes_due_at_idx (due_at),
  KEY event_changes_changed_at_idx (changed_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- The bookings that this subgraph was told of before. A cancelled one has two notifications.
INSERT INTO event_bookings (event_id, user_id, booking_id, seat_count, confirmed_at, is_cancelled)
SELECT event_id, user_id, booking_id, seat_count, IF(kind = 'BOOKING_CONFIRMED', created_at, NULL), kind <> 'BOOKING_CONFIRMED'
FROM notifications WHERE kind IN ('BOOKING_CONFIRMED', 'BOOKING_CANCELLED')
ON DUPLICATE KEY UPDATE
  is_cancelled = GREATEST(event_bookings.is_cancelled, VALUES(is_cancelled)),
  confirmed_at = COALESCE(event_bookings.confirmed_at, VALUES(confirmed_at));
