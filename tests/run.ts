/**
 * npm test [-- [--database mariadb|mysql] [vitest's arguments]]
 *
 * Generates missing code and runs the tests. tests/global-setup.ts starts private servers for the tests that need them:
 * by default MariaDB, Redis and NATS as installed on this machine, with `--database mysql` the deployed versions. The
 * unit tests need no server, so `--database mysql` leaves them out. It also leaves out some slow tests that are not about
 * databases (vitest.config.ts). `npm run test:cluster` and `npm run test:alerts` run
 * tests/cluster and tests/alerts, which need more servers and several minutes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { takeDatabase } from '#scripts/local/servers/databases.ts';
import { root } from '#scripts/local/settings.ts';
import { generate } from '../scripts/generate.ts';

/** Runs vitest with the arguments of `npm test`. This process then exits with vitest's exit code. */
export async function runTests(args: readonly string[]): Promise<void> {
  const { database, rest } = takeDatabase(args);
  if (!rest.some((arg) => arg.startsWith('--project'))) {
    const left = ['cluster', 'alerts', ...(database === 'mysql' ? ['unit'] : [])];
    rest.push(...left.flatMap((project) => ['--project', `!${project}`]));
  }
  await generate(tellStep);
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const env = { ...process.env, TEST_DATABASE: database };
  const child = spawn(process.execPath, [vitest, 'run', ...rest], { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
}

if (import.meta.main) await runScript(() => runTests(process.argv.slice(2)));
