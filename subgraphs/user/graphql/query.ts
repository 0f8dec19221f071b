import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { listUsers } from '../store/users.ts';

export const query: QueryResolvers = {
  async me(_parent, _args, { caller, users }) {
    const user = caller && (await users.load(caller.userId));
    return user?.deletedAt === null ? user : null;
  },
  user: (_parent, { id }, { users }) => users.load(id),
  users: async (_parent, args, { dependencies: { database } }) => {
    const page = pageOf(args, idKey);
    return connectionById(await listUsers(database, page), page);
  },
};
