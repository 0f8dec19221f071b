import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './install.ts';
import { runToEnd } from './processes.ts';
import type { Secrets } from './secrets.ts';
import type { ServerSpec } from './server.ts';
import { SUBGRAPHS, type SubgraphName } from './settings.ts';

const INSTALL_TIMEOUT_MS = 120_000;
/** The length of a Unix socket's path is limited to 108 bytes with the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** MariaDB, as durable as in production: it syncs to disk at every commit. */
export function mariadb(port: number, dataDir: string, { databases: passwords }: Secrets): ServerSpec {
  const accountsFile = join(dataDir, 'keys', 'accounts.sql');
  return {
    name: 'mariadb',
    title: 'MariaDB',
    // The installer calls the last one.
    programs: ['mariadbd', 'mariadb-install-db', 'my_print_defaults'],
    port,
    args: [
      '--no-defaults',
      `--datadir=${dataFolderOf(dataDir)}`,
      `--user=${userInfo().username}`,
      `--socket=${socketOf(dataDir)}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--init-file=${accountsFile}`,
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_unicode_ci',
      '--default-time-zone=+00:00',
      '--max-connections=300',
      '--innodb-flush-log-at-trx-commit=1',
      '--innodb-buffer-pool-size=256M',
      '--innodb-log-file-size=96M',
      '--performance-schema=OFF',
    ],
    greeting: { expect: /MariaDB/ },
    stopGraceMs: 30_000,
    async prepare() {
      writeFileSync(accountsFile, accountsSql(passwords), { mode: 0o600 });
      await createData(dataDir);
    },
  };
}

/** Makes the server's own tables on first use: in a folder of another name, so that a crash leaves no half of them. */
async function createData(dataDir: string): Promise<void> {
  const folder = dataFolderOf(dataDir);
  if (existsSync(folder)) return;
  rmSync(`${folder}.new`, { recursive: true, force: true });
  mkdirSync(`${folder}.new`, { recursive: true, mode: 0o700 });
  const install = {
    name: 'mariadb-install-db',
    command: findProgram('mariadb-install-db') ?? 'mariadb-install-db',
    args: ['--no-defaults', `--datadir=${folder}.new`, '--auth-root-authentication-method=socket', '--skip-test-db'],
    dataDir,
  };
  await runToEnd(install, INSTALL_TIMEOUT_MS);
  renameSync(`${folder}.new`, folder);
}

/** The URL of a subgraph's database on the private server, as the account that has rights on that database only. */
export const databaseUrlOf = (name: SubgraphName, port: number, passwords: Secrets['databases']): string =>
  `mysql://${name}_svc:${passwords[name]}@127.0.0.1:${port}/${name}_db`;

/** The URL of the private server, as the account that may do everything. */
export const adminUrlOf = (port: number, passwords: Secrets['databases']): string =>
  `mysql://admin:${passwords.admin}@127.0.0.1:${port}/`;

/** Run by the server at every start, before it listens: one statement a line. */
function accountsSql(passwords: Secrets['databases']): string {
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

const dataFolderOf = (dataDir: string) => join(dataDir, 'mysql');

function socketOf(dataDir: string): string {
  const socket = join(dataDir, 'run', 'mysql.sock');
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX) return socket;
  return join(tmpdir(), `ebs-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}.sock`);
}
