import type { SessionResolvers } from '../generated/graphql.ts';

export const session: SessionResolvers = {
  /** Whoever gets a session has just proven to be its user, and may read what only the user may. */
  user: ({ user }, _args, { signedIn }) => {
    signedIn.add(user.id);
    return user;
  },
};
