import { isId } from '#platform/errors/validation.ts';
import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { UserResolvers } from '../generated/graphql.ts';

export const user = {
  __resolveReference: ({ id }) => ({ __typename: 'User', id }),
  notifications: async ({ id }, args, { notificationPages }) => {
    const page = pageOf(args, idKey);
    const rows = isId(id) ? await notificationPages.load({ userId: id, page }) : [];
    return connectionById(rows, page);
  },
  webhooks: ({ id }, _args, { userWebhooks }) => userWebhooks.load(id),
} satisfies UserResolvers;
