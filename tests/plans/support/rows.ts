import type { Connection } from 'mariadb';
import { openConnection } from '#platform/database/migrations.ts';

/** How many rows the plans are looked at with; the command test:plans sets others. */
export const EVENTS = Number(process.env.PLANS_EVENTS ?? 20_000);
export const BOOKINGS = Number(process.env.PLANS_BOOKINGS ?? 100_000);
/** Of the user and of the event with most bookings. */
export const BOOKINGS_OF_ONE = Math.min(100_000, BOOKINGS / 4);

/** The id of row `n`, in the form and order of our own ids, and older than any that is made now. */
export const idOf = (n: number): string =>
  `${n
    .toString(16)
    .padStart(12, '0')
    .replace(/(.{8})/, '$1-')}-7000-8000-000000000000`;
/** The same in SQL. */
export const idSql = (n: string): string =>
  `CONCAT(INSERT(LPAD(LOWER(HEX(${n})), 12, '0'), 9, 0, '-'), '-7000-8000-000000000000')`;

const CHUNK = 100_000;

/** Fills tables by statements that run in the database alone. */
export async function createRowMaker(url: string) {
  const connection = await openConnection(url);
  await connection.query("SET SESSION time_zone = '+00:00', SESSION sql_log_bin = 0, SESSION foreign_key_checks = 0");
  await connection.query('CREATE TABLE numbers (n INT NOT NULL PRIMARY KEY)');
  await connection.query('INSERT INTO numbers VALUES (0)');
  for (let count = 1; count < CHUNK; count *= 2) {
    await connection.query(`INSERT INTO numbers SELECT n + ${count} FROM numbers WHERE n + ${count} < ${CHUNK}`);
  }
  await connection.query('ANALYZE TABLE numbers');

  /** Secondary indexes are made in the end: ten times faster than row by row once they outgrow the memory. */
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
    /** Rows 0 to count - 1; the values are SQL in which `n` stands for the number of the row. */
    fill: (table: string, count: number, values: Record<string, string>) =>
      fill(
        table,
        count,
        (first, last) => `INSERT INTO ${table} (${Object.keys(values).join()}) SELECT ${Object.values(values).join()}
          FROM (SELECT n + ${first} AS n FROM numbers WHERE n <= ${last - first}) AS row_numbers`,
      ),
    /** What `select` makes of each part of the numbers 0 to count - 1, without what is there already. */
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
