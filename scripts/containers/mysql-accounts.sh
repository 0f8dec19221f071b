# The MySQL image sources this script when its volume is empty. It creates four databases. Each has an owner account for
# the migrations and a service account that reads and writes.
for name in user event booking notification; do
  password=MYSQL_PASSWORD_${name^^}
  docker_process_sql <<SQL
CREATE DATABASE ${name}_db;
CREATE USER '${name}_owner'@'%' IDENTIFIED BY '${MYSQL_PASSWORD_OWNER}';
GRANT ALL PRIVILEGES ON ${name}_db.* TO '${name}_owner'@'%';
CREATE USER '${name}_svc'@'%' IDENTIFIED BY '${!password}';
GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}_db.* TO '${name}_svc'@'%';
SQL
done
