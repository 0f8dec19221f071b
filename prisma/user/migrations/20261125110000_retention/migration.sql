ALTER TABLE sessions ADD KEY sessions_used_at_idx (used_at), ALGORITHM=INPLACE, LOCK=NONE;
