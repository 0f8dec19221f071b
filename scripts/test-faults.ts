/**
 * npm run test:faults [-- [--controls] [--seed N] [--database mariadb|mysql] [files]]
 *
 * Runs tests/faults in full length. `npm test` runs the same tests with shorter faults. With --controls, each test runs
 * without its guard and must fail. The seed determines the requests. It is printed, so that a failed run can be
 * repeated.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from './local/run-script.ts';
import { runToExit } from './local/run-to-exit.ts';
import { root } from './local/settings.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      controls: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      database: { type: 'string', default: 'mariadb' },
    },
    allowPositionals: true,
  });
  const files = positionals.length > 0 ? positionals : ['tests/faults'];
  const filter = values.controls ? ['-t', 'control: without'] : [];
  const { seed: TEST_SEED, database } = values;
  process.stdout.write(`  The seed is ${TEST_SEED}.\n`);
  await runToExit([join(root, 'scripts/test.ts'), '--database', database, ...files, ...filter], {
    TEST_SEED,
    ...(values.controls ? { FAULT_CONTROLS: '1' } : { FAULT_LENGTH: 'full' }),
  });
}

await runScript(main);
