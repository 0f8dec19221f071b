-- Runs once, when the server's volume is empty. It creates four databases. Each has an owner account for the migrations
-- and a service account that reads and writes.
CREATE DATABASE user_db;
CREATE USER 'user_owner'@'%' IDENTIFIED BY 'development-user-owner';
GRANT ALL PRIVILEGES ON user_db.* TO 'user_owner'@'%';
CREATE USER 'user_svc'@'%' IDENTIFIED BY 'development-user';
GRANT SELECT, INSERT, UPDATE, DELETE ON user_db.* TO 'user_svc'@'%';
CREATE DATABASE event_db;
CREATE USER 'event_owner'@'%' IDENTIFIED BY 'development-event-owner';
GRANT ALL PRIVILEGES ON event_db.* TO 'event_owner'@'%';
CREATE USER 'event_svc'@'%' IDENTIFIED BY 'development-event';
GRANT SELECT, INSERT, UPDATE, DELETE ON event_db.* TO 'event_svc'@'%';
CREATE DATABASE booking_db;
CREATE USER 'booking_owner'@'%' IDENTIFIED BY 'development-booking-owner';
GRANT ALL PRIVILEGES ON booking_db.* TO 'booking_owner'@'%';
CREATE USER 'booking_svc'@'%' IDENTIFIED BY 'development-booking';
GRANT SELECT, INSERT, UPDATE, DELETE ON booking_db.* TO 'booking_svc'@'%';
CREATE DATABASE notification_db;
CREATE USER 'notification_owner'@'%' IDENTIFIED BY 'development-notification-owner';
GRANT ALL PRIVILEGES ON notification_db.* TO 'notification_owner'@'%';
CREATE USER 'notification_svc'@'%' IDENTIFIED BY 'development-notification';
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_db.* TO 'notification_svc'@'%';
