import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../processes/processes.ts';
import type { Secrets } from '../secrets.ts';
import { accountsSql } from './database-accounts.ts';
import type { ServerSpec } from './server.ts';

const INSTALL_TIMEOUT_MS = 120_000;
/** The path of a Unix socket has at most 108 bytes, including the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;
const STOP_GRACE_MS = 30_000;

/** MariaDB with the durability of production: it syncs to disk at every commit. */
export function mariadb(port: number, dataDir: string, { databases: passwords }: Secrets): ServerSpec {
  const dataFolder = join(dataDir, 'mysql');
  return {
    name: 'mariadb',
    title: 'MariaDB',
    // mariadb-install-db calls my_print_defaults.
    programs: ['mariadbd', 'mariadb-install-db', 'my_print_defaults'],
    port,
    args: [...sharedArgs(port, dataDir, dataFolder), '--innodb-log-file-size=96M', '--performance-schema=OFF'],
    greeting: { expect: /MariaDB/ },
    stopGraceMs: STOP_GRACE_MS,
    async prepare(commandOf) {
      writeAccounts(dataDir, accountsSql(passwords));
      await createData(dataFolder, dataDir, commandOf('mariadb-install-db'), [
        ...['--auth-root-authentication-method=socket', '--skip-test-db'],
      ]);
    },
  };
}

/**
 * MySQL with the durability of production: by MySQL's defaults, it syncs InnoDB's log and the binary log to disk at
 * every commit. Production has a binary log because replicas and point-in-time recovery need it.
 */
export function mysql(port: number, dataDir: string, { databases: passwords }: Secrets): ServerSpec {
  const dataFolder = join(dataDir, 'mysql-9');
  return {
    name: 'mysql',
    title: 'MySQL',
    programs: ['mysqld'],
    port,
    args: [
      ...sharedArgs(port, dataDir, dataFolder),
      '--innodb-redo-log-capacity=192M',
      // Do not use the machine's folders or the port of the X protocol.
      ...['--secure-file-priv=NULL', '--mysqlx=OFF'],
    ],
    greeting: { expect: /caching_sha2_password/ },
    stopGraceMs: STOP_GRACE_MS,
    async prepare(commandOf) {
      writeAccounts(dataDir, accountsSql(passwords));
      // This writes a password for root to the log. The password expires at the first use, and it is never used.
      await createData(dataFolder, dataDir, commandOf('mysqld'), ['--initialize', `--user=${userInfo().username}`]);
    },
  };
}

const sharedArgs = (port: number, dataDir: string, dataFolder: string) => [
  '--no-defaults',
  `--datadir=${dataFolder}`,
  `--tmpdir=${temporaryOf(dataFolder)}`,
  `--user=${userInfo().username}`,
  `--socket=${socketOf(dataDir)}`,
  `--port=${port}`,
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  `--init-file=${accountsFileOf(dataDir)}`,
  '--character-set-server=utf8mb4',
  '--collation-server=utf8mb4_unicode_ci',
  '--default-time-zone=+00:00',
  '--max-connections=300',
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-buffer-pool-size=256M',
];

const accountsFileOf = (dataDir: string) => join(dataDir, 'keys', 'accounts.sql');

const writeAccounts = (dataDir: string, statements: string) =>
  writeFileSync(accountsFileOf(dataDir), statements, { mode: 0o600 });

/** Creates the server's system tables, first in a folder with another name: a crash leaves no incomplete folder. */
async function createData(
  folder: string,
  dataDir: string,
  [command, ...given]: readonly [string, ...string[]],
  args: readonly string[],
): Promise<void> {
  mkdirSync(temporaryOf(folder), { recursive: true, mode: 0o700 });
  if (existsSync(folder)) return;
  rmSync(`${folder}.new`, { recursive: true, force: true });
  mkdirSync(`${folder}.new`, { recursive: true, mode: 0o700 });
  const install = {
    name: 'create-database',
    command,
    args: [...given, '--no-defaults', `--datadir=${folder}.new`, ...args],
    env: { ...process.env, TMPDIR: temporaryOf(folder) },
    dataDir,
  };
  await runToEnd(install, INSTALL_TIMEOUT_MS);
  renameSync(`${folder}.new`, folder);
}

/**
 * Returns the folder for the temporary tables of one server and of its set-up. A server deletes all temporary tables in
 * this folder when it starts. In the machine's folder it would delete the tables of other servers: set-ups would fail,
 * and MariaDB would crash.
 */
const temporaryOf = (dataFolder: string) => `${dataFolder}.tmp`;

function socketOf(dataDir: string): string {
  const socket = join(dataDir, 'run', 'mysql.sock');
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX) return socket;
  return join(tmpdir(), `ebs-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}.sock`);
}
