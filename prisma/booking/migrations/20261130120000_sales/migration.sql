ALTER TABLE inventories
  ADD COLUMN sales_start_at DATETIME(3) NULL,
  ADD COLUMN sales_end_at DATETIME(3) NULL,
  ADD COLUMN max_seats_per_user INT NULL,
  ALGORITHM=INSTANT;
