import type { GraphQLDataSource } from '@apollo/gateway';
import { GraphQLError } from 'graphql';
import { unavailable } from '#platform/errors.ts';
import type { GraphQLClient } from '#platform/graphql-client.ts';
import { CLIENT_ADDRESS_HEADER } from '#platform/identity.ts';
import type { Logger } from '#platform/logger.ts';
import type { GatewayContext } from './context.ts';
import { type Fetch, placeErrors } from './subgraph-errors.ts';

/**
 * A subgraph as @apollo/gateway sees it. It answers within `timeoutMs` and the operation's deadline. Of the client's
 * request it forwards the access token, the request id, the trace and where it came from, nothing else. A subgraph that is dead or hung answers
 * SERVICE_UNAVAILABLE for the fields that were asked of it.
 */
export function createSubgraphClient({
  name,
  client,
  timeoutMs,
  logger,
}: {
  name: string;
  client: GraphQLClient;
  timeoutMs: number;
  logger: Logger;
}): GraphQLDataSource {
  async function ask(
    fetch: Fetch,
    { authorization, traceparent, requestId, clientAddress, deadlineMs }: GatewayContext,
  ) {
    const leftMs = Math.ceil(deadlineMs - performance.now());
    if (leftMs <= 0) throw unavailable();
    return await client.request({
      ...fetch,
      headers: {
        'x-request-id': requestId,
        [CLIENT_ADDRESS_HEADER]: clientAddress,
        ...(authorization !== undefined && { authorization }),
        ...(traceparent !== undefined && { traceparent }),
      },
      timeoutMs: Math.min(timeoutMs, leftMs),
    });
  }

  return {
    async process({ request: { query = '', variables = {}, operationName }, context: given }) {
      const context = given as GatewayContext;
      const fetch = { query, variables, operationName };
      try {
        const { data = null, errors } = await ask(fetch, context);
        return errors === undefined ? { data } : { data, errors: placeErrors(errors, fetch) };
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        const { message, extensions, originalError } = error;
        if (originalError)
          logger.warn({ err: originalError, subgraph: name, requestId: context.requestId }, 'no answer');
        return { data: null, errors: placeErrors([{ message, extensions }], fetch) };
      }
    },
  };
}
