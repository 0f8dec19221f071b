ALTER TABLE inventories
  ADD COLUMN held_seats MEDIUMINT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN next_hold_expires_at DATETIME(3) NULL,
  ALGORITHM=INSTANT;

ALTER TABLE inventories
  ADD KEY inventories_next_hold_expires_at_idx (next_hold_expires_at),
  ALGORITHM=INPLACE, LOCK=NONE;

CREATE TABLE holds (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seat_count      INT NOT NULL,
  status          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'HELD',
  idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  expires_at      DATETIME(3) NOT NULL,
  ended_at        DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY holds_user_id_idempotency_key_key (user_id, idempotency_key),
  KEY holds_user_id_id_idx (user_id, id),
  KEY holds_user_id_event_id_status_seat_count_idx (user_id, event_id, status, seat_count),
  KEY holds_event_id_status_expires_at_idx (event_id, status, expires_at),
  KEY holds_ended_at_idx (ended_at),
  CONSTRAINT holds_status_check CHECK (status IN ('HELD', 'CONFIRMED', 'RELEASED', 'EXPIRED')),
  CONSTRAINT holds_seat_count_check CHECK (seat_count >= 1)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
