import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '#scripts/local/settings.ts';
import { SUBGRAPHS } from '#services';
import type { TestSystem } from './system.ts';

const TIMEOUT_MS = 30_000;

/** Runs `npm run outbox` on a test system. Returns its output. Rejects with `code` and `stderr` when it fails. */
export async function runOutboxCommand(system: TestSystem, ...args: string[]): Promise<string> {
  const urls = SUBGRAPHS.map((name) => [`DATABASE_URL_${name.toUpperCase()}`, system.databaseUrls[name]]);
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'scripts/outbox.ts'), ...args], {
    env: { ...process.env, ...Object.fromEntries(urls), DATA_DIR: system.dataDir },
    timeout: TIMEOUT_MS,
  });
  return stdout;
}
