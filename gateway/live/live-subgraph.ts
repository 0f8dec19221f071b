import { readFileSync } from 'node:fs';
import { execute, parse } from 'graphql';
import { createSubgraphSchema } from '#platform/graphql/graphql-server.ts';
import type { BookingChange, GatewayContext } from '../context.ts';
import type { FetchAnswer } from '../execution/query-plan.ts';
import type { SubgraphClient } from '../supergraph/subgraph-client.ts';
import { policy } from './policy.ts';

/** The name of the subgraph that owns the type Subscription. It is a part of the gateway's process. */
export const LIVE = 'live';

const typeDefs = readFileSync(new URL('schema.graphql', import.meta.url), 'utf8');
const EXISTS = 'query EventExists($id: ID!) { event(id: $id) { id } }';
const REFRESH: BookingChange = { kind: 'REFRESH' };

/**
 * Creates the client of the subgraph `live`. It answers only with references to an event, or to the booking of
 * `context.change`. The other subgraphs resolve them, so that they decide who may see what.
 */
export function createLiveSubgraph(askEvents: SubgraphClient): SubgraphClient {
  /** True as well when the event subgraph does not answer: the fields of the other subgraphs can still be answered. */
  async function exists(id: string, context: GatewayContext): Promise<boolean> {
    const { data, errors } = await askEvents(
      { query: EXISTS, variables: { id }, operationName: 'EventExists' },
      context,
    );
    return errors !== undefined || data?.event != null;
  }

  const resolvers = {
    Subscription: {
      eventSeats: {
        resolve: async (_root: unknown, { eventId: id }: { eventId: string }, context: GatewayContext) =>
          (await exists(id, context)) ? { __typename: 'Event', id } : null,
      },
      myBookings: {
        resolve(_root: unknown, _arguments: unknown, { change = REFRESH }: GatewayContext) {
          const { kind, bookingId: id } = change;
          return { kind, booking: id === undefined ? null : { __typename: 'Booking', id } };
        },
      },
    },
  };
  const schema = createSubgraphSchema<GatewayContext>({ typeDefs, resolvers, policy });

  return async ({ query, variables }, context) => {
    const { data = null, errors } = await execute({
      schema,
      document: parse(query, { noLocation: true }),
      variableValues: variables,
      contextValue: context,
    });
    return { data, ...(errors && { errors: errors.map((error) => error.toJSON()) }) } as FetchAnswer;
  };
}
