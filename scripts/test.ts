/**
 * npm test [-- [--database mariadb|mysql] [vitest's arguments]]
 *
 * Generates missing code and runs the tests. tests/global-setup.ts starts private servers for the tests that need them:
 * by default MariaDB, Redis and NATS as installed on this machine, with `--database mysql` the deployed versions. The
 * unit tests need no server, so `--database mysql` leaves them out. `npm run test:cluster` runs tests/cluster, which need
 * more servers and several minutes.
 */
import { join } from 'node:path';
import { generate } from './generate.ts';
import { tellStep } from './local/progress.ts';
import { runScript } from './local/run-script.ts';
import { runToExit } from './local/run-to-exit.ts';
import { takeDatabase } from './local/servers/databases.ts';
import { root } from './local/settings.ts';

async function main(): Promise<void> {
  const { database, rest } = takeDatabase(process.argv.slice(2));
  if (!rest.some((arg) => arg.startsWith('--project'))) {
    rest.push('--project', '!cluster', ...(database === 'mysql' ? ['--project', '!unit'] : []));
  }
  await generate(tellStep);
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  await runToExit([vitest, 'run', ...rest], { TEST_DATABASE: database });
}

await runScript(main);
