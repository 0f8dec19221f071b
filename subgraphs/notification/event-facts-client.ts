import { z } from 'zod';
import { fetchData } from '#platform/clients/fetch-data.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';
import { eventFacts } from '../event/messaging/contract.ts';
import type { EventDetailsSnapshot } from './store/event-details.ts';

export type EventFactsClient = ReturnType<typeof createEventFactsClient>;

const QUERY = `query EventOrganizers($ids: [ID!]!) {
  eventFacts(ids: $ids) { id name venue startsAt timeZone status version organizer { id } }
}`;

const sharedFacts = eventFacts.pick({
  name: true,
  venue: true,
  startsAt: true,
  timeZone: true,
  status: true,
  version: true,
});
const answer = z.object({
  eventFacts: z.array(sharedFacts.extend({ id: z.string(), organizer: z.object({ id: z.string() }) })),
});

/** Reads event facts directly from the event subgraph, for events whose organizer no message has told. */
export const createEventFactsClient = (client: GraphQLClient, timeoutMs: number) => ({
  /** Returns the facts of the events that exist. @throws SERVICE_UNAVAILABLE when the request fails */
  async fetch(eventIds: readonly string[]): Promise<EventDetailsSnapshot[]> {
    const operation = { query: QUERY, variables: { ids: eventIds }, operationName: 'EventOrganizers', timeoutMs };
    const { eventFacts: found } = await fetchData(client, operation, answer);
    return found.map(({ id, organizer, ...facts }) => ({ ...facts, eventId: id, organizerId: organizer.id }));
  },
});
