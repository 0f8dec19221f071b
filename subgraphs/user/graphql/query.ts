import { forbidden } from '#platform/errors.ts';
import { isSelfOrAdmin, requireCaller } from '#platform/identity.ts';
import { connectionOf, idKey, pageOf } from '#platform/pagination.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { listUsers, userKeyOf } from '../store/users.ts';

export const query: QueryResolvers = {
  me: (_parent, _args, { caller, users }) => (caller === null ? null : users.load(caller.userId)),
  user: (_parent, { id }, { caller, users }) => (isSelfOrAdmin(caller, id) ? users.load(id) : null),
  users: async (_parent, args, { caller, dependencies: { database } }) => {
    if (requireCaller(caller).role !== 'ADMIN') throw forbidden();
    const page = pageOf(args, idKey);
    return connectionOf(await listUsers(database, page), page, userKeyOf, (user) => user);
  },
};
