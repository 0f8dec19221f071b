import { GraphQLError } from 'graphql';
import { type GraphQLClient, isMutation } from '#platform/clients/graphql-client.ts';
import { CLIENT_ADDRESS_HEADER } from '#platform/identity/identity.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayContext } from '../context.ts';
import type { Fetch, FetchAnswer } from '../execution/query-plan.ts';
import { placeErrors } from './subgraph-errors.ts';

/** Sends one operation to a subgraph. Never throws for a subgraph that is away: the answer has the errors. */
export type SubgraphClient = (fetch: Fetch, context: GatewayContext) => Promise<FetchAnswer>;

/**
 * A client of one subgraph. It answers a mutation within `timeoutMs`, a query within `queryTimeoutMs`, and both before the
 * operation's deadline. It forwards the client's access token, request id, trace and address, and no other header. A
 * subgraph that does not answer gives SERVICE_UNAVAILABLE for the fields that were asked of it. Queries end when the client
 * goes away, mutations do not.
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
}): SubgraphClient {
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

  return async (fetch, context) => {
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
  };
}
