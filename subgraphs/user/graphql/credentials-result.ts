import type { Session } from '../domain/session.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

/** Returns the GraphQL result for credentials: a session, or an error that does not reveal which part was wrong. */
export const credentialsResult = (session: Session | null): ResolversTypes['SignInResult'] =>
  session === null
    ? {
        __typename: 'InvalidCredentialsError',
        code: 'INVALID_CREDENTIALS',
        message: 'The credentials are not valid.',
      }
    : { __typename: 'Session', ...session };
