ALTER TABLE inventories
  ADD COLUMN checked_in_seats MEDIUMINT UNSIGNED NOT NULL DEFAULT 0,
  ALGORITHM=INSTANT;

ALTER TABLE bookings
  ADD COLUMN checked_in_seats MEDIUMINT UNSIGNED NOT NULL DEFAULT 0,
  ALGORITHM=INSTANT;

CREATE TABLE check_ins (
  booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  device_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seats      INT NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (booking_id, device_key),
  CONSTRAINT check_ins_seats_check CHECK (seats >= 1)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
