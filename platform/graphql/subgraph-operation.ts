import type { ApolloAnswer, ApolloRequest } from './apollo-handler.ts';

/** One operation for a subgraph, from a single request or from a batch. */
export interface SubgraphOperation {
  readonly http: ApolloRequest;
  readonly authorization: string | undefined;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly timeLeftMs: number;
  /** Aborted when the caller disconnects. */
  readonly callerSignal: AbortSignal;
}

export type AnswerOperation = (operation: SubgraphOperation) => Promise<ApolloAnswer>;

export const JSON_TYPE = 'application/json; charset=utf-8';
