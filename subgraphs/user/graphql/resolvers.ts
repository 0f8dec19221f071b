import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { createUser } from './create-user.ts';
import { query } from './query.ts';
import { refreshSession } from './refresh-session.ts';
import { session } from './session.ts';
import { signIn } from './sign-in.ts';
import { signOut } from './sign-out.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: { createUser, signIn, refreshSession, signOut },
  Session: session,
  User: user,
};
