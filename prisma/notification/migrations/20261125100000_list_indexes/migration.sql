ALTER TABLE notifications
  ADD KEY notifications_user_id_status_id_idx (user_id, status, id),
  ADD KEY notifications_status_id_idx (status, id),
  DROP KEY notifications_user_id_id_idx,
  ALGORITHM=INPLACE, LOCK=NONE;
