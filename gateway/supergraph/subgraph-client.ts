import type { GraphQLDataSource } from '@apollo/gateway';
import { GraphQLError } from 'graphql';
import { type GraphQLClient, isMutation } from '#platform/clients/graphql-client.ts';
import { CLIENT_ADDRESS_HEADER } from '#platform/identity/identity.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayContext } from '../context.ts';
import { type Fetch, placeErrors } from './subgraph-errors.ts';

/**
 * Creates the client of a subgraph for @apollo/gateway. It answers a mutation within `timeoutMs`, a query within
 * `queryTimeoutMs`, and both before the operation's deadline. From the client's request it forwards only the access
 * token, the request id, the trace context and the client's address. When the subgraph is down or hangs, the answer is
 * SERVICE_UNAVAILABLE for each requested field. A query is cancelled when the client disconnects; a mutation is not.
 */
export function createSubgraphClient({
  name,
  client,
  timeoutMs,
  queryTimeoutMs,
  logger,
}: {
  name: string;
  client: GraphQLClient;
  timeoutMs: number;
  queryTimeoutMs: number;
  logger: Logger;
}): GraphQLDataSource {
  const ask = (
    fetch: Fetch,
    { authorization, traceparent, requestId, clientAddress, deadlineMs, signal }: GatewayContext,
  ) =>
    client.request({
      ...fetch,
      headers: {
        'x-request-id': requestId,
        [CLIENT_ADDRESS_HEADER]: clientAddress,
        ...(authorization !== undefined && { authorization }),
        ...(traceparent !== undefined && { traceparent }),
      },
      deadlineMs,
      ...(isMutation(fetch.query) ? { timeoutMs } : { timeoutMs: queryTimeoutMs, signal }),
    });

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
          logger.warn(
            { err: originalError, subgraph: name, requestId: context.requestId },
            'the subgraph did not answer',
          );
        return { data: null, errors: placeErrors([{ message, extensions }], fetch) };
      }
    },
  };
}
