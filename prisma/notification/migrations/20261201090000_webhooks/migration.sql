ALTER TABLE event_facts
  ADD COLUMN organizer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ALGORITHM=INSTANT;

CREATE TABLE webhooks (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  url             VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kinds           VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  enabled         TINYINT(1) NOT NULL DEFAULT 1,
  disabled_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
  failing_since   DATETIME(3) NULL,
  due_at          DATETIME(3) NULL,
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  notice_attempts INT NOT NULL DEFAULT 0,
  notice_due_at   DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY webhooks_user_id_url_key (user_id, url),
  KEY webhooks_due_at_idx (due_at),
  KEY webhooks_notice_due_at_idx (notice_due_at),
  KEY webhooks_disabled_reason_idx (disabled_reason),
  CONSTRAINT webhooks_disabled_reason_check CHECK (disabled_reason IN ('OWNER', 'GONE', 'FAILING'))
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE webhook_secrets (
  id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  webhook_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sealed      VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  valid_until DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY webhook_secrets_webhook_id_id_idx (webhook_id, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE webhook_deliveries (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  webhook_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message_id      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload         TEXT NOT NULL,
  request_id      VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  status          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
  attempts        INT NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  created_at      DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  delivered_at    DATETIME(3) NULL,
  log             TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY webhook_deliveries_webhook_id_message_id_key (webhook_id, message_id),
  KEY webhook_deliveries_webhook_id_id_idx (webhook_id, id),
  KEY webhook_deliveries_status_webhook_id_next_attempt_at_idx (status, webhook_id, next_attempt_at),
  CONSTRAINT webhook_deliveries_status_check CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED'))
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE unassigned_messages (
  message_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload    TEXT NOT NULL,
  request_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (message_id),
  KEY unassigned_messages_event_id_idx (event_id),
  KEY unassigned_messages_created_at_idx (created_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
