import type { UserResolvers } from '../generated/graphql.ts';

export const user: UserResolvers = {
  __resolveReference: async ({ id }, { users }) => {
    const found = await users.load(id);
    return found && { ...found };
  },
};
