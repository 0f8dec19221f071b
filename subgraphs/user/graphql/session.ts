import type { SessionResolvers } from '../generated/graphql.ts';

export const session: SessionResolvers = {
  /** The request has just authenticated this user, so it may read fields that only the user may see. */
  user: ({ user }, _args, { signedIn }) => {
    signedIn.add(user.id);
    return user;
  },
};
