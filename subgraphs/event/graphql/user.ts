import { connectionOf, pageOf } from '#platform/graphql/pagination.ts';
import type { UserResolvers } from '../generated/graphql.ts';
import { eventKey, eventKeyOf } from '../store/event-lists.ts';

export const user = {
  __resolveReference: ({ id }) => ({ __typename: 'User', id }),
  events: async ({ id }, args, { organizerPages }) => {
    const page = pageOf(args, eventKey);
    const rows = await organizerPages.load({ organizerId: id, page });
    return connectionOf(rows, page, eventKeyOf, (row) => ({ ...row, cached: false }));
  },
} satisfies UserResolvers;
