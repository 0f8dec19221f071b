import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { createUser } from './create-user.ts';
import { query } from './query.ts';
import { refreshSession } from './refresh-session.ts';
import { signIn } from './sign-in.ts';
import { signOut } from './sign-out.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: { createUser, signIn, refreshSession, signOut },
  Session: {
    /** The request has just authenticated this user, so it may read fields that only the user may see. */
    user: ({ user }, _args, { signedIn }) => {
      signedIn.add(user.id);
      return user;
    },
  },
  User: {
    __resolveReference: async ({ id }, { users }) => {
      const found = await users.load(id);
      return found && { ...found };
    },
  },
};
