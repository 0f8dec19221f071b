import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';
import { pathOf } from '#platform/http/http-server.ts';
import { type Span, SpanKind, startTrace } from '#platform/process/tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The first step of the operation's trace. */
    span: Span;
  }
}

/** What the log line and the metrics of an operation contain, besides those of every HTTP request. */
export interface OperationDetails {
  /** The name that the client gave to the operation. */
  operation?: string | undefined;
  /** query, mutation or subscription; undefined for an operation that was refused before it was parsed. */
  operationType?: string | undefined;
  callerId?: string | undefined;
  /** OK, or the code of the first error in the answer. */
  outcome?: string;
  /** The id of the first masked error in the answer. The log contains the error under this id. */
  errorId?: string | undefined;
}

/** The label of operations without a name, and of those that are not known yet. */
const OTHER = 'other';
/** Outcomes for which this system is to blame. */
const FAULTS: ReadonlySet<string> = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE']);
const NAMES_MAX = 100;
export const NAME_CHARACTERS_MAX = 100;
/** The text of an answer, or its first event, starts with its errors. Inside of a JSON string, the quotes would be escaped. */
const FIRST_CODE = /^(?:event: next\ndata: )?\{"errors":.*?"code":"([A-Z_]+)"/s;
const FIRST_ERROR_ID = /"errorId":"([\da-f-]{36})"/;
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Measures and traces the operations of a scope, and adds their name, caller and outcome to the log lines of their
 * requests. The handlers set `request.details`. Only the first NAMES_MAX known operations get a label of their own, so that clients
 * cannot create series without bound.
 */
export function observeOperations(scope: FastifyInstance, metrics: Registry) {
  const names = new Set<string>();
  const operations = new Counter({
    name: 'graphql_operations_total',
    help: 'Operations by type, name and outcome: OK, or the code of the first error in the answer.',
    labelNames: ['type', 'operation', 'outcome'] as const,
    registers: [metrics],
  });
  const durations = new Histogram({
    name: 'graphql_operation_duration_seconds',
    help: 'Time from the first byte of an operation to the last byte of its answer, by type and name.',
    labelNames: ['type', 'operation'] as const,
    buckets: BUCKETS_S,
    registers: [metrics],
  });

  scope.decorateRequest('span');
  scope.addHook('onRequest', (request, _reply, done) => {
    const attributes = { 'request.id': request.id };
    request.span = startTrace('operation', request.headers.traceparent, { kind: SpanKind.SERVER, attributes });
    done();
  });
  scope.addHook('onSend', ({ details }, _reply, payload, done) => {
    const code = typeof payload === 'string' ? FIRST_CODE.exec(payload)?.[1] : undefined;
    details.outcome = code ?? 'OK';
    if (code !== undefined) details.errorId = FIRST_ERROR_ID.exec(String(payload))?.[1];
    done();
  });
  function observe({ details, span }: FastifyRequest, { elapsedTime }: FastifyReply): void {
    const {
      operation: name = OTHER,
      operationType: type = OTHER,
      outcome = 'DISCONNECTED',
    } = details as OperationDetails;
    const operation = names.has(name) ? name : OTHER;
    operations.inc({ type, operation, outcome });
    durations.observe({ type, operation }, elapsedTime / 1_000);
    const isFault = FAULTS.has(outcome);
    span.end({ name, attributes: { outcome }, ...(isFault && { error: outcome }) });
  }
  scope.addHook('onResponse', (request, reply, done) => {
    if (request.method !== 'OPTIONS' && !request.isStream) observe(request, reply);
    done();
  });
  return {
    /** Observes an operation whose answer is a stream when the stream begins: it may last for minutes. */
    observeStream(request: FastifyRequest, reply: FastifyReply): void {
      request.isStream = true;
      request.details.outcome = 'OK';
      observe(request, reply);
      const { id: requestId, method, details } = request;
      scope.observe({ requestId, method, path: pathOf(request), status: 200, durationMs: reply.elapsedTime, details });
    },
    /** Gives a known operation a label of its own. */
    learn({ details }: FastifyRequest): void {
      const { operation: name } = details as OperationDetails;
      if (name !== undefined && name.length <= NAME_CHARACTERS_MAX && names.size < NAMES_MAX) names.add(name);
    },
  };
}
