import { z } from 'zod';
import { currentDeadlineMs } from '#platform/clients/deadline.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';
import { unavailable } from '#platform/errors/errors.ts';
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
    const { data, errors } = await client.request({
      query: QUERY,
      variables: { ids: eventIds },
      operationName: 'EventFacts',
      headers: {},
      timeoutMs,
      deadlineMs: currentDeadlineMs(),
    });
    if (errors !== undefined) throw unavailable(new Error(errors[0]?.message));
    return answer
      .parse(data)
      .eventFacts.map(({ id, organizer, ...facts }) => ({ ...facts, eventId: id, organizerId: organizer.id }));
  },
});
