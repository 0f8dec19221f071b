/**
 * npm run outbox -- replay --since <time> [<subgraph>]
 *
 * Restores messages that the broker lost. The running relays publish all messages again that were published at or after
 * a time, like 2026-11-22T09:30:00Z, from every outbox or from one. Consumers drop the messages that they have already
 * applied. The command uses the databases of `npm start`, unless DATABASE_URL_USER and so on name others.
 */
import { z } from 'zod';
import { createDatabasePool } from '#platform/database/database.ts';
import { driverTransactions } from '#platform/database/transactions.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { OUTBOX_KEEP_HOURS } from '#platform/outbox/prune.ts';
import { replayOutbox } from '#platform/outbox/replay.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { PUBLISHERS, type SubgraphName } from '#services';
import { parseArguments, runScript } from './local/run-script.ts';
import { loadSecrets } from './local/secrets.ts';
import { databaseUrlOf } from './local/servers/database-accounts.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const USAGE = `npm run outbox -- replay --since <time> [${PUBLISHERS.join(' | ')}]`;
const HOUR_MS = 3_600_000;

/** @throws LocalError that names the wrong argument */
function readArguments(): { names: readonly SubgraphName[]; since: Date } {
  const { values, positionals } = parseArguments(
    { options: { since: { type: 'string' } }, allowPositionals: true },
    USAGE,
  );
  const [command, only, ...rest] = positionals;
  if (command !== 'replay' || rest.length > 0) throw new LocalError(`Usage: ${USAGE}`);
  const names = PUBLISHERS.filter((name) => only === undefined || name === only);
  if (names.length === 0) throw new LocalError(`${only} has no outbox. Choose one of: ${PUBLISHERS.join(', ')}.`);
  const time = z.iso.datetime({ offset: true }).safeParse(values.since);
  if (!time.success) throw new LocalError('--since takes a time with its zone, like 2026-11-22T09:30:00Z.');
  const since = new Date(time.data);
  if (since.getTime() > Date.now()) throw new LocalError(`--since ${values.since} is in the future.`);
  return { names, since };
}

async function replay(name: SubgraphName, url: string, since: Date): Promise<number> {
  const pool = createDatabasePool(parseConfig(databaseSettings(`${name}_db`), { DATABASE_URL: url }));
  try {
    return await replayOutbox(driverTransactions(pool), since);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new LocalError(`The ${name} database cannot be reached. You can run the command again.`, { cause: error });
  } finally {
    await pool.end();
  }
}

async function main(): Promise<void> {
  const { names, since } = readArguments();
  const settings = readSettings(loadEnvironment());
  if (since.getTime() < Date.now() - OUTBOX_KEEP_HOURS * HOUR_MS) {
    console.warn(
      `Outboxes keep messages for ${OUTBOX_KEEP_HOURS} hours after publication. Older ones cannot be replayed.`,
    );
  }
  for (const name of names) {
    const given = settings.given.databaseUrls[name];
    const url = given ?? databaseUrlOf(name, settings, await loadSecrets(settings.dataDir));
    const count = await replay(name, url, since);
    console.log(`${name}: messages to publish again: ${count}`);
  }
}

await runScript(main);
