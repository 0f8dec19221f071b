import type { UserResolvers } from '../generated/graphql.ts';

export const user = {
  __resolveReference: async ({ id }, { users }) => {
    const found = await users.load(id);
    return found && { ...found };
  },
} satisfies UserResolvers;
