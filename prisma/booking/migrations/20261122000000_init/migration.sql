CREATE TABLE inventories (
  event_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  organizer_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  starts_at       DATETIME(3) NOT NULL,
  status          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'SCHEDULED',
  event_version   INT NOT NULL,
  total_seats     INT NOT NULL,
  available_seats INT NOT NULL,
  closed_at       DATETIME(3) NULL,
  PRIMARY KEY (event_id),
  KEY inventories_status_closed_at_idx (status, closed_at),
  CONSTRAINT inventories_status_check CHECK (status IN ('SCHEDULED', 'CANCELLED')),
  CONSTRAINT inventories_available_seats_check CHECK (available_seats BETWEEN 0 AND total_seats)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE bookings (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seat_count   INT NOT NULL,
  status       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'CONFIRMED',
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  cancelled_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY bookings_user_id_id_idx (user_id, id),
  KEY bookings_event_id_id_idx (event_id, id),
  CONSTRAINT bookings_status_check CHECK (status IN ('CONFIRMED', 'CANCELLED')),
  CONSTRAINT bookings_seat_count_check CHECK (seat_count >= 1)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE idempotency_keys (
  caller_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  booking_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (caller_id, idempotency_key),
  KEY idempotency_keys_created_at_idx (created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE outbox (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload      LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  published_at DATETIME(3) NULL,
  refused_at   DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY outbox_published_at_refused_at_id_idx (published_at, refused_at, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE inbox (
  consumer    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message_id  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (consumer, message_id),
  KEY inbox_received_at_idx (received_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
