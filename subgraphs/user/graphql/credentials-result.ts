import type { Session } from '../domain/session.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

/** The GraphQL answer to credentials: a session, or a refusal that does not say what was wrong with them. */
export const credentialsResult = (session: Session | null): ResolversTypes['SignInResult'] =>
  session === null
    ? {
        __typename: 'InvalidCredentialsError',
        code: 'INVALID_CREDENTIALS',
        message: 'These credentials are not valid.',
      }
    : { __typename: 'Session', ...session };
