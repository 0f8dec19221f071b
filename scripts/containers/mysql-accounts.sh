# Sourced by the MySQL image while its volume is empty: four databases; for each an owner, who migrates, and a service
# account, who works.
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
