import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../processes/processes.ts';
import type { Secrets } from '../secrets.ts';
import { accountsSql } from './database-accounts.ts';
import type { ServerSpec } from './server.ts';

const INSTALL_TIMEOUT_MS = 120_000;
/** The length of a Unix socket's path is limited to 108 bytes with the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;
const STOP_GRACE_MS = 30_000;

/** MariaDB, as durable as in production: it syncs to disk at every commit. */
export function mariadb(port: number, dataDir: string, { databases: passwords }: Secrets): ServerSpec {
  const dataFolder = join(dataDir, 'mysql');
  return {
    name: 'mariadb',
    title: 'MariaDB',
    // The installer calls the last one.
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
 * MySQL, as durable as in production: it syncs InnoDB's log and the binary log to disk at every commit, MySQL's own
 * defaults. Replicas and point-in-time recovery need the binary log, so that production has one.
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
      // Its default folders and its second port are the machine's, not ours.
      ...['--secure-file-priv=NULL', '--mysqlx=OFF'],
    ],
    greeting: { expect: /caching_sha2_password/ },
    stopGraceMs: STOP_GRACE_MS,
    async prepare(commandOf) {
      writeAccounts(dataDir, accountsSql(passwords));
      // The password that this makes for root is in the log and expires at the first use; nobody uses it.
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

/** Makes the server's own tables on first use: in a folder of another name, so that a crash leaves no half of them. */
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
 * The folder for the temporary tables of one server and of its set-up. A server that starts deletes all temporary tables
 * in this folder. In the machine's folder it would delete those of other servers: set-ups then fail, and MariaDB crashes.
 */
const temporaryOf = (dataFolder: string) => `${dataFolder}.tmp`;

function socketOf(dataDir: string): string {
  const socket = join(dataDir, 'run', 'mysql.sock');
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES_MAX) return socket;
  return join(tmpdir(), `ebs-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}.sock`);
}
