import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mariadb';
import { driverOptions } from '../connections/mysql.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** The limit for one migration. Altering a large table can take minutes. */
export const MIGRATION_TIMEOUT_MS = 600_000;
/** The lock that Prisma uses, with the time-out (in seconds) that Prisma uses. */
const LOCK_SQL = "SELECT GET_LOCK('prisma_migrate', 10) AS locked";

/** Prisma's table for migrations, with the definition of Prisma's schema engine. */
const TABLE_SQL = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         DATETIME(3),
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      DATETIME(3),
  started_at          DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`;

/** Migrations cannot be applied without the help of an operator. */
export class MigrationError extends Error {}

/** The database, and the folder with its migrations. */
interface Target {
  url: string;
  folder: string;
}

interface Migration {
  name: string;
  script: string;
  checksum: string;
}

/**
 * Applies the pending migrations of a Prisma folder in the order of their names. It is compatible with `prisma migrate
 * deploy`; both can be used on the same database. Several runners may start at once: one applies the migrations, the
 * others wait. Returns the names of the migrations that this call applied.
 * @throws MigrationError when a migration fails, an earlier one failed or was never finished, the file of an applied
 *   one has changed, or another runner holds the lock for 10 s
 */
export async function applyMigrations({ url, folder }: Target): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder);
  const connection = await openConnection(url);
  try {
    const [lock] = await connection.query<{ locked: bigint | null }[]>(LOCK_SQL);
    if (Number(lock?.locked) !== 1) throw new MigrationError('Another migration has been running for 10 s; try again.');
    await connection.query(TABLE_SQL);
    const pending = await findPending(connection, migrations);
    for (const migration of pending) await apply(connection, migration);
    return { applied: pending.map(({ name }) => name) };
  } finally {
    // This also releases the lock, even when the connection is in an unknown state.
    connection.destroy();
  }
}

/** Reads which migrations of a Prisma folder are not finished in the database, which may know later ones. */
export async function unfinishedMigrations({ url, folder }: Target): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const connection = await openConnection(url);
  try {
    const [table] = await connection.query<unknown[]>("SHOW TABLES LIKE '_prisma_migrations'");
    const finished = table
      ? await connection.query<{ name: string }[]>(
          `SELECT migration_name AS name FROM _prisma_migrations
           WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
        )
      : [];
    return migrations.map(({ name }) => name).filter((one) => !finished.some(({ name }) => name === one));
  } finally {
    connection.destroy();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, script, checksum: createHash('sha256').update(script).digest('hex') };
    }),
  );
}

/** Opens a connection outside any pool, for several statements in one query. The URL may name no database. */
export function openConnection(url: string): Promise<Connection> {
  return createConnection({
    ...driverOptions(url),
    multipleStatements: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: MIGRATION_TIMEOUT_MS,
  });
}

async function findPending(connection: Connection, migrations: readonly Migration[]): Promise<Migration[]> {
  const rows = await connection.query<{ name: string; checksum: string; finished: 0 | 1; logs: string | null }[]>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs
     FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  const failed = rows.find(({ finished }) => !finished);
  if (failed !== undefined) {
    throw new MigrationError(
      `P3009: the migration ${failed.name} failed or was never finished. Repair the database, then record the result ` +
        `with "prisma migrate resolve". ${failed.logs ?? ''}`.trimEnd(),
    );
  }
  const checksums = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of migrations) {
    if ((checksums.get(name) ?? checksum) === checksum) continue;
    throw new MigrationError(`The migration ${name} was changed after it had been applied. Write a new one instead.`);
  }
  return migrations.filter(({ name }) => !checksums.has(name));
}

/** A crash in here leaves an unfinished row. The next run then fails, because the script may be half applied. */
async function apply(connection: Connection, { name, script, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await connection.query(
    'INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES (?, ?, ?, UTC_TIMESTAMP(3))',
    [id, checksum, name],
  );
  try {
    await connection.query(script);
  } catch (error) {
    const reason = error instanceof Error && 'sqlMessage' in error ? String(error.sqlMessage) : String(error);
    // If the connection itself failed, the reason cannot be recorded.
    await connection.query('UPDATE _prisma_migrations SET logs = ? WHERE id = ?', [reason, id]).catch(() => undefined);
    throw new MigrationError(`The migration ${name} failed: ${reason}`, { cause: error });
  }
  await connection.query(
    'UPDATE _prisma_migrations SET finished_at = UTC_TIMESTAMP(3), applied_steps_count = 1 WHERE id = ?',
    [id],
  );
}
