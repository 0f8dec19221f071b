import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { createOwnDatabase } from './support/own-servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebs-temporary-'));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

it('A database that is set up and starts leaves the temporary tables of other databases alone', async () => {
  vi.stubEnv('TMPDIR', folder);
  const others = join(folder, '#sql-temptable-of-another-server.MAI');
  writeFileSync(others, '');
  const database = await createOwnDatabase();
  try {
    await database.start();
    expect(existsSync(others)).toBe(true);
  } finally {
    await database.remove();
  }
});
