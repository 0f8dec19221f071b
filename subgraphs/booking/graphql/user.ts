import { connectionById, idKey, pageOf } from '#platform/graphql/pagination.ts';
import type { UserResolvers } from '../generated/graphql.ts';

export const user = {
  __resolveReference: ({ id }) => ({ __typename: 'User', id }),
  bookings: async ({ id }, args, { bookingPages }) => {
    const page = pageOf(args, idKey);
    const rows = await bookingPages.load({ userId: id, page });
    return connectionById(rows, page);
  },
  holds: async ({ id }, args, { holdPages }) => {
    const page = pageOf(args, idKey);
    const rows = await holdPages.load({ userId: id, page });
    return connectionById(rows, page);
  },
  waitlistEntries: async ({ id }, args, { waitlistPages }) => {
    const page = pageOf(args, idKey);
    const rows = await waitlistPages.load({ userId: id, page });
    return connectionById(rows, page);
  },
} satisfies UserResolvers;
