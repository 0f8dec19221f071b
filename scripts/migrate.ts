/**
 * npm run migrate [-- [--wait] <subgraph>]
 *
 * Applies the migrations of every subgraph's database, or of one, as DATABASE_URL_USER and so on name them; for one,
 * DATABASE_URL does as well. Waits a while for a database that does not accept connections yet. With --wait it applies
 * nothing, and ends once another process has applied them all.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { applyMigrations, MigrationError, unfinishedMigrations } from '#platform/database/migrations.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import { runScript } from './local/run-script.ts';
import { givenDatabaseUrl, LocalError, loadEnvironment, root } from './local/settings.ts';

const WAIT_MS = 60_000;
/** A migration may take ten minutes; whoever started the wait starts it again. */
const SCHEMA_WAIT_MS = 600_000;
const PAUSE_MS = 250;
/** Nobody answers yet: the system's own errors, and the driver's for a connection that did not come to be. */
const ABSENCE = /^E(?!R_)|^ER_(CONNECTION_TIMEOUT|SOCKET)/;

/**
 * Brings one subgraph's database up to date and answers the names of the migrations applied. Waits up to a minute
 * for the database to accept connections.
 */
export async function migrate(name: SubgraphName, url: string, signal?: AbortSignal): Promise<string[]> {
  try {
    return await oncePresent(async () => (await applyMigrations({ url, folder: folderOf(name) })).applied, signal);
  } catch (error) {
    if (error instanceof MigrationError) throw new LocalError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Waits until one subgraph's database has every migration that this version brings. @throws LocalError */
async function waitForSchema(name: SubgraphName, url: string): Promise<void> {
  const giveUpAtMs = Date.now() + SCHEMA_WAIT_MS;
  for (let told = ''; ; await delay(PAUSE_MS)) {
    const missing = (await oncePresent(() => unfinishedMigrations({ url, folder: folderOf(name) }))).join(', ');
    if (missing === '') return;
    if (Date.now() > giveUpAtMs) throw new LocalError(`${name}: still without ${missing}.`);
    if (missing !== told) console.log(`${name}: waiting for ${missing}`);
    told = missing;
  }
}

const folderOf = (name: SubgraphName) => join(root, 'prisma', name, 'migrations');

/** Does the work as soon as the database accepts connections. */
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
  if (names.length === 0) throw new LocalError(`There is no ${only}; the databases are ${SUBGRAPHS.join(', ')}.`);
  for (const name of names) {
    const variable = `DATABASE_URL_${name.toUpperCase()}`;
    const url = givenDatabaseUrl(env, variable) ?? (only && givenDatabaseUrl(env, 'DATABASE_URL'));
    if (!url) throw new LocalError(`${variable} is not set.`);
    const applied = values.wait ? await waitForSchema(name, url) : await migrate(name, url);
    console.log(`${name}: ${applied?.length ? `applied ${applied.join(', ')}` : 'up to date'}`);
  }
}

if (import.meta.main) await runScript(main);
