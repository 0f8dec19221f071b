import { GraphQLError } from 'graphql';

/** The codes of errors that a client sees. Expected refusals are not errors but members of result unions. */
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

/** An argument is outside its documented bounds. */
export const badUserInput = (message: string): GraphQLError => error('BAD_USER_INPUT', message);

/** The request needs a valid access token and does not have one. */
export const unauthenticated = (): GraphQLError =>
  error('UNAUTHENTICATED', 'Sign in and send a valid access token.', { http: { status: 401 } });

/** The caller may see the object but may not perform this action on it. */
export const forbidden = (): GraphQLError => error('FORBIDDEN', 'You may not do this.');

/** The budget of the caller or of the address is used up. A retry can succeed after `retryAfterS` seconds. */
export const rateLimited = (retryAfterS: number): GraphQLError =>
  error('RATE_LIMITED', 'Too many requests; try again later.', {
    retryAfter: retryAfterS,
    http: { status: 429, headers: new Map([['retry-after', String(retryAfterS)]]) },
  });

/** A dependency of the request is unavailable. A retry can succeed after `retryAfterS` seconds. */
export const unavailable = (cause?: unknown, retryAfterS = 1): GraphQLError =>
  error('SERVICE_UNAVAILABLE', 'The service is busy or unreachable; try again.', { retryAfter: retryAfterS }, cause);

/** An internal fault. The log contains the details under `errorId`. */
export const internalError = (errorId: string): GraphQLError =>
  error('INTERNAL_SERVER_ERROR', 'Something went wrong.', { errorId });
