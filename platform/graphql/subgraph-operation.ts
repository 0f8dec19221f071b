import { readTimeLeftMs, TIME_LEFT_HEADER } from '../clients/deadline.ts';
import { isMutation } from '../clients/graphql-client.ts';
import { CLIENT_ADDRESS_HEADER } from '../identity/identity.ts';
import type { ApolloAnswer, ApolloRequest } from './apollo-handler.ts';

/** One operation for a subgraph, from a single request or from a batch. */
export interface SubgraphOperation {
  readonly http: ApolloRequest;
  readonly authorization: string | undefined;
  readonly requestId: string;
  /** The trace context of the caller, in W3C's form. */
  readonly traceparent?: string | undefined;
  readonly clientAddress: string;
  readonly timeLeftMs: number;
  /** Aborted when the caller disconnects. */
  readonly callerSignal: AbortSignal;
}

/** Reads an operation from its headers: those of a single request, or those of one operation of a batch. */
export const operationFrom = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
  { ip, ...known }: Pick<SubgraphOperation, 'http' | 'requestId' | 'callerSignal'> & { ip: string },
): SubgraphOperation => ({
  ...known,
  authorization: headers.authorization?.toString(),
  traceparent: headers.traceparent?.toString(),
  clientAddress: String(headers[CLIENT_ADDRESS_HEADER] ?? ip),
  timeLeftMs: readTimeLeftMs(headers[TIME_LEFT_HEADER]),
});

/**
 * Returns the level of an operation's log line. Queries that succeed are logged only for debugging, because the gateway
 * logs the operation that they belong to.
 */
export const logLevelOf = (query: unknown, { status, text }: Pick<ApolloAnswer, 'status' | 'text'>) =>
  status === 200 && text.startsWith('{"data"') && typeof query === 'string' && !isMutation(query) ? 'debug' : 'info';

export type AnswerOperation = (operation: SubgraphOperation) => Promise<ApolloAnswer>;

export const JSON_TYPE = 'application/json; charset=utf-8';
