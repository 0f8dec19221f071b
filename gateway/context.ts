import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ExecutionResult } from 'graphql';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import { clientSignal } from '#platform/http/client-signal.ts';
import type { Authenticate } from '#platform/identity/identity.ts';
import type { OperationDetails } from './http/operation-metrics.ts';
import type { RateLimits } from './limits/rate-limits.ts';

/** A change of a booking, in the terms of the schema. REFRESH has no booking. */
export interface BookingChange {
  readonly kind: 'CONFIRMED' | 'CANCELLED' | 'REFRESH';
  readonly bookingId?: string;
}

/** A subscription that may be opened: it is valid, within the limits, planned and compiled. */
export interface AdmittedSubscription {
  /** The field of the type Subscription, and its arguments. */
  readonly field: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Equal for subscriptions with the same text, operation and variables. */
  readonly key: string;
  /** True if every caller sees the same answer. */
  readonly isPublic: boolean;
  /** Answers the selection with the present state. */
  readonly answer: (context: GatewayContext) => Promise<ExecutionResult>;
}

/** The context of one operation: the data that goes to the subgraphs, and the deadline of the answer. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** The trace context of the operation, for the calls of the subgraphs. */
  readonly traceparent: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  /** Aborted when the client disconnects before it has the answer. */
  readonly signal: AbortSignal;
  /** For the log line and the metrics of the operation. */
  readonly details: OperationDetails;
  /** Receives an admitted subscription. Undefined if the client does not accept a stream. */
  readonly openStream?: (subscription: AdmittedSubscription) => void;
  /** True for a GET request, which must not change anything. */
  readonly isReadOnly?: boolean;
  /** The change that an answer of the subscription myBookings is about. */
  readonly change?: BookingChange;
}

/**
 * Creates the function that reads a request's context. It verifies the caller and draws on the caller's budget before
 * the operation is parsed and before any subgraph is asked.
 * @throws UNAUTHENTICATED for a bad token, RATE_LIMITED when the caller's budget is used up
 */
export const createContextReader =
  ({
    authenticate,
    rateLimits,
    operationTimeoutMs,
  }: {
    authenticate: Authenticate;
    rateLimits: RateLimits;
    operationTimeoutMs: number;
  }) =>
  async (
    { headers, id, clientAddress, details, span }: FastifyRequest,
    reply: FastifyReply,
  ): Promise<GatewayContext> => {
    const signal = clientSignal(reply);
    const deadlineMs = performance.now() + operationTimeoutMs;
    const { authorization } = headers;
    const caller = await authenticate(authorization);
    details.callerId = caller?.userId;
    await rateLimits.admitUser(caller);
    const { traceparent } = span;
    return { caller, requestId: id, clientAddress, authorization, traceparent, deadlineMs, signal, details };
  };
