ALTER TABLE users
  ADD COLUMN email_verified_at DATETIME(3) NULL,
  ADD COLUMN deleted_at DATETIME(3) NULL,
  ALGORITHM=INSTANT;

CREATE TABLE account_tokens (
  user_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, kind),
  UNIQUE KEY account_tokens_token_hash_key (token_hash),
  KEY account_tokens_expires_at_idx (expires_at),
  CONSTRAINT account_tokens_kind_check CHECK (kind IN ('PASSWORD_RESET', 'EMAIL_VERIFICATION'))
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
