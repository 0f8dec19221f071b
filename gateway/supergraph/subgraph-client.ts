import { GraphQLError } from 'graphql';
import { type GraphQLClient, isMutation } from '#platform/clients/graphql-client.ts';
import { CLIENT_ADDRESS_HEADER } from '#platform/identity/identity.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import type { GatewayContext } from '../context.ts';
import type { Fetch, FetchAnswer } from '../execution/query-plan.ts';
import { createEntityJoiner } from './entity-joiner.ts';
import { placeErrors } from './subgraph-errors.ts';

/** Sends one operation to a subgraph. Never throws when the subgraph is unavailable: the answer contains the errors. */
export type SubgraphClient = (fetch: Fetch, context: GatewayContext) => Promise<FetchAnswer>;

/** The caller of a joined fetch. It has no signal when there are several callers. */
type JoinedCaller = Pick<GatewayContext, 'requestId' | 'traceparent' | 'deadlineMs'> & {
  readonly signal?: AbortSignal | undefined;
};

/**
 * Creates a client of one subgraph. It answers a mutation within `timeoutMs`, a query within `queryTimeoutMs`, and both
 * before the operation's deadline. It forwards the client's access token, request id, trace and address, and no other
 * header. If the subgraph does not answer, the requested fields have the error SERVICE_UNAVAILABLE. Queries end when
 * the client disconnects. Mutations continue.
 *
 * Fetches of public fields are sent without the client's token and address, and are joined with those of other clients.
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
      },
      traceparent,
      deadlineMs,
      ...(isMutation(fetch.query) ? { timeoutMs } : { timeoutMs: queryTimeoutMs, signal }),
    });

  const askJoined = createEntityJoiner((fetch: Fetch, { requestId, traceparent, deadlineMs, signal }: JoinedCaller) =>
    client.request({
      ...fetch,
      headers: { 'x-request-id': requestId },
      traceparent,
      deadlineMs,
      timeoutMs: queryTimeoutMs,
      signal,
    }),
  );
  /** A joined fetch may take all of `queryTimeoutMs`. A caller with less time left asks alone. */
  const mayJoin = ({ asksForPublicEntities }: Fetch, { deadlineMs }: GatewayContext) =>
    asksForPublicEntities && performance.now() + queryTimeoutMs < deadlineMs;

  const outageLog = createOutageLog({
    logger,
    began: 'the subgraph did not answer',
    over: 'the subgraph answers again',
  });

  return async (fetch, context) => {
    try {
      const { data = null, errors } = await (mayJoin(fetch, context) ? askJoined : ask)(fetch, context);
      outageLog.succeeded();
      return errors === undefined ? { data } : { data, errors: placeErrors(errors, fetch) };
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const { message, extensions, originalError } = error;
      if (originalError) outageLog.failed({ err: originalError, subgraph: name, requestId: context.requestId });
      return { data: null, errors: placeErrors([{ message, extensions }], fetch) };
    }
  };
}
