/**
 * npm run migrate [-- [--wait] <subgraph>]
 *
 * Applies the migrations to the databases of all subgraphs, or of one. Their URLs are in DATABASE_URL_USER and so on.
 * For one subgraph, DATABASE_URL works as well. Waits up to a minute for a database that does not accept connections
 * yet. With --wait, it applies nothing and waits until another process has applied all migrations.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { applyMigrations, MigrationError, unfinishedMigrations } from '#platform/database/migrations.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import { runScript } from './local/run-script.ts';
import { givenDatabaseUrl, LocalError, loadEnvironment, root } from './local/settings.ts';

const WAIT_MS = 60_000;
/** The time that a migration may take. After that, waiting fails, and Kubernetes starts it again. */
const SCHEMA_WAIT_MS = 600_000;
const PAUSE_MS = 250;
/** The codes of errors when no server answers: those of the system, and those of the driver for failed connections. */
const ABSENCE = /^E(?!R_)|^ER_(CONNECTION_TIMEOUT|SOCKET)/;

/**
 * Applies the missing migrations to one subgraph's database and returns their names. Waits up to a minute until the
 * database accepts connections.
 * @throws LocalError when a migration fails
 */
export async function migrate(name: SubgraphName, url: string, signal?: AbortSignal): Promise<string[]> {
  try {
    return await oncePresent(async () => (await applyMigrations({ url, folder: folderOf(name) })).applied, signal);
  } catch (error) {
    if (error instanceof MigrationError) throw new LocalError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Waits until one subgraph's database has all migrations of this version. @throws LocalError after SCHEMA_WAIT_MS */
async function waitForSchema(name: SubgraphName, url: string): Promise<void> {
  const giveUpAtMs = Date.now() + SCHEMA_WAIT_MS;
  for (let told = ''; ; await delay(PAUSE_MS)) {
    const missing = (await oncePresent(() => unfinishedMigrations({ url, folder: folderOf(name) }))).join(', ');
    if (missing === '') return;
    if (Date.now() > giveUpAtMs) throw new LocalError(`${name}: these migrations are still missing: ${missing}.`);
    if (missing !== told) console.log(`${name}: waiting for ${missing}`);
    told = missing;
  }
}

const folderOf = (name: SubgraphName) => join(root, 'prisma', name, 'migrations');

/** Runs `work` and repeats it, for at most WAIT_MS, while the database does not accept connections. */
async function oncePresent<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  const giveUpAtMs = Date.now() + WAIT_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isAbsence(error) || Date.now() > giveUpAtMs) throw error;
      await delay(PAUSE_MS);
    }
  }
}

const isAbsence = (error: unknown) =>
  error instanceof Error && 'fatal' in error && 'code' in error && ABSENCE.test(String(error.code));

async function main(): Promise<void> {
  const env = loadEnvironment();
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { wait: { type: 'boolean' } } });
  const [only] = positionals;
  const names = SUBGRAPHS.filter((name) => only === undefined || name === only);
  if (names.length === 0) throw new LocalError(`There is no subgraph ${only}. Use one of ${SUBGRAPHS.join(', ')}.`);
  for (const name of names) {
    const variable = `DATABASE_URL_${name.toUpperCase()}`;
    const url = givenDatabaseUrl(env, variable) ?? (only && givenDatabaseUrl(env, 'DATABASE_URL'));
    if (!url) throw new LocalError(`${variable} is not set.`);
    const applied = values.wait ? await waitForSchema(name, url) : await migrate(name, url);
    console.log(`${name}: ${applied?.length ? `applied ${applied.join(', ')}` : 'up to date'}`);
  }
}

if (import.meta.main) await runScript(main);
