import { readTimeLeftMs, TIME_LEFT_HEADER } from '../clients/deadline.ts';
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

export type AnswerOperation = (operation: SubgraphOperation) => Promise<ApolloAnswer>;

export const JSON_TYPE = 'application/json; charset=utf-8';
