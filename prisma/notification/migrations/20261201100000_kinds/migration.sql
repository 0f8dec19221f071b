-- A new list of kinds would copy the table under a lock. The code checks the kinds.
ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check;
