import type { Session } from '../domain/session.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

export const invalidCredentials = {
  __typename: 'InvalidCredentialsError',
  code: 'INVALID_CREDENTIALS',
  message: 'The credentials are not valid.',
} as const;

export const invalidToken = {
  __typename: 'InvalidTokenError',
  code: 'INVALID_TOKEN',
  message: 'The token is not valid. Request a new mail.',
} as const;

/** Returns the GraphQL result for credentials: a session, or an error that does not reveal which part was wrong. */
export const credentialsResult = (session: Session | null): ResolversTypes['SignInResult'] =>
  session === null ? invalidCredentials : { __typename: 'Session', ...session };
