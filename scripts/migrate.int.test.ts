import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { root } from './local/settings.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

/** `node scripts/migrate.ts`, as a container runs it. */
function migrate(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'scripts/migrate.ts'), ...args], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return { output: () => output, ended: once(child, 'exit') };
}

test('--wait waits until another process has applied every migration and applies no migration', async () => {
  const waiting = migrate('--wait', 'booking');
  await expect.poll(waiting.output, { timeout: 10_000 }).toMatch(/booking: waiting for \d+_init/);

  expect(await migrate('booking').ended).toEqual([0, null]);
  expect(await waiting.ended).toEqual([0, null]);
  expect(waiting.output()).toMatch(/booking: up to date/);
});
