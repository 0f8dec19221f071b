import type { Connection } from 'mariadb';
import { openConnection } from '#platform/database/migrations.ts';

/** The numbers of rows in the tables. `npm run test:plans` sets other numbers. */
export const EVENTS = Number(process.env.PLANS_EVENTS ?? 20_000);
export const BOOKINGS = Number(process.env.PLANS_BOOKINGS ?? 100_000);
/** The number of bookings of the busy user, and of the busy event. */
export const BOOKINGS_OF_ONE = Math.min(100_000, BOOKINGS / 4);

/** The id of row `n`. It has the form and order of real ids, and sorts before ids that are generated now. */
export const idOf = (n: number): string =>
  `${n
    .toString(16)
    .padStart(12, '0')
    .replace(/(.{8})/, '$1-')}-7000-8000-000000000000`;
/** SQL for the same id; `n` is an SQL expression. */
export const idSql = (n: string): string =>
  `CONCAT(INSERT(LPAD(LOWER(HEX(${n})), 12, '0'), 9, 0, '-'), '-7000-8000-000000000000')`;

const CHUNK = 100_000;

/** Fills tables with statements that generate the rows inside the database. */
export async function createRowMaker(url: string) {
  const connection = await openConnection(url);
  await connection.query("SET SESSION time_zone = '+00:00', SESSION sql_log_bin = 0, SESSION foreign_key_checks = 0");
  await connection.query('CREATE TABLE numbers (n INT NOT NULL PRIMARY KEY)');
  await connection.query('INSERT INTO numbers VALUES (0)');
  for (let count = 1; count < CHUNK; count *= 2) {
    await connection.query(`INSERT INTO numbers SELECT n + ${count} FROM numbers WHERE n + ${count} < ${CHUNK}`);
  }
  await connection.query('ANALYZE TABLE numbers');

  /** Creates the secondary indexes after the rows: ten times faster when the indexes do not fit in memory. */
  async function fill(table: string, count: number, insert: (first: number, last: number) => string): Promise<void> {
    const indexes = await indexesOf(connection, table);
    const alter = (changes: readonly string[]) =>
      changes.length > 0 && connection.query(`ALTER TABLE ${table} ${changes.join(', ')}`);
    await alter(indexes.map(({ name }) => `DROP KEY ${name}`));
    for (let first = 0; first < count; first += CHUNK) {
      await connection.query(insert(first, Math.min(first + CHUNK, count) - 1));
    }
    await alter(indexes.map(({ definition }) => `ADD ${definition}`));
    await connection.query(`ANALYZE TABLE ${table}`);
  }

  return {
    /** Inserts rows 0 to count - 1. The values are SQL expressions; in them `n` is the number of the row. */
    fill: (table: string, count: number, values: Record<string, string>) =>
      fill(
        table,
        count,
        (first, last) => `INSERT INTO ${table} (${Object.keys(values).join()}) SELECT ${Object.values(values).join()}
          FROM (SELECT n + ${first} AS n FROM numbers WHERE n <= ${last - first}) AS row_numbers`,
      ),
    /** Inserts the rows that `select` returns for each range of the numbers 0 to count - 1. Skips existing rows. */
    fillFrom: (table: string, count: number, select: (first: number, last: number) => string) =>
      fill(table, count, (first, last) => `INSERT IGNORE INTO ${table} ${select(first, last)}`),
    run: (sql: string) => connection.query(sql),
    async close() {
      await connection.query('DROP TABLE numbers');
      await connection.end();
    },
  };
}

async function indexesOf(connection: Connection, table: string): Promise<{ name: string; definition: string }[]> {
  const [row] = await connection.query<{ 'Create Table': string }[]>(`SHOW CREATE TABLE ${table}`);
  const lines = row?.['Create Table'].matchAll(/^\s*((?:UNIQUE )?KEY (`\w+`) \(.*\)),?$/gm) ?? [];
  return [...lines].map(([, definition = '', name = '']) => ({ name, definition }));
}
