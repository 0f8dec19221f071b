import { isId } from '#platform/errors/validation.ts';
import { connectionOf, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { UserResolvers } from '../generated/graphql.ts';
import { notificationKeyOf } from '../store/notifications.ts';

export const user = {
  __resolveReference: ({ id }) => ({ __typename: 'User', id }),
  notifications: async ({ id }, args, { notificationPages }) => {
    const page = pageOf(args, idKey);
    const rows = isId(id) ? await notificationPages.load({ userId: id, page }) : [];
    return connectionOf(rows, page, notificationKeyOf, (row) => row);
  },
} satisfies UserResolvers;
