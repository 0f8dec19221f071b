import { isId } from '#platform/errors/validation.ts';
import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import { ownUnlessAdmin } from '#platform/identity/authorization.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { listDeadLetters } from '../store/dead-letters.ts';
import { listNotifications } from '../store/notifications.ts';
import { findWebhook } from '../store/webhooks.ts';

export const query: QueryResolvers = {
  notifications: async (_parent, { filter, ...args }, context) => {
    const caller = requireCaller(context.caller);
    const page = pageOf(args, idKey);
    const bookingId = filter?.bookingId ?? undefined;
    if (bookingId !== undefined && !isId(bookingId)) return connectionById([], page);
    const rows = await listNotifications(context.dependencies.database, {
      page,
      userId: ownUnlessAdmin(caller),
      bookingId,
      status: filter?.status ?? undefined,
    });
    return connectionById(rows, page);
  },
  deadLetters: async (_parent, args, { dependencies: { database } }) => {
    const page = pageOf(args, idKey);
    return connectionById(await listDeadLetters(database, page), page);
  },
  webhook: async (_parent, { id }, { dependencies: { database } }) =>
    (isId(id) ? await findWebhook(database, id) : undefined) ?? null,
};
