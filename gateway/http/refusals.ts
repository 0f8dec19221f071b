import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { Counter, type Registry } from 'prom-client';
import type { FormatError } from '#platform/graphql/response-text.ts';
import { asTooComplex } from '../limits/query-limits.ts';
import { isAboutSchema, unlisted } from '../limits/trusted-documents.ts';
import { withoutValues } from './client-values.ts';

/** Counts a refusal by the gateway. Faults and errors of subgraphs are not counted. */
export type CountRefusal = (error: GraphQLFormattedError) => void;

/** Codes of our own faults, which are not refusals. */
const FAULTS: ReadonlySet<unknown> = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE']);

/** Counts the gateway's own refusals, by the limit or rule that the request broke. */
export function countRefusals(http: FastifyInstance, metrics: Registry): CountRefusal {
  const refusals = new Counter({
    name: 'gateway_refusals_total',
    help: 'Requests that the gateway refused, by the limit or rule that they broke.',
    labelNames: ['reason'] as const,
    registers: [metrics],
  });
  // Fastify refuses some requests before GraphQL, for example with FST_ERR_CTP_BODY_TOO_LARGE.
  http.addHook('onError', async (_request, _reply, { code, statusCode = 500 }) => {
    if (statusCode < 500) refusals.inc({ reason: code.replace(/^FST_ERR_(CTP_)?/, '').toLowerCase() });
  });
  return ({ path, extensions = {} }) => {
    const { code, reason = code } = extensions as { code?: unknown; reason?: unknown };
    // Errors of subgraphs have the path of a field.
    if (path === undefined && !FAULTS.has(code)) refusals.inc({ reason: String(reason).toLowerCase() });
  };
}

/**
 * Extends the error mask: it replaces the errors of libraries with our own, counts every refusal, and removes the
 * client's values from messages. When only trusted documents are accepted (`isClosed`), an invalid document gets the
 * same refusal as any document that is not trusted.
 */
export const createRefusalMask =
  ({
    mask,
    countRefusal,
    isClosed,
  }: {
    mask: FormatError;
    countRefusal: CountRefusal;
    isClosed: boolean;
  }): FormatError =>
  (formatted, thrown) => {
    if (isClosed && isAboutSchema(formatted)) {
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
    // An error with the path of a field comes from a subgraph. Its message is our own text and contains no values.
    return shown.path === undefined ? { ...shown, message: withoutValues(shown.message) } : shown;
  };

/**
 * The replacement for a library's error that names the library, reveals a limit or has no code; undefined for others.
 */
const inOwnWords = (error: GraphQLError) => asTooComplex(error) ?? asClosed(error) ?? asBadRequest(error);

function asClosed({ extensions }: GraphQLError): GraphQLError | undefined {
  if (extensions.validationErrorCode !== 'INTROSPECTION_DISABLED') return undefined;
  return new GraphQLError('Introspection is disabled.', { extensions: { code: extensions.code } });
}

/** Apollo Server refuses a malformed persisted query with a 4xx status but without a code. */
function asBadRequest({ message, extensions: { code, http } }: GraphQLError): GraphQLError | undefined {
  const { status = 500 } = (http ?? {}) as { status?: number };
  return code === undefined && status < 500
    ? new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } })
    : undefined;
}
