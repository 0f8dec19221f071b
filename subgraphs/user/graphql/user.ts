import { isSelfOrAdmin } from '#platform/identity.ts';
import type { UserResolvers } from '../generated/graphql.ts';

export const user: UserResolvers = {
  /** For every reader: who holds a reference got it from a subgraph that let it. The e-mail has its own rule. */
  __resolveReference: async ({ id }, { users }) => {
    const found = await users.load(id);
    return found && { ...found };
  },
  email: ({ id, email }, _args, { caller, signedIn }) => (isSelfOrAdmin(caller, id) || signedIn.has(id) ? email : null),
};
