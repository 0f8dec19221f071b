import { z } from 'zod';
import { parseArgument } from '#platform/errors/validation.ts';
import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { listUsers } from '../store/users.ts';

const contactIds = z.array(z.string()).max(1_000, 'must not contain more than 1,000 ids');

export const query: QueryResolvers = {
  async me(_parent, _args, { caller, users }) {
    const user = caller && (await users.load(caller.userId));
    return user?.deletedAt === null ? user : null;
  },
  user: (_parent, { id }, { users }) => users.load(id),
  async userContacts(_parent, { ids }, { users }) {
    const found = await Promise.all(parseArgument(contactIds, 'ids', ids).map((id) => users.load(id)));
    return found.filter((user) => user !== null).filter(({ deletedAt }) => deletedAt === null);
  },
  users: async (_parent, args, { dependencies: { database } }) => {
    const page = pageOf(args, idKey);
    return connectionById(await listUsers(database, page), page);
  },
};
