import { beginOf } from '../domain/session.ts';
import type { UserResolvers } from '../generated/graphql.ts';

export const user = {
  __resolveReference: async ({ id }, { users }) => {
    const found = await users.load(id);
    return found && { ...found };
  },
  /** The e-mail of a deleted account is a placeholder. */
  email: ({ email, deletedAt }) => (deletedAt === null ? email : null),
  emailVerified: ({ emailVerifiedAt }) => emailVerifiedAt !== null,
  deleted: ({ deletedAt }) => deletedAt !== null,
  async sessions({ id }, _args, { caller, sessions }) {
    const active = await sessions.load(id);
    return active.map((session) => ({
      ...session,
      createdAt: beginOf(session),
      current: session.id === caller?.sessionId,
    }));
  },
} satisfies UserResolvers;
