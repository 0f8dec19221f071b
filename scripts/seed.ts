/**
 * npm run seed [-- --url http://localhost:4000/graphql]
 *
 * Fills the running system with a catalogue for demonstrations: 200 users, 30 events and their bookings. The catalogue
 * is the same in every run, and the events lie in the future, counted from today. A second run adds only what is
 * missing. The events and bookings are made through the gateway. The users are written to the user database of
 * `npm start`, unless DATABASE_URL_USER names another.
 */
import { parseArguments, runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';
import { userDatabaseUrl, withUserDatabase } from './local/user-database.ts';
import { createCatalogue, DEMO_ADMIN, DEMO_PASSWORD, DEMO_USER, type SeedEvent } from './seed/catalogue.ts';
import { openEvent } from './seed/demo-user.ts';
import { createSeedGateway, type SeedGateway } from './seed/gateway.ts';
import { registerUsers } from './seed/users.ts';

/** What a run has added. */
export interface Added {
  users: number;
  events: number;
  bookings: number;
}

/** Adds what is missing of the catalogue. @throws LocalError when the gateway or the user database refuses it */
export async function seedCatalogue(graphqlUrl: string, databaseUrl: string): Promise<Added> {
  const { users, events } = createCatalogue();
  const { ids, added } = await withUserDatabase(databaseUrl, (database) => registerUsers(database, users));
  const gateway = createSeedGateway(graphqlUrl);
  const results = await Promise.all(events.map((event) => seedEvent(gateway, event, ids)));
  return {
    users: added,
    events: results.filter(({ isNew }) => isNew).length,
    bookings: results.reduce((sum, { bookings }) => sum + bookings, 0),
  };
}

/** Adds an event with its bookings. The bookings are made one after another, so that equal runs sell equal seats. */
async function seedEvent(gateway: SeedGateway, event: SeedEvent, userIds: ReadonlyMap<string, string>) {
  const { id, isNew, status, version } = await openEvent(gateway, event);
  let bookings = 0;
  if (status === 'CANCELLED') return { isNew, bookings };
  const bookers = isNew ? new Set<string>() : await gateway.findBookers(DEMO_ADMIN, id);
  for (const { user, seatCount, isCancelled } of event.bookings) {
    if (bookers.has(user.email)) continue;
    const userId = userIds.get(user.email) ?? '';
    const bookingId = await gateway.book(DEMO_ADMIN, { eventId: id, userId, seatCount });
    if (bookingId === undefined) continue;
    bookings += 1;
    if (isCancelled) await gateway.cancelBooking(DEMO_ADMIN, bookingId);
  }
  if (event.isCancelled) await gateway.cancelEvent(event, { id, expectedVersion: version });
  return { isNew, bookings };
}

async function main(): Promise<void> {
  const usage = 'npm run seed [-- --url http://localhost:4000/graphql]';
  const { values } = parseArguments({ options: { url: { type: 'string' } } }, usage);
  const env = loadEnvironment();
  if (env.NODE_ENV === 'production') {
    throw new LocalError('npm run seed is for development only: all its accounts have a public password.');
  }
  const url = values.url ?? `http://localhost:${readSettings(env).ports.gateway}/graphql`;
  const added = await seedCatalogue(url, await userDatabaseUrl());
  console.log(`
  Added ${added.users} users, ${added.events} events and ${added.bookings} bookings.

    User        ${DEMO_USER.email}
    Admin       ${DEMO_ADMIN.email}
    Password    ${DEMO_PASSWORD}
`);
}

if (import.meta.main) await runScript(main);
