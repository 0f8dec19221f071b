/**
 * npm run migrate [-- user | event | booking | notification]
 *
 * Applies the migrations of every subgraph's database, or of one, as DATABASE_URL_USER and so on name them; for one,
 * DATABASE_URL does as well. Waits a while for a database that does not accept connections yet.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { applyMigrations, MigrationError } from '#platform/migrations.ts';
import { runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, root, SUBGRAPHS, type SubgraphName } from './local/settings.ts';

const WAIT_MS = 60_000;
const PAUSE_MS = 250;
/** Nobody answers yet: the system's own errors, and the driver's for a connection that did not come to be. */
const ABSENCE = /^E(?!R_)|^ER_(CONNECTION_TIMEOUT|SOCKET)/;

/**
 * Brings one subgraph's database up to date and answers the names of the migrations applied. Waits up to a minute
 * for the database to accept connections.
 */
export async function migrate(name: SubgraphName, url: string, signal?: AbortSignal): Promise<string[]> {
  const folder = join(root, 'prisma', name, 'migrations');
  const giveUpAtMs = Date.now() + WAIT_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return (await applyMigrations({ url, folder })).applied;
    } catch (error) {
      if (error instanceof MigrationError) throw new LocalError(`${name}: ${error.message}`, { cause: error });
      if (!isAbsence(error) || Date.now() > giveUpAtMs) throw error;
      await delay(PAUSE_MS);
    }
  }
}

const isAbsence = (error: unknown) =>
  error instanceof Error && 'fatal' in error && 'code' in error && ABSENCE.test(String(error.code));

async function main(): Promise<void> {
  const env = loadEnvironment();
  const [only] = process.argv.slice(2);
  const names = SUBGRAPHS.filter((name) => only === undefined || name === only);
  if (names.length === 0) throw new LocalError(`There is no ${only}; the databases are ${SUBGRAPHS.join(', ')}.`);
  for (const name of names) {
    const variable = `DATABASE_URL_${name.toUpperCase()}`;
    const url = env[variable] || (only && env.DATABASE_URL);
    if (!url) throw new LocalError(`${variable} is not set.`);
    const applied = await migrate(name, url);
    console.log(`${name}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}`);
  }
}

if (import.meta.main) await runScript(main);
