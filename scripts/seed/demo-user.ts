import { createCatalogue, DEMO_USER, type SeedEvent } from './catalogue.ts';
import { createSeedGateway, type SeedGateway } from './gateway.ts';

/**
 * Creates the demo user and their events, for `npm start`. Returns the outcome in a few words.
 * `npm start` loads this file before the code is generated, so it must not import generated code.
 * @throws LocalError when the gateway answers with an error
 */
export async function seedDemoUser(graphqlUrl: string): Promise<string> {
  const gateway = createSeedGateway(graphqlUrl);
  if (!(await gateway.register(DEMO_USER))) return `not created, because ${DEMO_USER.email} has another password`;
  const events = createCatalogue().events.filter(({ organizer }) => organizer === DEMO_USER);
  const added = await Promise.all(events.map(async (event) => (await openEvent(gateway, event)).isNew));
  return added.includes(true) ? 'created' : 'already there';
}

/** Returns the event of the catalogue, after creating it if it is not there. */
export async function openEvent(gateway: SeedGateway, event: SeedEvent) {
  const present = await gateway.findEvent(event);
  if (present !== undefined) return { ...present, isNew: false };
  return { id: await gateway.createEvent(event), status: 'SCHEDULED', version: 1, isNew: true };
}
