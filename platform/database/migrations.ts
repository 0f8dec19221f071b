import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mariadb';
import { driverOptions } from '../connections/mysql.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** For one migration: altering a large table may take its time. */
export const MIGRATION_TIMEOUT_MS = 600_000;
/** Prisma's own lock and patience. */
const LOCK_SQL = "SELECT GET_LOCK('prisma_migrate', 10) AS locked";

/** Prisma's own table, as its schema engine creates it. */
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

/** Migrations cannot be applied before somebody looks into it. */
export class MigrationError extends Error {}

interface Migration {
  name: string;
  script: string;
  checksum: string;
}

/**
 * Applies the migrations of a Prisma folder that the database has not had yet, in the order of their names, as
 * `prisma migrate deploy` does; the two may take turns. Any number of runners may start at once: one works, the
 * others wait for it. Answers the names of those that it applied.
 * @throws MigrationError when an earlier migration failed or was never finished, and when the file of an applied one
 *   has changed.
 */
export async function applyMigrations({
  url,
  folder,
  log = () => undefined,
}: {
  url: string;
  folder: string;
  log?: (message: string) => void;
}): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder);
  const connection = await openConnection(url);
  try {
    const [lock] = await connection.query<{ locked: bigint | null }[]>(LOCK_SQL);
    if (Number(lock?.locked) !== 1) throw new MigrationError('Another migration has been running for 10 s; try again.');
    await connection.query(TABLE_SQL);
    const pending = await findPending(connection, migrations);
    for (const migration of pending) {
      await apply(connection, migration);
      log(`applied ${migration.name}`);
    }
    return { applied: pending.map(({ name }) => name) };
  } finally {
    // Gives back the lock as well, also when the connection is in an unknown state.
    connection.destroy();
  }
}

/**
 * The names of the migrations of a Prisma folder that are not finished in the database; reads only. Those of a later
 * version, which are not in the folder, do not matter.
 */
export async function unfinishedMigrations({ url, folder }: { url: string; folder: string }): Promise<string[]> {
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

/** A connection outside any pool, which takes several statements in one query. The database may be left out. */
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
      `P3009: the migration ${failed.name} failed or was never finished. Put the database right, then tell Prisma ` +
        `with "prisma migrate resolve" how it stands. ${failed.logs ?? ''}`.trimEnd(),
    );
  }
  const checksums = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of migrations) {
    if ((checksums.get(name) ?? checksum) === checksum) continue;
    throw new MigrationError(`The migration ${name} was changed after it had been applied. Write a new one instead.`);
  }
  return migrations.filter(({ name }) => !checksums.has(name));
}

/** A crash in here leaves an unfinished row, which refuses the next run: nobody knows how far the script came. */
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
    // Without its reason when the connection is what failed.
    await connection.query('UPDATE _prisma_migrations SET logs = ? WHERE id = ?', [reason, id]).catch(() => undefined);
    throw new MigrationError(`The migration ${name} failed: ${reason}`, { cause: error });
  }
  await connection.query(
    'UPDATE _prisma_migrations SET finished_at = UTC_TIMESTAMP(3), applied_steps_count = 1 WHERE id = ?',
    [id],
  );
}
