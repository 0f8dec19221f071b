import { SUBGRAPHS, type SubgraphName } from '#services';
import type { Secrets } from '../secrets.ts';
import type { LocalSettings } from '../settings.ts';

/** Returns the URL of a subgraph's database: the given one, or one on the private server for its own account. */
export const databaseUrlOf = (
  name: SubgraphName,
  { given, ports }: { given: LocalSettings['given']; ports: Pick<LocalSettings['ports'], 'mysql'> },
  { databases }: Secrets,
): string => given.databaseUrls[name] ?? `mysql://${name}_svc:${databases[name]}@127.0.0.1:${ports.mysql}/${name}_db`;

/** Returns the URL of the private server for the admin account, which has all rights. */
export const adminUrlOf = (port: number, passwords: Secrets['databases']): string =>
  `mysql://admin:${passwords.admin}@127.0.0.1:${port}/`;

/** Returns the SQL that creates the databases and accounts, one statement per line. It runs at every server start. */
export function accountsSql(passwords: Secrets['databases']): string {
  const account = (user: string, password: string, rights: string) => [
    `CREATE USER IF NOT EXISTS '${user}'@'127.0.0.1';`,
    `ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON ${rights} TO '${user}'@'127.0.0.1';`,
  ];
  const lines = SUBGRAPHS.flatMap((name) => [
    `CREATE DATABASE IF NOT EXISTS ${name}_db;`,
    ...account(`${name}_svc`, passwords[name], `${name}_db.*`),
  ]);
  const admin = [...account('admin', passwords.admin, '*.*'), "GRANT GRANT OPTION ON *.* TO 'admin'@'127.0.0.1';"];
  return `${[...lines, ...admin].join('\n')}\n`;
}
