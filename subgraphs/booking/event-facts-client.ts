import { z } from 'zod';
import { unavailable } from '#platform/errors.ts';
import type { GraphQLClient } from '#platform/graphql-client.ts';
import type { EventFacts } from './store/inventories.ts';

/** The event subgraph, asked directly about events that no message has told of yet. */
export interface EventFactsClient {
  /** The facts of the events that exist. @throws SERVICE_UNAVAILABLE */
  fetch(eventIds: readonly string[]): Promise<EventFacts[]>;
}

const QUERY = `query EventFacts($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Event { id startsAt status version initialSeats organizer { id } }
  }
}`;

const answer = z.object({
  _entities: z.array(
    z
      .object({
        id: z.string(),
        startsAt: z.iso.datetime().transform((value) => new Date(value)),
        status: z.enum(['SCHEDULED', 'CANCELLED']),
        version: z.int(),
        initialSeats: z.int(),
        organizer: z.object({ id: z.string() }),
      })
      .nullable(),
  ),
});

export const createEventFactsClient = (client: GraphQLClient, timeoutMs: number): EventFactsClient => ({
  async fetch(eventIds) {
    const representations = eventIds.map((id) => ({ __typename: 'Event', id }));
    const { data, errors } = await client.request({
      query: QUERY,
      variables: { representations },
      operationName: 'EventFacts',
      headers: {},
      timeoutMs,
    });
    if (errors !== undefined) throw unavailable(new Error(errors[0]?.message));
    return answer
      .parse(data)
      ._entities.filter((event) => event !== null)
      .map(({ id, organizer, ...facts }) => ({ ...facts, eventId: id, organizerId: organizer.id }));
  },
});
