CREATE TABLE events (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name          VARCHAR(200) NOT NULL,
  description   TEXT NULL,
  venue         VARCHAR(200) NULL,
  starts_at     DATETIME(3) NOT NULL,
  status        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'SCHEDULED',
  organizer_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  initial_seats INT NOT NULL,
  version       INT NOT NULL DEFAULT 1,
  created_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY events_starts_at_id_idx (starts_at, id),
  CONSTRAINT events_status_check CHECK (status IN ('SCHEDULED', 'CANCELLED')),
  CONSTRAINT events_initial_seats_check CHECK (initial_seats BETWEEN 1 AND 1000000)
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
