/**
 * npm run test:soak [-- [--seconds N] [--seed N] [--database mariadb|mysql]]
 *
 * Lets random faults happen for a while and checks the guarantees. The seed determines the faults and the requests. It
 * is printed, so that a failed run can be repeated.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from './local/run-script.ts';
import { runToExit } from './local/run-to-exit.ts';
import { LocalError, root } from './local/settings.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      database: { type: 'string', default: 'mariadb' },
    },
  });
  const { seconds, seed, database } = values;
  for (const [name, value] of Object.entries({ seconds, seed })) {
    if (!/^\d+$/.test(value)) throw new LocalError(`--${name} must be a whole number.`);
  }
  process.stdout.write(`  ${seconds} s with the seed ${seed}\n`);
  await runToExit([join(root, 'scripts/test.ts'), '--database', database, 'tests/faults/r22'], {
    TEST_SEED: seed,
    SOAK_SECONDS: seconds,
  });
}

await runScript(main);
