import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { createOwnDatabase } from './support/own-servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebs-temporary-'));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

it('The set-up and start of a database do not delete the temporary tables of other databases', async () => {
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
