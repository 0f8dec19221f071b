ALTER TABLE bookings
  ADD KEY bookings_user_id_status_id_idx (user_id, status, id),
  ADD KEY bookings_user_id_event_id_status_id_idx (user_id, event_id, status, id),
  ADD KEY bookings_event_id_status_id_seat_count_idx (event_id, status, id, seat_count),
  ADD KEY bookings_status_id_idx (status, id),
  DROP KEY bookings_user_id_id_idx,
  DROP KEY bookings_event_id_id_idx,
  ALGORITHM=INPLACE, LOCK=NONE;
