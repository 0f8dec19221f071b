import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { currentRequestId } from '../clients/deadline.ts';
import { type ErrorCode, internalError, unavailable } from '../errors/errors.ts';
import { isUnavailable } from '../errors/outages.ts';
import { driverError, sqlErrorNumber } from '../errors/sql-error.ts';
import type { Logger } from '../process/logger.ts';

/** Codes of errors whose message is written for clients: our own codes and those of Apollo Server. */
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

const WARN_EVERY_MS = 60_000;

/**
 * Creates the function that decides which part of an error a client sees. Errors with public codes keep code, message,
 * path, locations and retryAfter. An outage becomes SERVICE_UNAVAILABLE. Each kind of outage is logged as a warning once
 * a minute, and for other requests at the level debug. Any other error is logged in full under a new errorId, and the
 * client gets only that id.
 */
export function createErrorMask(logger: Logger) {
  /** When each kind of outage was last logged as a warning. */
  const warnedAtMs = new Map<unknown, number>();

  function levelOf(outage: unknown): 'warn' | 'debug' {
    const kind = sqlErrorNumber(outage) ?? driverError(outage)?.kind ?? driverError(outage)?.code;
    const nowMs = performance.now();
    if (nowMs - (warnedAtMs.get(kind) ?? -Infinity) < WARN_EVERY_MS) return 'debug';
    warnedAtMs.set(kind, nowMs);
    return 'warn';
  }

  return (formatted: GraphQLFormattedError, thrown: unknown): GraphQLFormattedError => {
    const original = thrown instanceof GraphQLError ? (thrown.originalError ?? thrown) : thrown;
    if (isUnavailable(original)) {
      logger[levelOf(original)](
        { err: original, path: formatted.path, requestId: currentRequestId() },
        'a dependency is unavailable',
      );
      return masked(unavailable().toJSON(), formatted);
    }
    // Apollo Server overwrites the code of errors from validation rules.
    const code = ownCodeOf(original) ?? formatted.extensions?.code;
    if (PUBLIC_CODES.has(code))
      return masked({ ...formatted, extensions: { ...formatted.extensions, code } }, formatted);
    const errorId = randomUUID();
    logger.error({ err: original, errorId, path: formatted.path, requestId: currentRequestId() }, 'unexpected error');
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
