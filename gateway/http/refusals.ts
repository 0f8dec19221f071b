import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { Counter, type Registry } from 'prom-client';
import { asTooComplex } from '../limits/query-limits.ts';
import { unlisted } from '../limits/trusted-documents.ts';
import { withoutValues } from './client-values.ts';

type ErrorMask = (formatted: GraphQLFormattedError, thrown: unknown) => GraphQLFormattedError;

/** Counts an error by which the gateway refuses an operation; not a fault, nor what a subgraph sent. */
export type CountRefusal = (error: GraphQLFormattedError) => void;

/** Faults of ours, which are no refusals. */
const FAULTS: ReadonlySet<unknown> = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE']);

/** Counts what the gateway refuses by itself, by the limit or rule that is broken. */
export function countRefusals(http: FastifyInstance, metrics: Registry): CountRefusal {
  const refusals = new Counter({
    name: 'gateway_refusals_total',
    help: 'Requests that the gateway refused, by the limit or rule that they broke.',
    labelNames: ['reason'] as const,
    registers: [metrics],
  });
  // What Fastify refuses before GraphQL: FST_ERR_CTP_BODY_TOO_LARGE and the like.
  http.addHook('onError', async (_request, _reply, { code, statusCode = 500 }) => {
    if (statusCode < 500) refusals.inc({ reason: code.replace(/^FST_ERR_(CTP_)?/, '').toLowerCase() });
  });
  return ({ path, extensions = {} }) => {
    const { code, reason = code } = extensions as { code?: unknown; reason?: unknown };
    // An error of a subgraph has the path of a field.
    if (path === undefined && !FAULTS.has(code)) refusals.inc({ reason: String(reason).toLowerCase() });
  };
}

/** By which a document that is wrong would tell a stranger what the schema has. */
const SCHEMA_CODES: ReadonlySet<unknown> = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']);

/**
 * The error mask that also gives libraries' refusals our own words, and counts every refusal. Where the gateway is closed
 * to all but trusted documents, a document that is wrong is refused like any other that it does not know. No message
 * repeats what the client sent as a value.
 */
export const createRefusalMask =
  ({ mask, countRefusal, isClosed }: { mask: ErrorMask; countRefusal: CountRefusal; isClosed: boolean }): ErrorMask =>
  (formatted, thrown) => {
    if (isClosed && SCHEMA_CODES.has(formatted.extensions?.code)) {
      const refusal = unlisted();
      countRefusal(refusal.toJSON());
      return mask(refusal.toJSON(), refusal);
    }
    if (!(thrown instanceof GraphQLError)) return mask(formatted, thrown);
    const refusal = inOwnWords(thrown);
    const { originalError } = thrown;
    const own = originalError instanceof GraphQLError ? originalError.extensions : {};
    countRefusal({ ...formatted, extensions: { ...formatted.extensions, ...(refusal?.extensions ?? own) } });
    const shown = refusal === undefined ? mask(formatted, thrown) : mask(refusal.toJSON(), refusal);
    // With the path of a field it is a subgraph that speaks, in words of ours.
    return shown.path === undefined ? { ...shown, message: withoutValues(shown.message) } : shown;
  };

/** The error in the place of one in which a library speaks of itself, of a limit, or without a code. */
const inOwnWords = (error: GraphQLError) => asTooComplex(error) ?? asClosed(error) ?? asBadRequest(error);

function asClosed({ extensions }: GraphQLError): GraphQLError | undefined {
  if (extensions.validationErrorCode !== 'INTROSPECTION_DISABLED') return undefined;
  return new GraphQLError('The schema is not to be read here.', { extensions: { code: extensions.code } });
}

/** A persisted query gone wrong has a client's status from Apollo Server, but no code. */
function asBadRequest({ message, extensions: { code, http } }: GraphQLError): GraphQLError | undefined {
  const { status = 500 } = (http ?? {}) as { status?: number };
  return code === undefined && status < 500
    ? new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } })
    : undefined;
}
