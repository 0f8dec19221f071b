import { z } from 'zod';
import { fetchData } from '#platform/clients/fetch-data.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';
import { eventFacts } from '../event/messaging/contract.ts';
import type { EventSnapshot } from './store/inventories.ts';

export type EventFactsClient = ReturnType<typeof createEventFactsClient>;

const QUERY = `query EventFacts($ids: [ID!]!) {
  eventFacts(ids: $ids) {
    id startsAt status version initialSeats salesStartAt salesEndAt maxSeatsPerUser cancellationDeadline
    cancellationReason organizer { id }
  }
}`;

const sharedFacts = eventFacts.omit({ eventId: true, name: true, venue: true, organizerId: true });
const answer = z.object({
  eventFacts: z.array(sharedFacts.extend({ id: z.string(), organizer: z.object({ id: z.string() }) })),
});

/** Reads event facts directly from the event subgraph, for events whose messages have not arrived. */
export const createEventFactsClient = (client: GraphQLClient, timeoutMs: number) => ({
  /** Returns the facts of the events that exist. @throws SERVICE_UNAVAILABLE when the request fails */
  async fetch(eventIds: readonly string[]): Promise<EventSnapshot[]> {
    const operation = { query: QUERY, variables: { ids: eventIds }, operationName: 'EventFacts', timeoutMs };
    const { eventFacts: found } = await fetchData(client, operation, answer);
    return found.map(({ id, organizer, ...facts }) => ({ ...facts, eventId: id, organizerId: organizer.id }));
  },
});
