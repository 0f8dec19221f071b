CREATE TABLE deleted_users (
  user_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  received_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (user_id),
  KEY deleted_users_received_at_idx (received_at)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE account_mails (
  user_id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message_id      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sealed_token    VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_at      DATETIME(3) NOT NULL,
  attempts        INT NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  request_id      VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (user_id, kind),
  KEY account_mails_next_attempt_at_idx (next_attempt_at),
  KEY account_mails_expires_at_idx (expires_at),
  CONSTRAINT account_mails_kind_check CHECK (kind IN ('PASSWORD_RESET', 'EMAIL_VERIFICATION'))
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

ALTER TABLE dead_letters ADD KEY dead_letters_subject_idx (subject), ALGORITHM=INPLACE, LOCK=NONE;
