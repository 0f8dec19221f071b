ALTER TABLE inventories
  ADD COLUMN waiting_seats MEDIUMINT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN last_waitlist_place INT NOT NULL DEFAULT 0,
  ALGORITHM=INSTANT;

CREATE TABLE waitlist_entries (
  id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seat_count INT NOT NULL,
  place      INT NOT NULL,
  status     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'WAITING',
  hold_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  ended_at   DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY waitlist_entries_event_id_place_key (event_id, place),
  KEY waitlist_entries_event_id_status_place_idx (event_id, status, place),
  KEY waitlist_entries_event_id_status_seat_count_place_idx (event_id, status, seat_count, place),
  KEY waitlist_entries_user_id_event_id_status_idx (user_id, event_id, status),
  KEY waitlist_entries_user_id_id_idx (user_id, id),
  KEY waitlist_entries_ended_at_idx (ended_at),
  CONSTRAINT waitlist_entries_status_check CHECK (status IN ('WAITING', 'OFFERED', 'LEFT', 'ENDED')),
  CONSTRAINT waitlist_entries_seat_count_check CHECK (seat_count >= 1)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
