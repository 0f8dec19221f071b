import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from '../process/logger.ts';
import { isUnavailable } from './outages.ts';

/** Faults that a client sees; expected refusals are union members instead. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'QUERY_TOO_COMPLEX'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

/** Codes whose message was written for the client: ours, and those of GraphQL over HTTP itself. */
const PUBLIC_CODES: ReadonlySet<unknown> = new Set<ErrorCode | string>([
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'QUERY_TOO_COMPLEX',
  'SERVICE_UNAVAILABLE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_REQUEST',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

const error = (code: ErrorCode, message: string, extensions: Record<string, unknown> = {}, cause?: unknown) =>
  new GraphQLError(message, {
    extensions: { code, ...extensions },
    ...(cause instanceof Error && { originalError: cause }),
  });

/** An argument outside its documented bounds. */
export const badUserInput = (message: string): GraphQLError => error('BAD_USER_INPUT', message);

/** The request needs a valid access token and has none. */
export const unauthenticated = (): GraphQLError =>
  error('UNAUTHENTICATED', 'Sign in and send a valid access token.', { http: { status: 401 } });

/** The reader may see the object but not do this to it. */
export const forbidden = (): GraphQLError => error('FORBIDDEN', 'You may not do this.');

/** The caller, or its address, has used up its budget; worth a retry after `retryAfterS` seconds. */
export const rateLimited = (retryAfterS: number): GraphQLError =>
  error('RATE_LIMITED', 'Too many requests; try again later.', {
    retryAfter: retryAfterS,
    http: { status: 429, headers: new Map([['retry-after', String(retryAfterS)]]) },
  });

/** Something the request needs does not answer; worth a retry after `retryAfter` seconds. */
export const unavailable = (cause?: unknown, retryAfterS = 1): GraphQLError =>
  error('SERVICE_UNAVAILABLE', 'The service is busy or unreachable; try again.', { retryAfter: retryAfterS }, cause);

/**
 * What a client may know of an error: code, message, path and retryAfter of the public codes. Anything else is
 * logged in full under a fresh errorId, and only that id leaves the process.
 */
export function createErrorMask(logger: Logger) {
  return (formatted: GraphQLFormattedError, thrown: unknown): GraphQLFormattedError => {
    const original = thrown instanceof GraphQLError ? (thrown.originalError ?? thrown) : thrown;
    if (isUnavailable(original)) {
      logger.warn({ err: original, path: formatted.path }, 'a dependency is unavailable');
      return masked(unavailable().toJSON(), formatted);
    }
    // Apollo Server puts a code of its own over that of a validation rule's error.
    const code = ownCodeOf(original) ?? formatted.extensions?.code;
    if (PUBLIC_CODES.has(code))
      return masked({ ...formatted, extensions: { ...formatted.extensions, code } }, formatted);
    const errorId = randomUUID();
    logger.error({ err: original, errorId, path: formatted.path }, 'unexpected error');
    return masked(error('INTERNAL_SERVER_ERROR', 'Something went wrong.', { errorId }).toJSON(), formatted);
  };
}

const ownCodeOf = (original: unknown) => (original instanceof GraphQLError ? original.extensions.code : undefined);

function masked(visible: GraphQLFormattedError, { path, locations }: GraphQLFormattedError): GraphQLFormattedError {
  const { code, retryAfter, errorId } = visible.extensions ?? {};
  return {
    message: visible.message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code, ...(retryAfter !== undefined && { retryAfter }), ...(errorId !== undefined && { errorId }) },
  };
}
