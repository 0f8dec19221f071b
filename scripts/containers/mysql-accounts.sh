# The MySQL image sources this script when its volume is empty. It creates a database for each variable
# MYSQL_PASSWORD_<SUBGRAPH>. Each has an owner account for the migrations and a service account that reads and writes.
for password in "${!MYSQL_PASSWORD_@}"; do
  [[ $password == MYSQL_PASSWORD_OWNER ]] && continue
  name=${password#MYSQL_PASSWORD_}
  name=${name,,}
  docker_process_sql <<SQL
CREATE DATABASE ${name}_db;
CREATE USER '${name}_owner'@'%' IDENTIFIED BY '${MYSQL_PASSWORD_OWNER}';
GRANT ALL PRIVILEGES ON ${name}_db.* TO '${name}_owner'@'%';
CREATE USER '${name}_svc'@'%' IDENTIFIED BY '${!password}';
GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}_db.* TO '${name}_svc'@'%';
SQL
done
