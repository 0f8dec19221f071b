import { runWithDeadline } from '../clients/deadline.ts';
import { isMutation } from '../clients/graphql-client.ts';
import { unavailable } from '../errors/errors.ts';
import { SpanKind, startSpan } from '../process/tracing.ts';
import type { ApolloAnswer } from './apollo-handler.ts';
import { type AnswerOperation, JSON_TYPE } from './subgraph-operation.ts';

const TOO_LATE: ApolloAnswer = {
  status: 200,
  headers: { 'content-type': JSON_TYPE },
  text: JSON.stringify({ errors: [unavailable()] }),
};

/**
 * Answers an operation within the time that its caller has left. When `answer` takes longer, the answer is
 * SERVICE_UNAVAILABLE, which tells the caller that this process works and one of its dependencies is slow. After that
 * no further SQL statement begins. The same holds for a query when its caller disconnects, but not for a mutation.
 */
export const answerInTime =
  (answer: AnswerOperation): AnswerOperation =>
  async (operation) => {
    const { http, timeLeftMs, callerSignal, requestId } = operation;
    const { query, operationName = 'operation' } = (http.body ?? {}) as { query?: unknown; operationName?: unknown };
    const attributes = { 'request.id': requestId };
    const span = startSpan(`answer ${operationName}`, operation.traceparent, { kind: SpanKind.SERVER, attributes });
    const deadline = {
      atMs: performance.now() + timeLeftMs,
      requestId,
      traceparent: span.traceparent,
      ...(typeof query === 'string' && !isMutation(query) && { signal: callerSignal }),
    };
    const { promise: late, resolve } = Promise.withResolvers<ApolloAnswer>();
    const timer = setTimeout(resolve, timeLeftMs, TOO_LATE);
    try {
      return await Promise.race([runWithDeadline(deadline, () => answer(operation)), late]);
    } finally {
      clearTimeout(timer);
      span.end();
    }
  };
