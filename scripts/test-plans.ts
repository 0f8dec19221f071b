/**
 * npm run test:plans [-- --events 1000000] [--bookings 10000000] [--list-ms 50] [--database mariadb|mysql]
 *
 * Runs tests/plans with many rows. These tests check how the database executes each hot statement. They fail when the
 * database needs more than `list-ms` milliseconds for a list. Creating the rows takes some minutes and some 10 GB of
 * disk. `npm test` runs the same tests with fewer rows and without a time limit.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from './local/run-script.ts';
import { runToExit } from './local/run-to-exit.ts';
import { LocalError, root } from './local/settings.ts';

const number = (name: string, text: string): string => {
  if (!/^[1-9]\d*$/.test(text)) throw new LocalError(`--${name} must be a whole number above 0.`);
  return text;
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '1000000' },
      bookings: { type: 'string', default: '10000000' },
      'list-ms': { type: 'string', default: '50' },
      database: { type: 'string', default: 'mariadb' },
    },
  });
  const env = {
    PLANS_EVENTS: number('events', values.events),
    PLANS_BOOKINGS: number('bookings', values.bookings),
    PLANS_LIST_MS_MAX: number('list-ms', values['list-ms']),
  };
  // One file after another: creating rows would distort the measurements of another file.
  const args = [join(root, 'scripts/test.ts'), '--database', values.database, '--no-file-parallelism', 'tests/plans'];
  await runToExit(args, env);
}

await runScript(main);
