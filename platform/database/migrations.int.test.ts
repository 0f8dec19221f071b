import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { applyMigrations, openConnection, unfinishedMigrations } from './migrations.ts';

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'ebs-migrations-'));
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

const run = () => applyMigrations({ url: database.url, folder });

async function write(name: string, script: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'migration.sql'), script);
}

async function query<Row>(sql: string): Promise<Row[]> {
  const connection = await openConnection(database.url);
  const rows = await connection.query<Row[]>(sql);
  await connection.end();
  return rows;
}

test('a new database gets every migration in the order of their names, recorded in the format of Prisma', async () => {
  await write('2_second', 'ALTER TABLE a ADD COLUMN b INT; INSERT INTO a VALUES (1, 2);');
  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY);');

  expect(await run()).toEqual({ applied: ['1_first', '2_second'] });

  expect(await query('SELECT * FROM a')).toEqual([{ id: 1, b: 2 }]);
  const [row] = await query('SELECT * FROM _prisma_migrations ORDER BY started_at, migration_name');
  expect(row).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    // sha256sum of the file
    checksum: 'e61d6e1d704094e6e3d37f83885a48fc62282d06824b0e093132c1760f2468f4',
    migration_name: '1_first',
    started_at: expect.any(Date),
    finished_at: expect.any(Date),
    rolled_back_at: null,
    logs: null,
    applied_steps_count: 1,
  });
});

test('a second run applies nothing; with a new migration it applies only that one', async () => {
  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY);');
  await run();
  expect(await run()).toEqual({ applied: [] });

  await write('2_second', 'CREATE TABLE b (id INT PRIMARY KEY);');
  expect(await run()).toEqual({ applied: ['2_second'] });
});

test('when several runners start at once, one applies the migrations and the others wait', async () => {
  await write('1_first', 'DO SLEEP(0.3); CREATE TABLE a (id INT PRIMARY KEY);');
  const outcomes = await Promise.all([run(), run(), run()]);
  expect(outcomes.flatMap(({ applied }) => applied)).toEqual(['1_first']);
});

test('a failed migration stops the later ones, and every later run fails with its name and reason', async () => {
  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO missing VALUES (1);');
  await write('2_second', 'CREATE TABLE b (id INT PRIMARY KEY);');

  await expect(run()).rejects.toThrow(/1_first failed: .*missing/);
  await expect(run()).rejects.toThrow(/P3009.*1_first.*missing/);
  expect(await query('SELECT migration_name, finished_at FROM _prisma_migrations')).toEqual([
    { migration_name: '1_first', finished_at: null },
  ]);
});

test('a failed migration that was marked as rolled back is applied again', async () => {
  await write('1_first', 'INSERT INTO missing VALUES (1);');
  await expect(run()).rejects.toThrow(/1_first failed/);
  await query('UPDATE _prisma_migrations SET rolled_back_at = UTC_TIMESTAMP(3)');

  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY);');
  expect(await run()).toEqual({ applied: ['1_first'] });
});

test('a migration whose file changed after it was applied is refused', async () => {
  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY);');
  await run();
  await write('1_first', 'CREATE TABLE a (id BIGINT PRIMARY KEY);');
  await expect(run()).rejects.toThrow(/1_first was changed/);
});

test('unfinishedMigrations returns pending, running and failed migrations, but none of a later version', async () => {
  const unfinished = () => unfinishedMigrations({ url: database.url, folder });
  await write('1_first', 'CREATE TABLE a (id INT PRIMARY KEY); DO SLEEP(1);');
  expect(await unfinished()).toEqual(['1_first']);

  const running = run();
  await expect.poll(() => query("SHOW TABLES LIKE 'a'")).toHaveLength(1);
  expect(await unfinished()).toEqual(['1_first']);
  await running;
  expect(await unfinished()).toEqual([]);

  await write('2_second', 'INSERT INTO missing VALUES (1);');
  await expect(run()).rejects.toThrow();
  expect(await unfinished()).toEqual(['2_second']);

  await rm(join(folder, '2_second'), { recursive: true });
  expect(await unfinished()).toEqual([]);
});
