CREATE INDEX sessions_used_at_idx ON sessions (used_at);
