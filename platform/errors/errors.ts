import { GraphQLError } from 'graphql';

/** Faults that a client sees; expected refusals are union members instead. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'QUERY_TOO_COMPLEX'
  | 'SERVICE_UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR';

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

/** A fault of ours, which the log tells of under `errorId`. */
export const internalError = (errorId: string): GraphQLError =>
  error('INTERNAL_SERVER_ERROR', 'Something went wrong.', { errorId });
