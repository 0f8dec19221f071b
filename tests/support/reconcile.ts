import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '#scripts/local/settings.ts';
import { SUBGRAPHS } from '#services';
import type { TestSystem } from './system.ts';

const TIMEOUT_MS = 30_000;

/** Runs `npm run reconcile` on a test system. `code` is missing when it succeeds. */
export function reconcile(
  system: Pick<TestSystem, 'databaseUrls' | 'dataDir' | 'urls'>,
): Promise<{ code?: number; stdout: string; stderr: string }> {
  const urls = SUBGRAPHS.map((name) => [`DATABASE_URL_${name.toUpperCase()}`, system.databaseUrls[name]]);
  const env = {
    ...process.env,
    ...Object.fromEntries(urls),
    DATA_DIR: system.dataDir,
    EVENT_SUBGRAPH_URL: `${system.urls.event}/graphql`,
  };
  return promisify(execFile)(process.execPath, [join(root, 'scripts/reconcile.ts')], {
    env,
    timeout: TIMEOUT_MS,
  }).catch((error) => error);
}
