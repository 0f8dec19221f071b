CREATE TABLE contacts (
  user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name    VARCHAR(120) NOT NULL,
  email   VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (user_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE event_facts (
  event_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name      VARCHAR(200) NOT NULL,
  venue     VARCHAR(200) NULL,
  starts_at DATETIME(3) NOT NULL,
  version   INT NOT NULL,
  PRIMARY KEY (event_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE notifications (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  booking_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seat_count      INT NOT NULL,
  kind            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
  attempts        INT NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  sent_at         DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY notifications_booking_id_kind_key (booking_id, kind),
  KEY notifications_user_id_id_idx (user_id, id),
  KEY notifications_status_channel_next_attempt_at_idx (status, channel, next_attempt_at),
  CONSTRAINT notifications_kind_check CHECK (kind IN ('BOOKING_CONFIRMED', 'BOOKING_CANCELLED')),
  CONSTRAINT notifications_channel_check CHECK (channel IN ('EMAIL', 'LOG')),
  CONSTRAINT notifications_status_check CHECK (status IN ('PENDING', 'SENT', 'FAILED'))
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE dead_letters (
  id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  consumer    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject     VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload     LONGBLOB NOT NULL,
  reason      TEXT NOT NULL,
  deliveries  INT NOT NULL,
  created_at  DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  redriven_at DATETIME(3) NULL,
  PRIMARY KEY (id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE inbox (
  consumer    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message_id  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (consumer, message_id),
  KEY inbox_received_at_idx (received_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
