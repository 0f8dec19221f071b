import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type ErrorCode, internalError, unavailable } from '../errors/errors.ts';
import { isUnavailable } from '../errors/outages.ts';
import type { Logger } from '../process/logger.ts';

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
    return masked(internalError(errorId).toJSON(), formatted);
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
