/**
 * npm run reconcile
 *
 * Checks all events without the pauses of the booking subgraph's background check. It fetches event facts whose message
 * was lost. It cancels open bookings of cancelled events. It reports seats that do not add up and does not change them.
 * It exits with code 1 when it could not repair everything.
 *
 * It uses the database and the event subgraph of a running `npm start`, unless the variables of the booking subgraph
 * name others: DATABASE_URL_BOOKING, or in its container DATABASE_URL or MYSQL_*, and EVENT_SUBGRAPH_URL with
 * EVENT_SUBGRAPH_SECRET.
 */
import { GraphQLError } from 'graphql';
import { v7 as newId } from 'uuid';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { eachOf, SUBGRAPHS } from '#services';
import { closeNextEvent } from '../subgraphs/booking/commands/close-events.ts';
import { BEFORE_ALL_EVENTS, type Finding, reconcilePage } from '../subgraphs/booking/commands/reconcile.ts';
import { readConfig } from '../subgraphs/booking/config.ts';
import { createEventFactsClient } from '../subgraphs/booking/event-facts-client.ts';
import { PrismaClient } from '../subgraphs/booking/generated/prisma/client.ts';
import { runScript } from './local/run-script.ts';
import { loadSecrets } from './local/secrets.ts';
import { databaseUrlOf } from './local/servers/database-accounts.ts';
import { serviceEnvironment } from './local/services/service-environment.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

/**
 * The environment of the booking subgraph: the current one in the container of the service, otherwise the one that
 * `npm start` gives to the service.
 */
async function bookingEnvironment(): Promise<NodeJS.ProcessEnv> {
  const env = loadEnvironment();
  if (env.DATABASE_URL || env.MYSQL_HOST) return env;
  const settings = readSettings(env);
  const secrets = await loadSecrets(settings.dataDir);
  const databaseUrls = eachOf(SUBGRAPHS, (name) => databaseUrlOf(name, settings, secrets));
  return serviceEnvironment('booking', { ...settings, env, secrets, databaseUrls, redisUrl: '', natsUrl: '' });
}

/** Checks and repairs all events. Returns the number of findings that it could not repair. */
async function reconcileAll(config: ReturnType<typeof readConfig>): Promise<number> {
  const pool = createDatabasePool(config);
  const client = createGraphQLClient({ url: config.EVENT_SUBGRAPH_URL, secret: config.EVENT_SUBGRAPH_SECRET[0] });
  const database = new PrismaClient({ adapter: prismaAdapter(pool) });
  // No relay runs here: the relay of the subgraph polls the outbox.
  const relay = { nudge: () => undefined, requireRoom: () => undefined };
  const eventFacts = createEventFactsClient(client, config.EVENT_SUBGRAPH_TIMEOUT_MS);
  let left = 0;
  const report = (finding: Finding) => {
    if (!finding.isRepaired) left += 1;
    console.log(describe(finding));
  };
  try {
    let afterId: string | undefined = BEFORE_ALL_EVENTS;
    while (afterId !== undefined) afterId = await reconcilePage({ database, eventFacts }, { afterId, report });
    while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
    return left;
  } finally {
    await client.close();
    await pool.end();
  }
}

function describe(finding: Finding): string {
  const { eventId } = finding;
  switch (finding.kind) {
    case 'outdated-facts':
      return `${eventId}: the facts were out of date because a message was lost; they are up to date now`;
    case 'open-bookings':
      return `${eventId}: bookings stayed open on the cancelled event; they are cancelled now`;
    case 'unchecked':
      return `${eventId}: not checked because the database took too long`;
    case 'wrong-seats': {
      const { totalSeats, availableSeats, confirmedSeats, heldSeats, seatsOfHolds } = finding.seats;
      const { waitingSeats, seatsOfEntries } = finding.seats;
      const counted = `${availableSeats} available, ${confirmedSeats} booked and ${heldSeats} held`;
      const waiting = `${waitingSeats} waiting (its entries: ${seatsOfEntries})`;
      return `${eventId}: ${totalSeats} seats, but ${counted} (its holds: ${seatsOfHolds}), ${waiting}; not changed`;
    }
  }
}

const isUnreachable = (error: unknown) =>
  error instanceof GraphQLError && error.extensions.code === 'SERVICE_UNAVAILABLE';

async function main(): Promise<void> {
  try {
    const left = await reconcileAll(readConfig(await bookingEnvironment()));
    if (left > 0) throw new LocalError(`Inconsistencies that were not repaired: ${left}.`);
    console.log('Seats and bookings are consistent.');
  } catch (error) {
    if (!isUnavailable(error) && !isUnreachable(error)) throw error;
    throw new LocalError('The booking database or the event subgraph cannot be reached. Is the system running?', {
      cause: error,
    });
  }
}

await runScript(main);
